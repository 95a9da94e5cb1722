"""Finds out what a request body asks for, without touching it: the model, whether the answer shall be streamed, and
what it takes to answer it.

Everything that an engine could stumble over is refused here with a clear word: broken JSON, bytes that are not
UTF-8, endless nesting, a field given twice (which of the two would the engine take?).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

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
BATCH_TIERS = (b'"flex"', b'"batch"')  # of OpenAI's `service_tier`

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KEY = re.compile(rb'[\s,]*("[^"\\]*(?:\\.[^"\\]*)*")\s*:\s*', re.DOTALL)
_END_OF_VALUE = re.compile(rb"\s*[,}]")


@dataclass(frozen=True, slots=True)
class Peeked:
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
    fields = _decode(body)
    spans = _spans(body, fields)
    model = _text(fields.get("model"))
    return Peeked(
        model=model,
        stream=fields.get("stream") == b"true",
        model_span=spans.get("model"),
        answers=_answers(fields),
        facts=facts_of(fields) if model is None or model == AUTO else Facts(senses=senses_of(fields)),
        batch=fields.get("service_tier") in BATCH_TIERS,
    )


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


def _decode(body: bytes) -> dict[str, bytes]:
    if not body.strip():
        raise bad_request("The request has no body; it takes a JSON object.", "malformed_json")
    try:
        body.decode("utf-8")  # raw values below are not checked for it
        return {key: bytes(value) for key, value in _FIELDS.decode(body).items()}
    except UnicodeDecodeError as error:
        raise bad_request(f"The body is not UTF-8 text (byte {error.start}).", "malformed_json") from error
    except RecursionError as error:
        raise bad_request("The JSON body is nested too deeply.", "malformed_json") from error
    except msgspec.ValidationError as error:
        raise bad_request("The body has to be a JSON object.", "malformed_json") from error
    except msgspec.DecodeError as error:
        raise bad_request(f"The body is not valid JSON: {error}", "malformed_json") from error


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
    try:
        return _checked_name(msgspec.json.decode(value, type=str))
    except msgspec.MsgspecError as error:
        raise bad_request("The field 'model' has to be a string.", "invalid_model", param="model") from error


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
