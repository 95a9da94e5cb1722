"""Finds out what a request body asks for, without touching it: the model, whether the answer shall be streamed, and
what it takes to answer it.

Everything that an engine could stumble over is refused here with a clear word: broken JSON, bytes that are not
UTF-8, endless nesting, a field given twice (which of the two would the engine take?).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sized
from functools import lru_cache

import msgspec
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from appliance.proxy.errors import bad_request
from appliance.proxy.gist import facts_of, senses_of
from appliance.routing.facts import NO_FACTS, Facts
from appliance.routing.table import AUTO

MOST_FIELDS = 1000
LONGEST_NAME = 1024
MOST_PARTS = 100
MOST_ANSWERS = 10_000
SHORT_NAME = 256  # bytes; the same few names come again and again
BATCH_TIERS = (b'"flex"', b'"batch"')  # of OpenAI's `service_tier`

_OF_ANSWERS = frozenset({"prompt", "n", "n_cmpl"})
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KEY = re.compile(rb'[\s,]*("[^"\\]*(?:\\.[^"\\]*)*")\s*:\s*', re.DOTALL)
_END_OF_VALUE = re.compile(rb"\s*[,}]")


class Peeked(msgspec.Struct, frozen=True, gc=False):  # made for each request: three times as fast as a dataclass
    model: str | None = None
    stream: bool = False
    model_span: tuple[int, int] | None = None  # where the value of `model` stands in the body
    answers: int = 1  # that it wants side by side
    facts: Facts = NO_FACTS  # all of them only when the choice of the model is left to the box
    batch: bool = False  # nobody sits and waits for it

    def naming(self, body: bytes, model: str) -> bytes:
        """The body with the model called by its real name; some engine routes repeat the name they were given."""
        if self.model_span is None or self.model == model:
            return body
        start, end = self.model_span
        return b"".join((body[:start], msgspec.json.encode(model), body[end:]))


def peek_json(body: bytes) -> Peeked:
    """Raises ApiError (400) for anything but one JSON object."""
    raw = _decode(body)
    given = raw.get("model")
    if given is not None and len(given) <= SHORT_NAME and _is_plain(raw, body):
        name = _text(bytes(given))
        if name is not None and name != AUTO:
            return _plain(name, raw)
    fields = {key: bytes(value) for key, value in raw.items()}
    span = _compact_span(fields, "model") if _is_compact(fields, len(body)) else _spans(body, fields).get("model")
    model = _text(fields.get("model"))
    return Peeked(
        model=model,
        stream=fields.get("stream") == b"true",
        model_span=span,
        answers=_answers(fields),
        facts=facts_of(fields) if model is None or model == AUTO else _senses(fields),
        batch=fields.get("service_tier") in BATCH_TIERS,
    )


def _is_plain(fields: Mapping[str, msgspec.Raw], body: bytes) -> bool:
    """Whether it brings nothing but text, written as most programs write it."""
    return _is_compact(fields, len(body)) and b"image" not in body and b"audio" not in body


def _plain(model: str, fields: Mapping[str, msgspec.Raw]) -> Peeked:
    few = {} if _OF_ANSWERS.isdisjoint(fields) else {k: bytes(v) for k, v in fields.items() if k in _OF_ANSWERS}
    return Peeked(
        model,
        "stream" in fields and bytes(fields["stream"]) == b"true",
        _compact_span(fields, "model"),
        _answers(few) if few else 1,
        NO_FACTS,
        "service_tier" in fields and bytes(fields["service_tier"]) in BATCH_TIERS,
    )


def _senses(fields: dict[str, bytes]) -> Facts:
    senses = senses_of(fields)
    return Facts(senses=senses) if senses else NO_FACTS


def _answers(fields: dict[str, bytes]) -> int:
    """One for each text of `prompt`, times `n`. What makes no sense is the engine's to refuse."""
    prompt, copies = fields.get("prompt", b""), fields.get("n_cmpl", fields.get("n", b"1"))
    prompts = 1
    if prompt.startswith(b"["):
        entries = msgspec.json.decode(prompt, type=list[msgspec.Raw])
        texts = bool(entries) and bytes(entries[0])[:1] in (b'"', b"[", b"{")
        prompts = len(entries) if texts else 1  # a list of numbers is one text of tokens
    times = int(copies) if copies.isdigit() and len(copies) < 6 else 1
    return min(MOST_ANSWERS, max(1, prompts * times))


