"""Reads the header of a GGUF file from its first bytes: metadata, tensor table, and how long the file must be.

Pure: bytes in, a value out. It works on a prefix and says `Truncated` when it needs more of it. It accepts what the
engine accepts (versions 2 and 3, little-endian) and raises nothing but `GgufError`, whatever it is given. The tokens
of a vocabulary are stepped over, not decoded: that keeps a header with 152,000 of them under 0.1 s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from struct import Struct
from types import MappingProxyType

from appliance.models.gguf_types import TENSOR_TYPES, TensorType

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MAX_HEADER = 128 << 20
MAX_ENTRIES = 1 << 16  # metadata entries, and tensors
MAX_KEY = (1 << 16) - 1
MAX_TENSOR_NAME = 63
MAX_DIMENSIONS = 4
MAX_SIZE = (1 << 63) - 1
KEPT_ITEMS = 1024  # longer arrays are only counted
DEFAULT_ALIGNMENT = 32


class GgufError(ValueError):
    """These bytes are not a GGUF header that can be used; the text says why."""


class NotGguf(GgufError):
    """Something else altogether."""


class Unsupported(GgufError):
    """GGUF, but of a kind that the engine does not read."""


class Malformed(GgufError):
    """GGUF that contradicts itself or goes beyond all bounds."""


class Truncated(GgufError):
    """The bytes end before the header does; `needed` is how many from the start it takes at least."""

    def __init__(self, have: int, needed: int) -> None:
        super().__init__(f"the header goes on after {have} bytes; at least {needed} are needed")
        self.have = have
        self.needed = needed


@dataclass(frozen=True, slots=True)
class Array:
    """An array of the metadata. `items` is None when it is too long to be kept."""

    kind: str
    count: int
    items: tuple[int | float | bool | str, ...] | None


Value = int | float | bool | str | Array


@dataclass(frozen=True, slots=True)
class Tensor:
    """One row of the tensor table; `offset` counts from the start of the data."""

    name: str
    shape: tuple[int, ...]
    type_id: int
    offset: int

    @property
    def type(self) -> TensorType | None:
        """None for a type that the engine does not know."""
        return TENSOR_TYPES.get(self.type_id)

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def size(self) -> int | None:
        return None if self.type is None else self.elements // self.type.block * self.type.size


@dataclass(frozen=True)
class Header:
    version: int
    metadata: Mapping[str, Value]
    tensors: tuple[Tensor, ...]
    alignment: int
    data_start: int

    @cached_property
    def file_size(self) -> int:
        """How long the file is at least when nothing of it is missing."""
        return max((self.data_start + t.offset + (t.size or 0) for t in self.tensors), default=self.data_start)

    @cached_property
    def parameters(self) -> int:
        return sum(t.elements for t in self.tensors)

    def text(self, key: str) -> str | None:
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str) -> int | None:
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_header(data: bytes | bytearray | memoryview) -> Header:
    cursor = _Cursor(data)
    version = _read_version(cursor)
    tensor_count, entry_count = cursor.number(_U64), cursor.number(_U64)
    for what, count in (("tensors", tensor_count), ("metadata entries", entry_count)):
        if count > MAX_ENTRIES:
            raise Malformed(f"it claims to have {count} {what}; more than {MAX_ENTRIES} are not believed")
    metadata = _read_metadata(cursor, entry_count)
    alignment = _alignment(metadata)
    tensors = _read_tensors(cursor, tensor_count, alignment)
    data_start = _padded(cursor.position, alignment) if tensors else cursor.position
    return Header(version, MappingProxyType(metadata), tensors, alignment, data_start)


_U32, _U64 = Struct("<I"), Struct("<Q")
_STRING, _ARRAY = 8, 9
_SCALARS: dict[int, tuple[str, Struct]] = {
    0: ("u8", Struct("<B")),
    1: ("i8", Struct("<b")),
    2: ("u16", Struct("<H")),
    3: ("i16", Struct("<h")),
    4: ("u32", _U32),
    5: ("i32", Struct("<i")),
    6: ("f32", Struct("<f")),
    7: ("bool", Struct("<?")),
    10: ("u64", _U64),
    11: ("i64", Struct("<q")),
    12: ("f64", Struct("<d")),
}


class _Cursor:
    """A place in the bytes. Whatever it steps over is there, or `Truncated` is raised."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self.data = data
        self.position = 0

    def need(self, count: int) -> None:
        end = self.position + count
        if end > MAX_HEADER:
            raise Malformed(f"its header is longer than {MAX_HEADER >> 20} MiB")
        if end > len(self.data):
            raise Truncated(len(self.data), end)

    def skip(self, count: int) -> int:
        """Steps over `count` bytes; returns where they begin."""
        self.need(count)
        begin = self.position
        self.position += count
        return begin

    def scalar(self, form: Struct) -> int | float | bool:
        value: int | float | bool = form.unpack_from(self.data, self.skip(form.size))[0]
        return value

    def number(self, form: Struct) -> int:
        value: int = form.unpack_from(self.data, self.skip(form.size))[0]
        return value

    def string(self, longest: int, what: str) -> str:
        length = self.number(_U64)
        if length > longest:
            raise Malformed(f"{what} is {length} bytes long; more than {longest} are not allowed")
        begin = self.skip(length)
        return str(self.data[begin : begin + length], "utf-8", "replace")

    def skip_strings(self, count: int) -> None:
        """The hot loop: half a million strings in the largest vocabularies."""
        data, position, unpack = self.data, self.position, _U64.unpack_from
        last = len(data) - _U64.size
        for _ in range(count):
            if position > last:
                break
            position += _U64.size + unpack(data, position)[0]
        else:
            self.skip(position - self.position)
            return
        self.skip(position + _U64.size - self.position)  # beyond the end: tells so


