"""Objects that a request refers to: found in its body, lent for its time, and put in on the way to the engine.

Until then the body holds a mark in each one's place, so that a request that waits in line takes next to no memory. The
engine gets them as it takes pictures and sound: in base64, each as one long word in the JSON.
"""

from __future__ import annotations

import asyncio
import binascii
import re
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from appliance.objects.store import Loan, ObjectStore
from appliance.objects.types import MIB, SCHEME, ObjectProblem, Party
from appliance.objects.sniff import TEXT
from appliance.proxy.endpoints import Shape
from appliance.proxy.errors import ApiError, bad_request

ENGINE_MIB = 95
STEP = 3 << 18  # bytes at once; of three bytes base64 makes four signs
LONGEST_TEXT = 4 * MIB
MOST_LOANS = 32
DEEPEST = 6

_MARK = SCHEME.encode("ascii").partition(b"//")[0]
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_HOLDERS = ("messages", "input", "content", "output")
_LEAVES = ("url", "data", "image_url", "file_url", "file_data")
_SENSES = {
    "image_url": "image",
    "input_image": "image",
    "image": "image",
    "input_audio": "audio",
    "input_video": "video",
    "video_url": "video",
}
_FILES = frozenset({"input_file", "file", "document"})
_WORDS = {"image": "a picture", "audio": "sound", "video": "a film"}

Fields = dict[str, msgspec.Raw]
_FIELDS = msgspec.json.Decoder(Fields)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


class Attachments:
    """Of one request; `close` has to be called once it is over."""

    def __init__(self, store: ObjectStore, asker: Party, shape: Shape) -> None:
        self._store, self._asker, self._shape = store, asker, shape
        self._loans: dict[str, Loan] = {}
        self._marked: list[Loan] = []
        self._texts: set[int] = set()  # of those marked, by their place in the list
        self._mark = secrets.token_hex(16)
        self._place = re.compile(self._mark.encode("ascii") + rb"-(\d+)-")
        self.used = False  # an engine was asked

    def close(self) -> None:
        while self._loans:
            self._loans.popitem()[1].give_back(used=self.used)

    async def found_in(self, body: bytes) -> bytes:
        """The body with marks for what it refers to. Raises ApiError."""
        try:
            marked = self._walk(body, 0)
            for number in self._texts:
                text = await asyncio.to_thread(_read_text, self._marked[number])
                marked = marked.replace(b'"%b"' % self._name(number).encode("ascii"), msgspec.json.encode(text))
        except ObjectProblem as problem:
            raise bad_request(problem.detail, problem.code, "messages") from problem
        if self._loans:
            self._check_size(marked)
        return marked if self._loans else body

    async def fill(self, body: bytes) -> bytes | bytearray:
        """The body with everything in its place. Counts as a use."""
        self.used = True
        return await asyncio.to_thread(self._filled, body)

    def _walk(self, raw: bytes, depth: int) -> bytes:
        """Looks where parts of messages can stand; everything else stays as it is, byte for byte."""
        if depth > DEEPEST or _MARK not in raw:
            return raw
        start = raw.lstrip()[:1]
        if start == b"[":
            return msgspec.json.encode([msgspec.Raw(self._walk(bytes(one), depth + 1)) for one in _LIST.decode(raw)])
        if start != b"{":
            return raw
        fields = _FIELDS.decode(raw)
        kind = _text(fields.get("type"))
        if kind in _SENSES:
            return self._part(fields, _SENSES[kind])
        if kind in _FILES:
            return self._file(raw, fields)
        for name in _HOLDERS:
            if name in fields:
                fields[name] = msgspec.Raw(self._walk(bytes(fields[name]), depth + 1))
        return msgspec.json.encode(fields)

    def _part(self, fields: Fields, sense: str) -> bytes:
        """A picture or sound: its address gives way to a mark."""

        def replaced(inner: Fields, depth: int = 0) -> None:
            for name, value in inner.items():
                if (object_id := _object_id(_text(value))) is not None and name in _LEAVES:
                    loan = self._loan(object_id)
                    if not loan.type.startswith(sense + "/"):
                        raise _unusable(f"The object is {loan.type}; it stands where {_WORDS[sense]} is expected.")
                    inner[name] = msgspec.Raw(msgspec.json.encode(self._marked_url(loan)))
                elif depth == 0 and bytes(value)[:1] == b"{":
                    deeper = _FIELDS.decode(value)
                    replaced(deeper, depth + 1)
                    inner[name] = msgspec.Raw(msgspec.json.encode(deeper))

        replaced(fields)
        return msgspec.json.encode(fields)

    def _file(self, raw: bytes, fields: Fields) -> bytes:
        """A file becomes what engines know: a picture, sound, or its text."""
        inner = [fields, *(_FIELDS.decode(value) for value in fields.values() if bytes(value)[:1] == b"{")]
        ids = [_object_id(_text(part.get(name))) for part in inner for name in _LEAVES]
        object_id = next((one for one in ids if one is not None), None)
        if object_id is None:
            return raw
        loan = self._loan(object_id)
        sense = loan.type.partition("/")[0]
        if loan.type == TEXT:
            part: Mapping[str, Any] = {"type": _text_type(self._shape), "text": self._marked_text(loan)}
        elif sense == "image":
            part = _picture(self._marked_url(loan), self._shape)
        elif sense == "audio" and self._shape is Shape.OPENAI:
            part = {"type": "input_audio", "input_audio": {"data": self._marked_url(loan)}}
        else:
            raise _unusable(f"No engine of this box reads {loan.type}. Send text, a picture or sound.")
        return msgspec.json.encode(part)

    def _loan(self, object_id: str) -> Loan:
        """One use for all the places where a request names the same object."""
        loan = self._loans.get(object_id)
        if loan is None:
            if len(self._loans) >= MOST_LOANS:
                raise _unusable(f"A request may refer to {MOST_LOANS} objects at most.")
            loan = self._loans[object_id] = self._store.lend(object_id, self._asker)
        return loan

    def _marked_url(self, loan: Loan) -> str:
        return f"data:{loan.type};base64,{self._marked_text(loan, text=False)}"

    def _marked_text(self, loan: Loan, *, text: bool = True) -> str:
        if text:
            self._texts.add(len(self._marked))
        self._marked.append(loan)
        return self._name(len(self._marked) - 1)

    def _name(self, number: int) -> str:
        return f"{self._mark}-{number}-"

    def _check_size(self, marked: bytes) -> None:
        size = len(marked) + sum(_encoded_size(loan.size) for _, loan in self._places_in(marked))
        if size > ENGINE_MIB * MIB:
            what = f"With its objects put in, this request has {size / MIB:.0f} MiB; engines take {ENGINE_MIB}."
            raise ApiError(413, "request_too_large", what)

    def _places_in(self, body: bytes) -> list[tuple[tuple[int, int], Loan]]:
        return [(match.span(), self._marked[int(match[1])]) for match in self._place.finditer(body)]

    def _filled(self, body: bytes) -> bytes | bytearray:
        places = self._places_in(body)
        size = len(body) + sum(_encoded_size(loan.size) - (end - start) for (start, end), loan in places)
        whole, at, done = bytearray(size), 0, 0  # the only copy
        for (start, end), loan in places:
            whole[at : at + start - done] = body[done:start]
            at, done = _encode_into(whole, at + start - done, loan), end
        whole[at:] = body[done:]
        return whole


