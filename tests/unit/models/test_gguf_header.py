"""The header reader against the reference library, real files, cut files and garbage."""

from __future__ import annotations

import random
import struct
import time
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.models.gguf_header import (
    MAX_ENTRIES,
    MAX_HEADER,
    Array,
    GgufError,
    Header,
    Malformed,
    NotGguf,
    Tensor,
    Truncated,
    Unsupported,
    read_header,
)
from tests.unit.models.gguf_files import REAL_FILES, TENSORS, gguf_bytes

SMALLEST = struct.pack("<4sIQQ", b"GGUF", 3, 0, 0)
REAL_HEADER = REAL_FILES[0].read_bytes()[:80_000]


def packed(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def with_entry(entry: bytes) -> bytes:
    return struct.pack("<4sIQQ", b"GGUF", 3, 0, 1) + entry


def with_tensor(name: bytes = b"w", shape: tuple[int, ...] = (32,), type_id: int = 0, offset: int = 0) -> bytes:
    row = packed(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, type_id, offset)
    return struct.pack("<4sIQQ", b"GGUF", 3, 1, 0) + row


def as_the_oracle_reads(path: Path) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    reader = gguf.GGUFReader(path)
    fields = {k: f for k, f in reader.fields.items() if not k.startswith("GGUF.")}
    scalars = {k: f.contents() for k, f in fields.items() if f.types[0] is not gguf.GGUFValueType.ARRAY}
    counts = {k: len(f.data) for k, f in fields.items() if f.types[0] is gguf.GGUFValueType.ARRAY}
    tensors = [
        (t.name, tuple(int(n) for n in t.shape), int(t.tensor_type), t.data_offset, t.n_bytes) for t in reader.tensors
    ]
    return scalars | counts, tensors


def as_we_read(header: Header) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    metadata = {k: v.count if isinstance(v, Array) else v for k, v in header.metadata.items()}
    return metadata, [(t.name, t.shape, t.type_id, header.data_start + t.offset, t.size) for t in header.tensors]


@pytest.mark.parametrize("path", REAL_FILES, ids=lambda p: p.name)
def test_reads_what_the_reference_library_reads(path: Path) -> None:
    """Metadata, array lengths and the tensor table of every real file agree with the oracle."""
    assert as_we_read(read_header(path.read_bytes())) == as_the_oracle_reads(path)


@pytest.mark.parametrize("path", REAL_FILES, ids=lambda p: p.name)
def test_knows_how_long_a_whole_file_is(path: Path) -> None:
    """The file's size follows from its header to the byte."""
    assert read_header(path.read_bytes()).file_size == path.stat().st_size


SCALARS = st.one_of(
    st.booleans(), st.integers(0, 2**32 - 1), st.floats(allow_nan=False), st.text(st.characters(codec="utf-8"))
)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text("abc._", min_size=1, max_size=12), st.one_of(SCALARS, st.lists(st.text("xyz"), min_size=1, max_size=4))
    ),
    st.dictionaries(st.text("wxyz.", min_size=1), st.lists(st.integers(1, 3), min_size=1, max_size=4), max_size=4),
)
def test_reads_back_whatever_the_reference_writer_writes(
    metadata: dict[str, Any], shapes: dict[str, list[int]]
) -> None:
    """Any metadata and any tensors survive the way through a file."""
    tensors = {name[:63]: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    header = read_header(gguf_bytes(metadata, tensors=tensors, context=None))
    written = {k: Array("string", len(v), tuple(v)) if isinstance(v, list) else v for k, v in metadata.items()}
    assert header.metadata == {"general.architecture": "llama"} | written
    assert {t.name: list(reversed(t.shape)) for t in header.tensors} == {n: list(t.shape) for n, t in tensors.items()}


def test_a_large_vocabulary_is_stepped_over() -> None:
    """Not decoded: it costs little more than a loop over its lengths would."""
    tokens, merges = [f"token{i}é" for i in range(152_000)], [f"a{i} b{i}" for i in range(151_000)]
    data = gguf_bytes({"tokenizer.ggml.tokens": tokens, "tokenizer.ggml.merges": merges})
    lengths = [len(text) for text in (*tokens, *merges)]
    reading, looping = float("inf"), float("inf")
    for _ in range(5):
        begin = time.process_time()
        header = read_header(data)
        between = time.process_time()
        at = 0
        for length in lengths:
            at += 8 + length
        reading, looping = min(reading, between - begin), min(looping, time.process_time() - between)
    assert header.metadata["tokenizer.ggml.tokens"] == Array("string", 152_000, None)
    assert reading < 20 * looping


def test_keeps_short_arrays() -> None:
    """Numbers per layer can be looked at."""
    header = read_header(gguf_bytes({"llama.attention.head_count_kv": [8, 8, 4]}))
    assert header.metadata["llama.attention.head_count_kv"] == Array("i32", 3, (8, 8, 4))


def test_reads_version_2() -> None:
    """Files of version 2 have the same layout."""
    assert read_header(SMALLEST[:4] + struct.pack("<I", 2) + SMALLEST[8:]).version == 2


def test_takes_a_view_as_well_as_bytes() -> None:
    """What is mapped or received need not be copied first."""
    assert read_header(memoryview(REAL_HEADER)) == read_header(REAL_HEADER)


def test_tells_numbers_from_truth_values() -> None:
    """A key of another type than asked for counts as absent."""
    header = read_header(gguf_bytes({"a": True, "b": 7, "c": "seven"}))
    assert [header.number(k) for k in ("a", "b", "c", "d")] == [None, 7, None, None]
    assert [header.text(k) for k in ("a", "b", "c", "d")] == [None, None, "seven", None]


def test_replaces_what_is_no_text() -> None:
    """A string of the file that is not UTF-8 does not stop the reading."""
    header = read_header(with_entry(packed(b"name") + struct.pack("<I", 8) + packed(b"a\xffb")))
    assert header.text("name") == "a�b"


def test_a_file_without_tensors_ends_with_its_header() -> None:
    """Only data is aligned; a vocabulary alone has none."""
    assert read_header(SMALLEST).file_size == len(SMALLEST)


def test_alignment_of_the_file_is_obeyed() -> None:
    """The data begins where general.alignment says."""
    header = read_header(gguf_bytes({"general.alignment": 256}))
    assert header.data_start % 256 == 0


def test_counts_the_parameters() -> None:
    """The tensors' elements add up."""
    assert read_header(gguf_bytes()).parameters == sum(t.size for t in TENSORS.values())


def test_an_unknown_tensor_type_has_no_size() -> None:
    """A type of a later engine is shown as such; what lies behind it is not judged."""
    tensor = read_header(with_tensor(type_id=9_999)).tensors[0]
    assert (tensor, tensor.type, tensor.size) == (Tensor("w", (32,), 9_999, 0), None, None)


@settings(deadline=None)
@given(st.data())
def test_a_prefix_says_that_more_is_needed(data: st.DataObject) -> None:
    """A header cut anywhere is Truncated, and asks for no more than the header has."""
    whole = read_header(REAL_HEADER)
    have = data.draw(st.integers(0, whole.data_start - whole.alignment))
    with pytest.raises(Truncated) as caught:
        read_header(REAL_HEADER[:have])
    assert have < caught.value.needed <= whole.data_start


def test_reading_on_comes_to_the_whole_header() -> None:
    """Whoever doubles what he has, or takes what is needed when that is more, has it in few steps."""
    have, steps = 24, 0
    while True:
        try:
            header = read_header(REAL_HEADER[:have])
        except Truncated as error:
            have, steps = max(error.needed, 2 * have), steps + 1
        else:
            break
    assert header == read_header(REAL_HEADER)
    assert steps <= 12


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"PK\x03\x04 a zip file", NotGguf, "not a GGUF file"),
        (b"version https://git-lfs.github.com/spec/v1\n", NotGguf, "Git LFS"),
        (b"<!DOCTYPE html><title>403</title>", NotGguf, "web page"),
        (b"tjgg\x03\x00\x00\x00", NotGguf, "older GGML format"),
        (struct.pack(">4sIQQ", b"GGUF", 3, 0, 0), Unsupported, "big-endian"),
        (struct.pack("<4sIQQ", b"GGUF", 1, 0, 0), Unsupported, "version 1;"),
        (struct.pack("<4sIQQ", b"GGUF", 4, 0, 0), Unsupported, "version 4;"),
        (struct.pack("<4sIQQ", b"GGUF", 3, MAX_ENTRIES + 1, 0), Malformed, "tensors"),
        (struct.pack("<4sIQQ", b"GGUF", 3, 0, 2**64 - 1), Malformed, "metadata entries"),
        (with_entry(struct.pack("<Q", 2**63)), Malformed, "bytes long"),
        (with_entry(packed(b"")), Malformed, "has no name"),
        (with_entry(packed(b"k") + struct.pack("<I", 77)), Malformed, "unknown type 77"),
        (with_entry(packed(b"k") + struct.pack("<IIQ", 9, 9, 1)), Malformed, "array of the unknown type 9"),
        (with_entry(packed(b"k") + struct.pack("<IIQ", 9, 8, 2**60)), Malformed, "longer than"),
        (with_entry(packed(b"k") + struct.pack("<IIQ", 9, 0, 2**60)), Malformed, "longer than"),
        (with_entry(packed(b"k") + struct.pack("<IQ", 8, MAX_HEADER + 1)), Malformed, "bytes long"),
        (with_entry(packed(b"general.alignment") + struct.pack("<II", 4, 24)), Malformed, "power of two"),
        (with_tensor(name=b"w" * 64), Malformed, "name of a tensor"),
        (with_tensor(shape=(1, 1, 1, 1, 1)), Malformed, "5 dimensions"),
        (with_tensor(shape=(33,), type_id=8), Malformed, "rows of 33"),
        (with_tensor(shape=(2**40, 2**40)), Malformed, "larger than any file"),
        (with_tensor(offset=64), Malformed, "lies at 64 instead of 0"),
    ],
)
def test_says_what_is_wrong(data: bytes, error: type[GgufError], words: str) -> None:
    """Each kind of bad file has its own words."""
    with pytest.raises(error, match=words):
        read_header(data)