def _read_version(cursor: _Cursor) -> int:
    begin = bytes(cursor.data[: len(MAGIC)])
    if not MAGIC.startswith(begin):
        raise NotGguf(_what_it_is(bytes(cursor.data[:64])))
    cursor.skip(len(MAGIC))
    version = cursor.number(_U32)
    if version and version & 0xFFFF == 0:
        raise Unsupported("it is a big-endian GGUF file; the engine reads little-endian ones only")
    if version not in VERSIONS:
        raise Unsupported(f"it is GGUF version {version}; the engine reads versions 2 and 3")
    return version


def _what_it_is(begin: bytes) -> str:
    if begin.startswith(b"version https://git-lfs"):
        return "it is only a pointer of Git LFS: the model itself was never fetched"
    if begin.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "it is a web page, saved under the name of a model"
    if begin[:4] in {b"lmgg", b"fmgg", b"tjgg", b"algg"}:
        return "it is in the older GGML format, which the engine no longer reads"
    return "it is not a GGUF file"


def _read_metadata(cursor: _Cursor, count: int) -> dict[str, Value]:
    metadata: dict[str, Value] = {}
    for _ in range(count):
        key = cursor.string(MAX_KEY, "the name of a metadata entry")
        if not key or key in metadata:
            raise Malformed(
                f"the metadata entry {_shown(key)} is there twice" if key else "a metadata entry has no name"
            )
        metadata[key] = _read_value(cursor, key)
    return metadata


def _read_value(cursor: _Cursor, key: str) -> Value:
    kind = cursor.number(_U32)
    if kind == _STRING:
        return cursor.string(MAX_HEADER, f"the metadata entry {_shown(key)}")
    if kind == _ARRAY:
        return _read_array(cursor, key)
    if kind not in _SCALARS:
        raise Malformed(f"the metadata entry {_shown(key)} is of the unknown type {kind}")
    return cursor.scalar(_SCALARS[kind][1])


def _read_array(cursor: _Cursor, key: str) -> Array:
    kind, count = cursor.number(_U32), cursor.number(_U64)
    smallest = _U64.size if kind == _STRING else _SCALARS[kind][1].size if kind in _SCALARS else 0
    if not smallest:
        raise Malformed(f"the metadata entry {_shown(key)} is an array of the unknown type {kind}")
    cursor.need(count * smallest)
    if kind == _STRING:
        return Array("string", count, _read_strings(cursor, count, key))
    name, form = _SCALARS[kind]
    begin = cursor.skip(count * form.size)
    kept = cursor.data[begin : cursor.position] if count <= KEPT_ITEMS else None
    return Array(name, count, None if kept is None else tuple(item for (item,) in form.iter_unpack(kept)))


def _read_strings(cursor: _Cursor, count: int, key: str) -> tuple[str, ...] | None:
    if count <= KEPT_ITEMS:
        return tuple(cursor.string(MAX_HEADER, f"an item of {_shown(key)}") for _ in range(count))
    cursor.skip_strings(count)
    return None


def _alignment(metadata: Mapping[str, Value]) -> int:
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1):
        raise Malformed("its general.alignment is not a power of two")
    return alignment


def _read_tensors(cursor: _Cursor, count: int, alignment: int) -> tuple[Tensor, ...]:
    tensors: dict[str, Tensor] = {}
    expected: int | None = 0
    for _ in range(count):
        tensor = _read_tensor(cursor)
        if tensor.name in tensors:
            raise Malformed(f"the tensor {_shown(tensor.name)} is there twice")
        if expected is not None and tensor.offset != expected:
            raise Malformed(f"the tensor {_shown(tensor.name)} lies at {tensor.offset} instead of {expected}")
        tensors[tensor.name] = tensor
        # once a tensor's size is unknown, nothing can be said about where the next ones should lie
        expected = None if expected is None or tensor.size is None else _padded(expected + tensor.size, alignment)
    return tuple(tensors.values())


def _read_tensor(cursor: _Cursor) -> Tensor:
    name = cursor.string(MAX_TENSOR_NAME, "the name of a tensor")
    dimensions = cursor.number(_U32)
    if dimensions > MAX_DIMENSIONS:
        raise Malformed(f"the tensor {_shown(name)} has {dimensions} dimensions; at most {MAX_DIMENSIONS} are allowed")
    shape = tuple(cursor.number(_U64) for _ in range(dimensions))
    tensor = Tensor(name, shape, cursor.number(_U32), cursor.number(_U64))
    row = shape[0] if shape else 1
    if tensor.type is not None and row % tensor.type.block:
        raise Malformed(f"the tensor {_shown(name)} has rows of {row}, which {tensor.type.name} cannot hold")
    if max(tensor.elements, tensor.offset + (tensor.size or 0)) > MAX_SIZE:
        raise Malformed(f"the tensor {_shown(name)} is larger than any file")
    return tensor


def _padded(position: int, alignment: int) -> int:
    return (position + alignment - 1) & -alignment


def _shown(name: str) -> str:
    """A name from the file, fit to stand in a message."""
    return repr(name if len(name) <= 80 else f"{name[:80]}…")