def _decode(body: bytes) -> dict[str, msgspec.Raw]:
    try:
        if not body.isascii():
            body.decode("utf-8")  # raw values below are not checked for it
        return _FIELDS.decode(body)
    except UnicodeDecodeError as error:
        raise bad_request(f"The body is not UTF-8 text (byte {error.start}).", "malformed_json") from error
    except RecursionError as error:
        raise bad_request("The JSON body is nested too deeply.", "malformed_json") from error
    except msgspec.ValidationError as error:
        raise bad_request("The body has to be a JSON object.", "malformed_json") from error
    except msgspec.DecodeError as error:
        if not body.strip():
            raise bad_request("The request has no body; it takes a JSON object.", "malformed_json") from error
        raise bad_request(f"The body is not valid JSON: {error}", "malformed_json") from error


def _is_compact(fields: Mapping[str, Sized], size: int) -> bool:
    """Whether that is all there is in a body of that size: then no field can have been given twice, since what is known
    of it is one of the two, without any space, and its name in plain letters. As most programs write it."""
    count = len(fields)
    whole = 1 + 4 * count + sum(map(len, fields)) + sum(map(len, fields.values()))
    return whole == size and 0 < count <= MOST_FIELDS


def _compact_span(fields: Mapping[str, Sized], wanted: str) -> tuple[int, int] | None:
    at = 1
    for key, value in fields.items():
        start = at + len(key) + 3
        if key == wanted:
            return start, start + len(value)
        at = start + len(value) + 1
    return None


def _spans(body: bytes, fields: dict[str, bytes]) -> dict[str, tuple[int, int]]:
    """Where each value stands. The last of two equal fields is the one known, so the first does not fit its value."""
    if len(fields) > MOST_FIELDS:
        raise bad_request(f"The JSON body has more than {MOST_FIELDS} fields.", "malformed_json")
    spans: dict[str, tuple[int, int]] = {}
    at = body.index(b"{") + 1
    while (match := _KEY.match(body, at)) is not None:
        key, start = _key(match[1]), match.end()
        end = start + len(fields[key])
        if key in spans or not body.startswith(fields[key], start) or not _END_OF_VALUE.match(body, end):
            raise bad_request(f"The field {key[:100]!r} is given twice.", "malformed_json", param=key[:100])
        spans[key] = (start, end)
        at = end
    return spans


def _key(quoted: bytes) -> str:
    if b"\\" not in quoted:
        return quoted[1:-1].decode("utf-8")
    key: str = msgspec.json.decode(quoted, type=str)
    return key


def _text(value: bytes | None) -> str | None:
    """The model's name; absent and null both leave the choice to the box."""
    if value is None or value == b"null":
        return None
    return _known_name(value) if len(value) <= SHORT_NAME else _name(value)


def _name(value: bytes) -> str:
    try:
        return _checked_name(msgspec.json.decode(value, type=str))
    except msgspec.MsgspecError as error:
        raise bad_request("The field 'model' has to be a string.", "invalid_model", param="model") from error


_known_name = lru_cache(maxsize=256)(_name)


def _checked_name(name: str) -> str:
    if not name.strip():
        raise bad_request("The field 'model' is empty.", "invalid_model", param="model")
    if len(name) > LONGEST_NAME:
        raise bad_request("The field 'model' is too long.", "invalid_model", param="model")
    return name


def peek_multipart(body: bytes, content_type: str) -> Peeked:
    """Raises ApiError (400) for anything but a complete multipart form."""
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise bad_request("This route takes multipart/form-data with a boundary.", "malformed_form")
    try:
        values = _form_values(body, options["boundary"], "model")
    except (MultipartError, UnicodeError, ValueError) as error:
        raise bad_request(f"The form is not valid: {error}", "malformed_form") from error
    if len(values) > 1:
        raise bad_request("The field 'model' is given twice.", "malformed_form", param="model")
    return Peeked(model=_checked_name(values[0]) if values else None)


def _form_values(body: bytes, boundary: str, wanted: str) -> list[str]:
    values: list[str] = []
    collected: bytearray | None = None
    with PushMultipartParser(boundary, max_segment_count=MOST_PARTS, strict=True) as parser:
        for event in parser.parse(body):
            if isinstance(event, MultipartSegment):
                collected = bytearray() if event.name == wanted and event.filename is None else None
            elif event is not None and collected is not None:
                collected += event
                if len(collected) > 4 * LONGEST_NAME:
                    raise ValueError(f"the field {wanted!r} is too long")
            elif event is None and collected is not None:
                values.append(collected.decode("utf-8"))
    return values
