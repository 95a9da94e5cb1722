"""Writes a model with made-up weights into memory, for the engine to be timed with.

It never touches a disk: flash wears out, and a NAS may have its disks asleep. The weights are noise of a sensible
size, since zeros need less power and time on some hardware.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import shake_128
from math import prod

from appliance.hardware.benchmark import BLOCKS, HEAD, KV_HEADS, VOCABULARY, Shape, size_of

ALIGNMENT = 32
_TYPE_NUMBERS = {"f32": 0, "f16": 1, "q8_0": 8, "q4_k": 12}  # of the file format
_UINT32, _FLOAT32, _STRING = 4, 6, 8
NOISE_BLOCKS = 4096  # repeated over and over: far more than any compression in hardware looks at
ARCHITECTURE = "llama"


@contextmanager
def model_in_memory(shape: Shape, kind: str) -> Iterator[int]:
    """A descriptor of the file; a child process that gets it opens it under /proc/self/fd."""
    descriptor = os.memfd_create("benchmark-model")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            for piece in pieces(shape, kind):
                file.write(piece)
        yield descriptor
    finally:
        os.close(descriptor)


def pieces(shape: Shape, kind: str) -> Iterator[bytes]:
    """The whole file."""
    header = _header(shape, kind)
    yield header + bytes(-len(header) % ALIGNMENT)
    noise = {kind: _noise(kind), "f32": _noise("f32")}
    for _, dimensions in shape.tensors:
        own = _kind(dimensions, kind)
        left = size_of(prod(dimensions), own)
        padding = bytes(-left % ALIGNMENT)
        while left > 0:
            yield noise[own][:left]
            left -= len(noise[own])
        yield padding


def _kind(dimensions: tuple[int, ...], kind: str) -> str:
    return "f32" if len(dimensions) == 1 else kind


def _header(shape: Shape, kind: str) -> bytes:
    values = [
        _text("general.architecture", ARCHITECTURE),
        _number("block_count", shape.layers),
        _number("context_length", 4096),
        _number("embedding_length", shape.width),
        _number("feed_forward_length", shape.feed_forward),
        _number("attention.head_count", shape.width // HEAD),
        _number("attention.head_count_kv", KV_HEADS),
        _number("rope.dimension_count", HEAD),
        _number("vocab_size", VOCABULARY),
        _string(f"{ARCHITECTURE}.attention.layer_norm_rms_epsilon") + struct.pack("<If", _FLOAT32, 1e-5),
        _text("tokenizer.ggml.model", "no_vocab"),
    ]
    tensors, offset = b"", 0
    for name, dimensions in shape.tensors:
        own = _kind(dimensions, kind)
        sizes = struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions)
        tensors += _string(name) + sizes + struct.pack("<IQ", _TYPE_NUMBERS[own], offset)
        size = size_of(prod(dimensions), own)
        offset += size + -size % ALIGNMENT
    return b"GGUF" + struct.pack("<IQQ", 3, len(shape.tensors), len(values)) + b"".join(values) + tensors


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _number(key: str, value: int) -> bytes:
    return _string(f"{ARCHITECTURE}.{key}") + struct.pack("<II", _UINT32, value)


def _text(key: str, value: str) -> bytes:
    return _string(key) + struct.pack("<I", _STRING) + _string(value)


def _noise(kind: str) -> bytes:
    """Many blocks of weights, none of them larger than about a hundredth."""
    _, size = BLOCKS[kind]
    raw = shake_128(kind.encode()).digest(NOISE_BLOCKS * size)
    return b"".join(_tamed(kind, raw[begin : begin + size]) for begin in range(0, len(raw), size))


def _tamed(kind: str, block: bytes) -> bytes:
    """Random bits with exponents and scales that are small."""
    match kind:
        case "f32":
            return block[:2] + bytes((block[2] & 0x7F, block[3] & 0x80 | 0x3C))
        case "f16":
            return block[:1] + bytes((block[1] & 0x83 | 0x20,))
        case "q8_0":
            return struct.pack("<e", 1e-4) + block[2:]
        case _:
            return struct.pack("<ee", 1e-5, 1e-5) + block[4:]
