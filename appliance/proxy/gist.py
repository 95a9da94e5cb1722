"""Reads from a request body what decides who can answer it: what comes with the text, tools, its size, its subject.

It knows the shapes of all routes: OpenAI's chat, responses and completions, and Anthropic's messages. What makes no
sense is skipped; it is the engine's to refuse. Contents stay raw slices of the body, so that no picture is copied, and
of a text only both ends are read: the largest body costs little more than a small one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from appliance.routing.facts import (
    BYTES_A_TOKEN,
    MOST_ANSWER_TOKENS,
    TOKENS_A_PICTURE,
    Effort,
    Facts,
    fingerprint,
    sample,
)

Fields = Mapping[str, bytes]
NOTHING = msgspec.Raw(b"")
MOST_OBJECTS = 10_000  # a conversation of more is not looked into
LONG_TEXT = 1 << 14  # bytes; of a longer one both ends are read
BEGINNING = 1 << 16  # bytes of a message by which a conversation is known again

_SENSES = {
    "image_url": "image",
    "input_image": "image",
    "image": "image",
    "input_audio": "audio",
    "audio_url": "audio",
    "audio": "audio",
}
_HINTS = (b"image", b"audio")
_EFFORTS = {
    "none": Effort.LITTLE,
    "minimal": Effort.LITTLE,
    "low": Effort.LITTLE,
    "high": Effort.MUCH,
    "xhigh": Effort.MUCH,
    "max": Effort.MUCH,
}
_SWITCHES = {"enabled": "high", "disabled": "none"}
_LISTS = ("messages", "input")
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict")
_LEADING = frozenset({"system", "developer"})
_STICKY = ("session_id", "conversation", "prompt_cache_key", "metadata")
_PREFIX = ("user", "tools", "response_format", "instructions", "system")


class _Part(msgspec.Struct):
    type: str = ""
    text: msgspec.Raw = NOTHING
    content: msgspec.Raw = NOTHING  # of a tool's result, in Anthropic's shape
    output: msgspec.Raw = NOTHING  # the same in that of the responses


class _Message(msgspec.Struct):
    role: str = ""
    type: str = ""
    content: msgspec.Raw = NOTHING
    output: msgspec.Raw = NOTHING


_MESSAGES = msgspec.json.Decoder(list[_Message])
_PARTS = msgspec.json.Decoder(list[_Part])
_TEXT = msgspec.json.Decoder(str)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(slots=True)
class _Seen:
    senses: set[str]
    text: int = 0  # bytes
    pictures: int = 0


def senses_of(fields: Fields) -> frozenset[str]:
    """What comes with the text of a request. Costs next to nothing as long as no such word stands in it."""
    if not any(hint in fields.get(name, b"") for name in _LISTS for hint in _HINTS):
        return frozenset()
    seen = _Seen(set())
    for message in _messages(fields):
        _look(message, seen)
    return frozenset(seen.senses)


def facts_of(fields: Fields) -> Facts:
    """Everything that helps to choose a model."""
    messages, seen = _messages(fields), _Seen(set())
    for message in messages:
        _look(message, seen)
    said, length = _last_words(fields, messages)
    text = seen.text if messages else len(fields.get("messages", b"")) + len(fields.get("input", b""))
    size = text + sum(len(fields.get(name, b"")) for name in ("tools", "instructions", "system", "prompt"))
    return Facts(
        senses=frozenset(seen.senses),
        tools=len(fields.get("tools", b"")) > len(b"[]") and fields.get("tool_choice") != b'"none"',
        said=sample(said),
        length=length,
        tokens=size // BYTES_A_TOKEN + seen.pictures * TOKENS_A_PICTURE + _answer_tokens(fields),
        effort=_effort(fields),
        conversation=_conversation(fields, messages),
    )


def conversation_of(body: bytes) -> str:
    """The same for each turn of a conversation; nothing when it cannot be told. The body is known to be JSON."""
    fields = {key: bytes(value) for key, value in _FIELDS.decode(body).items()}
    return _conversation(fields, _messages(fields))


def _messages(fields: Fields) -> Sequence[_Message]:
    raw = fields.get("messages") or fields.get("input", b"")
    if raw.startswith(b'"'):
        return [_Message("user", content=msgspec.Raw(raw))]
    if raw.count(b"{") > MOST_OBJECTS:
        return []
    try:
        return _MESSAGES.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return []


def _look(message: _Message, seen: _Seen) -> None:
    if message.type in _SENSES:
        seen.senses.add(_SENSES[message.type])
    for raw in (message.content, message.output):
        _look_at(raw, seen, nested=True)


def _look_at(raw: msgspec.Raw, seen: _Seen, *, nested: bool) -> None:
    if not _is_list(raw):
        seen.text += len(memoryview(raw))
        return
    for part in _parts(raw):
        sense = _SENSES.get(part.type)
        if sense is not None:
            seen.senses.add(sense)
            seen.pictures += 1
        seen.text += len(memoryview(part.text))
        for inner in (part.content, part.output) if nested else ():
            _look_at(inner, seen, nested=False)


def _is_list(raw: msgspec.Raw) -> bool:
    view = memoryview(raw)
    return len(view) > 0 and view[0] == ord("[")


def _parts(raw: msgspec.Raw) -> Sequence[_Part]:
    try:
        return _PARTS.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return []


def _last_words(fields: Fields, messages: Sequence[_Message]) -> tuple[str, int]:
    """The last text that the person wrote, and its length; results of tools come in the person's name as well."""
    for message in reversed(messages):
        if message.role == "user" and (texts := list(_texts(message.content))):
            return "\n".join(text for text, _ in texts), sum(length + 1 for _, length in texts) - 1
    return _text(memoryview(fields.get("prompt", b"")))


