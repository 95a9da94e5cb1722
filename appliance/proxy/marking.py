"""Finds the objects that a body refers to, and puts a mark into the place of each. Pure but for the lending.

The body is one that was understood before. Only parts of messages are looked at, in the shapes of all routes; what is
not changed stays as it is, byte for byte.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from appliance.objects.sniff import TEXT
from appliance.objects.types import SCHEME, ObjectProblem
from appliance.proxy.endpoints import Shape

MOST_PLACES = 64
DEEPEST = 6  # messages, a message, its content, a part, a tool's result, a part of that

_SCHEME = SCHEME.encode("ascii").partition(b"//")[0]  # the slashes may be escaped
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_OUTSIDE = ("messages", "input", "content")  # the last of them of embeddings
_INSIDE = ("content", "output")
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


class Lent(Protocol):
    @property
    def type(self) -> str: ...


L = TypeVar("L", bound=Lent)


def refers_to_objects(body: bytes) -> bool:
    """Quickly, and true too often rather than not often enough."""
    return _SCHEME in body


class Marker(Generic[L]):
    """`lend` gives an object by its id, or raises ObjectProblem."""

    def __init__(self, shape: Shape, lend: Callable[[str], L]) -> None:
        self._shape, self._lend = shape, lend
        self._secret = secrets.token_hex(16)  # so that no client can write a mark
        self._place = re.compile(rb"%b-(\d+)-" % self._secret.encode("ascii"))
        self._marked: list[L] = []
        self.texts: list[tuple[bytes, L]] = []  # that belong into the JSON as they are, with the marks for them

    def marked(self, body: bytes) -> bytes:
        """Raises ObjectProblem, or msgspec's error for words that cannot be read."""
        return self._walk(body, 0)

    def places(self, body: bytes) -> Iterator[tuple[int, int, L]]:
        """Where the base64 of which object belongs."""
        for match in self._place.finditer(body):
            yield match.start(), match.end(), self._marked[int(match[1])]

    def _walk(self, raw: bytes, depth: int) -> bytes:
        if depth > DEEPEST or _SCHEME not in raw:
            return raw
        start = raw.lstrip()[:1]
        if start == b"[":
            return _encoded([msgspec.Raw(self._walk(bytes(one), depth + 1)) for one in _LIST.decode(raw)])
        if start != b"{":
            return raw
        fields = _FIELDS.decode(raw)
        kind = _text(fields.get("type"))
        if kind in _SENSES:
            return _encoded(self._part(fields, _SENSES[kind]))
        if kind in _FILES:
            return self._file(raw, fields)
        for name in _INSIDE if depth else _OUTSIDE:
            if name in fields:
                fields[name] = msgspec.Raw(self._walk(bytes(fields[name]), depth + 1))
        return _encoded(fields)

    def _part(self, fields: Fields, sense: str, *, inner: bool = False) -> Fields:
        """A picture or sound: its address, here or one level below, gives way to a mark."""
        for name, value in fields.items():
            if name in _LEAVES and (object_id := _object_id(value)) is not None:
                lent = self._lend(object_id)
                if not lent.type.startswith(sense + "/"):
                    raise _unusable(f"The object is {lent.type}; it stands where {_WORDS[sense]} is expected.")
                fields[name] = msgspec.Raw(_encoded(self._data_url(lent)))
            elif not inner and _is_object(value):
                fields[name] = msgspec.Raw(_encoded(self._part(_FIELDS.decode(value), sense, inner=True)))
        return fields

    def _file(self, raw: bytes, fields: Fields) -> bytes:
        """A file becomes what engines know: a picture, sound, or its text."""
        parts = [fields, *(_FIELDS.decode(value) for value in fields.values() if _is_object(value))]
        ids = (_object_id(part.get(name)) for part in parts for name in _LEAVES)
        object_id = next((one for one in ids if one is not None), None)
        if object_id is None:
            return raw
        lent = self._lend(object_id)
        if lent.type == TEXT:
            return _encoded(
                {"type": "input_text" if self._shape is Shape.RESPONSES else "text", "text": self._say(lent)}
            )
        if lent.type.startswith("image/"):
            return _encoded(_picture(self._data_url(lent), self._shape))
        if lent.type.startswith("audio/") and self._shape is Shape.OPENAI:
            return _encoded({"type": "input_audio", "input_audio": {"data": self._data_url(lent)}})
        raise _unusable(f"Models here cannot read {lent.type} files. Send text, a picture or sound.")

    def _say(self, lent: L) -> str:
        mark = self._mark(lent)
        self.texts.append((_encoded(mark), lent))
        return mark

    def _data_url(self, lent: L) -> str:
        return f"data:{lent.type};base64,{self._mark(lent)}"

    def _mark(self, lent: L) -> str:
        if len(self._marked) >= MOST_PLACES:
            raise _unusable(f"A request may refer to objects in {MOST_PLACES} places at most.")
        self._marked.append(lent)
        return f"{self._secret}-{len(self._marked) - 1}-"


def _encoded(value: object) -> bytes:
    return msgspec.json.encode(value)


def _is_object(raw: msgspec.Raw) -> bool:
    return bytes(memoryview(raw)[:1]) == b"{"


def _text(raw: msgspec.Raw | None) -> str:
    """A JSON string; nothing for anything else."""
    given = b"" if raw is None else bytes(raw)
    return msgspec.json.decode(given, type=str) if given.startswith(b'"') else ""


def _object_id(raw: msgspec.Raw | None) -> str | None:
    """None for what refers to no object. Raises ObjectProblem for what would, but cannot."""
    link = _text(raw)
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


def _unusable(what: str) -> ObjectProblem:
    return ObjectProblem(400, "object_unusable", what)