def refers_to_objects(body: bytes) -> bool:
    return _MARK in body


def _encode_into(whole: bytearray, at: int, loan: Loan) -> int:
    """Writes the object's base64 from `at` on; returns where it ends."""
    for offset in range(0, loan.size, STEP):
        signs = binascii.b2a_base64(loan.read(offset, STEP), newline=False)
        whole[at : at + len(signs)] = signs
        at += len(signs)
    return at


def _encoded_size(size: int) -> int:
    return (size + 2) // 3 * 4


def _text(raw: msgspec.Raw | None) -> str:
    """A JSON string; nothing for anything else."""
    given = b"" if raw is None else bytes(raw)
    return msgspec.json.decode(given, type=str) if given.startswith(b'"') else ""


def _object_id(link: str) -> str | None:
    """None for what refers to no object. Raises ObjectProblem for what would, but cannot."""
    if not link.startswith(SCHEME):
        return None
    object_id = link.removeprefix(SCHEME)
    if not _ID.fullmatch(object_id):
        raise ObjectProblem(400, "object_not_found", f"{link[:80]!r} refers to no object. Use the url of its upload.")
    return object_id


def _picture(link: str, shape: Shape) -> Mapping[str, Any]:
    match shape:
        case Shape.RESPONSES:
            return {"type": "input_image", "image_url": link}
        case Shape.ANTHROPIC:
            return {"type": "image", "source": {"type": "url", "url": link}}
        case _:
            return {"type": "image_url", "image_url": {"url": link}}


def _text_type(shape: Shape) -> str:
    return "input_text" if shape is Shape.RESPONSES else "text"


def _read_text(loan: Loan) -> str:
    if loan.size > LONGEST_TEXT:
        raise _unusable(f"A text has at most {LONGEST_TEXT // MIB} MiB.")
    try:
        return loan.read(0, loan.size).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unusable("The object begins like a text, but is none: it is not UTF-8.") from error


def _unusable(what: str) -> ObjectProblem:
    return ObjectProblem(400, "object_unusable", what)
