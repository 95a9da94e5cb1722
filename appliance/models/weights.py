"""How many bytes of weights lie where: in each layer, in its experts, and around the layers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest

from appliance.models.facts import MOST_LAYERS, MOST_WIDTH, bounded
from appliance.models.gguf_header import Header, Tensor

_BLOCK = re.compile(r"blk\.(\d{1,4})\.(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Weights:
    """Bytes. Those of a model in several files are added up."""

    layers: tuple[int, ...] = ()  # of each layer, its experts left out
    experts: tuple[int, ...] = ()  # of each layer, all its routed experts together
    embedding: int = 0
    tables: int = 0  # further ones that are only looked up, row by row
    output: int = 0
    other: int = 0
    beside: int = 0  # loaded, but not read for every token: eyes and ears
    inner: int = 0  # elements inside the widest feed-forward network that is not made of experts
    expert_inner: int = 0
    gated: bool = False  # whether that network computes two rows of `inner` and multiplies them

    def __add__(self, more: Weights) -> Weights:
        return Weights(
            layers=_sums(self.layers, more.layers),
            experts=_sums(self.experts, more.experts),
            embedding=self.embedding + more.embedding,
            tables=self.tables + more.tables,
            output=self.output + more.output,
            other=self.other + more.other,
            beside=self.beside + more.beside,
            inner=max(self.inner, more.inner),
            expert_inner=max(self.expert_inner, more.expert_inner),
            gated=self.gated or more.gated,
        )

    @property
    def total(self) -> int:
        around = self.embedding + self.tables + self.output + self.other + self.beside
        return sum(self.layers) + sum(self.experts) + around


def weigh(header: Header) -> Weights:
    scale = _Scale()
    for tensor in header.tensors:
        scale.put(tensor)
    return scale.reading()


class _Scale:
    def __init__(self) -> None:
        self.layers, self.experts = [0] * MOST_LAYERS, [0] * MOST_LAYERS
        self.embedding = self.tables = self.output = self.other = 0
        self.count = self.inner = self.expert_inner = self.widened = 0
        self.has_gate = False

    def put(self, tensor: Tensor) -> None:
        size, match = tensor.size or 0, _BLOCK.fullmatch(tensor.name)
        if match is not None and (layer := int(match[1])) < MOST_LAYERS:
            self.count = max(self.count, layer + 1)
            (self.experts if "_exps." in match[2] else self.layers)[layer] += size
            self._look_at(match[2], tensor)
        elif tensor.name == "token_embd.weight":
            self.embedding += size
        elif tensor.name == "per_layer_token_embd.weight":
            self.tables += size
        elif tensor.name == "output.weight":
            self.output += size
        else:
            self.other += size

    def _look_at(self, part: str, tensor: Tensor) -> None:
        rows = [bounded(extent, MOST_WIDTH) for extent in (*tensor.shape, 1, 1)[:2]]
        match part:
            case "ffn_down.weight":
                self.inner = max(self.inner, rows[0])
            case "ffn_down_exps.weight":
                self.expert_inner = max(self.expert_inner, rows[0])
            case "ffn_up.weight":
                self.widened = max(self.widened, rows[1])
            case _:
                self.has_gate = self.has_gate or part in {"ffn_gate.weight", "ffn_gate_exps.weight"}

    def reading(self) -> Weights:
        return Weights(
            layers=tuple(self.layers[: self.count]),
            experts=tuple(self.experts[: self.count]),
            embedding=self.embedding,
            tables=self.tables,
            output=self.output,
            other=self.other,
            inner=self.inner,
            expert_inner=self.expert_inner,
            gated=self.has_gate or (self.inner > 0 and self.widened == 2 * self.inner),
        )


def _sums(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip_longest(one, other, fillvalue=0))
