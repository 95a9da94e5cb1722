"""What engines answer, whole or piece by piece, as far as it is passed on: OpenAI's shapes, and the engine's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec


class Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class Call(msgspec.Struct):
    """A piece of a call; those with one index belong together."""

    index: int = 0
    id: str | None = None
    function: Function | None = None


class Said(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[Call] | None = None


class Choice(msgspec.Struct):
    message: Said | None = None  # of a whole answer
    delta: Said | None = None  # of a stream
    text: str | None = None  # of a completion
    finish_reason: str | None = None


class Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Timings(msgspec.Struct):
    prompt_ms: float | None = None
    predicted_ms: float | None = None


class Chunk(msgspec.Struct):
    choices: list[Choice] = []
    usage: Usage | None = None
    timings: Timings | None = None
    error: Any = None
    content: str | None = None  # these of an infill
    stop_type: str | None = None
    tokens_evaluated: int | None = None
    tokens_predicted: int | None = None


class Vector(msgspec.Struct):
    embedding: msgspec.Raw
    index: int = 0


class Vectors(msgspec.Struct):
    data: list[Vector]
    usage: Usage | None = None


CHUNKS = msgspec.json.Decoder(Chunk)
VECTORS = msgspec.json.Decoder(Vectors)
UNREADABLE = "The engine answered with something that cannot be read. Trying again may help."


class Refused(Exception):
    """The answer turned into an error; the text is for a person."""


def error_text(body: bytes) -> str:
    """Of an error in OpenAI's shape."""
    try:
        error = msgspec.json.decode(body, type=dict[str, Any]).get("error")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else ""


@dataclass(frozen=True, slots=True)
class Piece:
    text: str = ""
    thinking: str = ""

    def __bool__(self) -> bool:
        return bool(self.text or self.thinking)


@dataclass(slots=True)
class Reading:
    """An answer as far as it has been read."""

    finish: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    reading_ms: float | None = None
    writing_ms: float | None = None
    _calls: dict[int, Call] = field(default_factory=dict)

    def take(self, chunk: Chunk) -> Piece:
        """What it adds to the words."""
        self._note(chunk)
        if not chunk.choices:
            return Piece(chunk.content or "")
        choice = chunk.choices[0]
        self.finish = choice.finish_reason or self.finish
        said = choice.delta or choice.message or Said(choice.text)
        for place, call in enumerate(said.tool_calls or ()):
            self._add(place if choice.message else call.index, call)
        return Piece(said.content or "", said.reasoning_content or "")

    def calls(self) -> list[dict[str, Any]]:
        """Those of tools, as Ollama tells them."""
        return [_whole(place, call) for place, call in sorted(self._calls.items())]

    def _note(self, chunk: Chunk) -> None:
        if chunk.stop_type is not None and chunk.stop_type != "none":
            self.finish = "length" if chunk.stop_type == "limit" else "stop"
            self.tokens_in, self.tokens_out = chunk.tokens_evaluated, chunk.tokens_predicted
        if chunk.usage is not None:
            self.tokens_in, self.tokens_out = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
        if chunk.timings is not None:
            self.reading_ms, self.writing_ms = chunk.timings.prompt_ms, chunk.timings.predicted_ms

    def _add(self, place: int, piece: Call) -> None:
        known = self._calls.setdefault(place, Call(place, function=Function("", "")))
        known.id = piece.id or known.id
        if piece.function is not None and known.function is not None:
            known.function.name = piece.function.name or known.function.name
            known.function.arguments = (known.function.arguments or "") + (piece.function.arguments or "")


def _whole(place: int, call: Call) -> dict[str, Any]:
    function = call.function or Function()
    told: dict[str, Any] = {"index": place, "name": function.name or "", "arguments": _arguments(function.arguments)}
    return {"id": call.id, "function": told} if call.id else {"function": told}


def _arguments(text: str | None) -> Any:  # noqa: ANN401 - whatever the model wrote
    """Programs expect an object; what is none stays readable."""
    try:
        given = msgspec.json.decode(text or "{}")
    except (msgspec.MsgspecError, RecursionError):
        given = text
    return given if isinstance(given, dict) else {"arguments": given}