def _texts(raw: msgspec.Raw) -> Iterator[tuple[str, int]]:
    found = (part.text for part in _parts(raw)) if _is_list(raw) else (raw,)
    for content in found:
        text, length = _text(memoryview(content))
        if text:
            yield text, length


def _text(raw: memoryview) -> tuple[str, int]:
    """A JSON string, and its length; the middle of a long one is left out."""
    if not raw or raw[0] != ord('"'):
        return "", 0
    if len(raw) > LONG_TEXT:
        ends = (raw[1 : LONG_TEXT // 2], raw[-LONG_TEXT // 2 : -1])
        return "".join(bytes(end).decode("utf-8", "ignore") for end in ends), len(raw)
    try:
        text = _TEXT.decode(raw)
    except msgspec.MsgspecError:
        return "", 0
    return text, len(text)


def _answer_tokens(fields: Fields) -> int:
    given = next((fields[name] for name in _LIMITS if name in fields), b"")
    return min(int(given), MOST_ANSWER_TOKENS) if given.isdigit() and len(given) < 12 else 0


class _Thought(msgspec.Struct):
    effort: str | None = None
    type: str | None = None


def _effort(fields: Fields) -> Effort | None:
    """`reasoning_effort`, `reasoning: {effort}` of the responses, `thinking: {type}` of Anthropic's messages."""
    word, _ = _text(memoryview(fields.get("reasoning_effort", b"")))
    for name in ("reasoning", "thinking"):
        try:
            thought = msgspec.json.decode(fields.get(name, b"{}"), type=_Thought)
        except msgspec.MsgspecError:
            continue
        word = word or thought.effort or _SWITCHES.get(thought.type or "", "")
    return _EFFORTS.get(word)


def _conversation(fields: Fields, messages: Sequence[_Message]) -> str:
    """By the name that the client gave it, else by how it began: that stays when it goes on."""
    named = [fields[name] for name in _STICKY if fields.get(name, b"null") not in (b"null", b"{}", b'""')]
    if named:
        return fingerprint(named)
    start: list[bytes] = [fields.get(name, b"") for name in _PREFIX]
    for message in messages:
        start.append(bytes(memoryview(message.content)[:BEGINNING]))
        if message.role not in _LEADING:
            break
    return fingerprint(start) if messages else ""
