"""What is measured on a device, with which made-up models, and what the measured times mean. Pure.

Making a token reads every weight once: bytes a second. A long prompt keeps the arithmetic busy: operations a second.
The models are large enough not to lie in a cache, and no larger than needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

MIB = 1 << 20
HEAD, KV_HEADS, VOCABULARY = 128, 4, 256
BLOCKS = {"f32": (1, 4), "f16": (1, 2), "q8_0": (32, 34), "q4_k": (256, 144)}  # elements in so many bytes
READING = ("f16", "q8_0", "q4_k")  # kinds of weights whose reading is timed
COMPUTING = ("f16", "f32")  # and those whose arithmetic is


@dataclass(frozen=True, slots=True)
class Shape:
    """A model in numbers. `width` and `feed_forward` are multiples of 256."""

    width: int
    feed_forward: int
    layers: int = 1

    @property
    def elements(self) -> int:
        """Of all matrices that every token goes through."""
        key_values = 2 * KV_HEADS * HEAD * self.width
        return self.layers * (2 * self.width**2 + key_values + 3 * self.width * self.feed_forward)

    @property
    def tensors(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Names and shapes; those of one dimension are norms."""
        wide, narrow, inner = self.width, KV_HEADS * HEAD, self.feed_forward
        layer = (
            ("attn_norm", (wide,)),
            *(("attn_q", (wide, wide)), ("attn_k", (wide, narrow)), ("attn_v", (wide, narrow))),
            *(("attn_output", (wide, wide)), ("ffn_norm", (wide,))),
            *(("ffn_gate", (wide, inner)), ("ffn_up", (wide, inner)), ("ffn_down", (inner, wide))),
        )
        ends = (("token_embd.weight", (wide, VOCABULARY)), ("output_norm.weight", (wide,)))
        layers = [(f"blk.{n}.{name}.weight", shape) for n in range(self.layers) for name, shape in layer]
        return (*ends, *layers, ("output.weight", (wide, VOCABULARY)))


@dataclass(frozen=True, slots=True)
class Round:
    """One call of llama-bench: it reads a prompt, or makes tokens."""

    kind: str
    shape: Shape
    prompt: int = 0  # tokens
    generate: int = 0
    repeats: int = 3


@dataclass(frozen=True, slots=True)
class Scale:
    """What fits the kind of device. Many short repeats: one of them runs without being disturbed."""

    width: int
    feed_forward: int
    most_bytes: int
    prompt: int
    generate: int
    repeats: int


ON_PROCESSOR = Scale(2048, 7168, 384 * MIB, prompt=64, generate=2, repeats=16)
ON_GPU = Scale(4096, 14336, 1024 * MIB, prompt=2048, generate=16, repeats=4)  # layers as large as common models have


class Unreadable(ValueError):
    """llama-bench wrote something else than its results."""


def rounds(scale: Scale, room: int) -> tuple[Round, ...]:
    """What to run; nothing when there is no room for the smallest. `room` is what one model may take."""
    one = Shape(scale.width, scale.feed_forward)
    most = min(scale.most_bytes, room)
    layers = {kind: most // size_of(one.elements, kind) for kind in (*READING, *COMPUTING)}
    reading = (
        Round(kind, replace(one, layers=layers[kind]), generate=scale.generate, repeats=scale.repeats)
        for kind in READING
        if layers[kind]
    )
    computing = (Round(kind, one, prompt=scale.prompt) for kind in COMPUTING if layers[kind])
    return (*reading, *computing)


def size_of(elements: int, kind: str) -> int:
    per_block, size = BLOCKS[kind]
    return elements // per_block * size


def arguments(one: Round, model: str, device: str, threads: int) -> list[str]:
    """Of llama-bench. `device` is the engine's name of it, or `none`."""
    counts = ["-p", str(one.prompt), "-n", str(one.generate), "-r", str(one.repeats)]
    place = ["-dev", device, "-ngl", "0" if device == "none" else "99", "-t", str(max(1, threads))]
    return ["-m", model, *counts, *place, "-o", "json"]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one round showed."""

    kind: str
    reading: float | None  # bytes a second
    computing: float | None  # operations a second


def measured(one: Round, output: str) -> Measured:
    """The best of the repeats: what else runs on the machine makes it slower, nothing makes it faster."""
    try:
        results = msgspec.json.decode(output, type=list[dict[str, Any]])
        prompt = _best(results, prompt=True)
        generate = _best(results, prompt=False)
    except (msgspec.DecodeError, ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"llama-bench wrote no results: {output.strip()[-200:]!r}") from error
    elements = one.shape.elements + one.shape.width * VOCABULARY  # its output is read for every token as well
    return Measured(
        kind=one.kind,
        reading=None if generate is None else generate * size_of(elements, one.kind),
        computing=None if prompt is None else prompt * 2 * one.shape.elements,
    )


def _best(results: Sequence[Mapping[str, Any]], *, prompt: bool) -> float | None:
    """Tokens a second."""
    field = "n_prompt" if prompt else "n_gen"
    rates = [float(rate) for result in results if int(result[field]) for rate in result["samples_ts"]]
    return max((rate for rate in rates if rate > 0), default=None)
