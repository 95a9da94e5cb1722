"""What /metrics counts since the start: tokens, and times to the first token, for each model."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from appliance.activity.types import Ended

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)  # seconds


@dataclass(slots=True)
class ModelTotals:
    tokens_in: int = 0
    tokens_out: int = 0
    first_token_sum: float = 0.0
    first_token: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))  # the last: longer than all bounds

    def add(self, ended: Ended) -> None:
        self.tokens_in += ended.tokens_in or 0
        self.tokens_out += ended.tokens_out or 0
        if ended.first_token is not None:
            self.first_token_sum += ended.first_token
            self.first_token[bisect_left(BOUNDS, ended.first_token)] += 1

    def buckets(self) -> list[tuple[str, int]]:
        """As Prometheus wants them: how many kept each bound."""
        kept, found = 0, []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self.first_token, strict=True):
            kept += count
            found.append((bound, kept))
        return found


class Totals:
    def __init__(self) -> None:
        self._models: dict[str, ModelTotals] = {}

    def add(self, ended: Ended) -> None:
        if ended.model:  # what was refused before a model was found has no tokens
            totals = self._models.get(ended.model)
            if totals is None:
                totals = self._models[ended.model] = ModelTotals()
            totals.add(ended)

    def models(self) -> Mapping[str, ModelTotals]:
        return MappingProxyType(self._models)