def test_refuses_an_entry_that_is_there_twice() -> None:
    """The engine refuses such a file too."""
    entry = packed(b"k") + struct.pack("<IB", 0, 1)
    with pytest.raises(Malformed, match="'k' is there twice"):
        read_header(struct.pack("<4sIQQ", b"GGUF", 3, 0, 2) + 2 * entry)


def test_an_endless_vocabulary_is_refused_not_walked() -> None:
    """A string inside a long array that claims to be huge ends the reading at once."""
    array = packed(b"k") + struct.pack("<IIQ", 9, 8, 2000) + struct.pack("<Q", 2**62)
    with pytest.raises(Malformed, match="longer than"):
        read_header(with_entry(array + bytes(2000 * 8)))


def survives(data: bytes) -> None:
    try:
        header = read_header(data)
    except GgufError:
        return
    assert header.file_size >= header.data_start
    assert header.parameters >= 0


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_garbage_raises_nothing_but_its_own_error(data: bytes) -> None:
    """Whatever follows the first words, the outcome is a header or a GgufError."""
    survives(data)
    survives(SMALLEST[:8] + data)
    survives(struct.pack("<4sIQQ", b"GGUF", 3, 2, 3) + data)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 8), st.booleans())
def test_mutated_real_headers_raise_nothing_but_their_own_error(seed: int, changes: int, deep: bool) -> None:
    """Flipped, lost and inserted bytes in the header of a real model are survived."""
    chance, data = random.Random(seed), bytearray(REAL_HEADER)
    for _ in range(changes):
        place = chance.randrange(len(data) if deep else 2_000)
        match chance.randrange(3):
            case 0:
                data[place] = chance.randrange(256)
            case 1:
                del data[place : place + chance.randrange(1, 9)]
            case _:
                data[place:place] = chance.randbytes(chance.randrange(1, 9))
    survives(bytes(data))
