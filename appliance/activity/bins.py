"""All that is known of one stretch of time. Bins add up: many short ones make a long one, and nothing is lost.

A bin takes about 0.5 KB, and 0.3 KB more for each GPU.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from appliance.activity.types import Ended, Outcome, Reading
from appliance.hardware.types import Gpu

MOST_MODELS = 32  # counted by name in one bin; further ones count together
MOST_GPUS = 32
OTHER = "other models"
PER_DECADE = 20  # steps in which times to the first token are kept: within 6 %
QUICKEST = 0.001  # seconds; the step below which all is one
STEPS = 6 * PER_DECADE  # up to 1,000 seconds
GPU_GAUGES = ("utilisation", "memory_used", "temperature", "power")


class ModelCount(msgspec.Struct, array_like=True):
    requests: int = 0
    errors: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


class Mean(msgspec.Struct, array_like=True):
    """A gauge over some time."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float | None) -> None:
        if value is not None and math.isfinite(value):
            self.total += value
            self.count += 1

    def merge(self, other: Mean) -> None:
        self.total += other.total
        self.count += other.count

    @property
    def value(self) -> float | None:
        return self.total / self.count if self.count else None


class Bin(msgspec.Struct, omit_defaults=True):
    watched: float = 0.0  # seconds in which the box looked
    answered: int = 0
    refused: int = 0
    failed: int = 0
    cancelled: int = 0
    tokens_in: int = 0
    tokens_out: int = 0  # as engines told at the end of each answer
    decoded: int = 0  # as engines were seen to make them; knows of answers that broke off, misses short ones
    sent: int = 0
    first: dict[int, int] = {}  # times to the first token: step -> how many
    first_worst: float = 0.0
    in_flight: int = 0
    queued: int = 0
    memory: Mean = msgspec.field(default_factory=Mean)
    processor: Mean = msgspec.field(default_factory=Mean)
    gpus: dict[str, list[float]] = {}  # id -> sum and count of each gauge
    energy: float = 0.0  # Wh of the GPUs
    metered: float = 0.0  # seconds in which their power was known
    models: dict[str, ModelCount] = {}

    @property
    def requests(self) -> int:
        return self.answered + self.refused + self.failed + self.cancelled

    @property
    def errors(self) -> int:
        return self.refused + self.failed

    @property
    def generated(self) -> int:
        """Tokens made in this time. Both counts miss some, so the greater is nearer."""
        return max(self.tokens_out, self.decoded)

    @property
    def known(self) -> bool:
        return self.watched > 0 or self.requests > 0 or self.tokens_out > 0

    def speed(self, step: float) -> float | None:
        """Tokens a second; None when nobody looked. A step that still goes on counts as far as it went."""
        return self.generated / min(self.watched, step) if self.watched else None

    @property
    def energy_per_1000_tokens(self) -> float | None:
        """Wh of the GPUs for 1,000 generated tokens, with what they take when idle."""
        return 1000 * self.energy / self.tokens_out if self.metered and self.tokens_out else None

    def gauge(self, gpu: str, gauge: str) -> float | None:
        sums = self.gpus.get(gpu)
        at = 2 * GPU_GAUGES.index(gauge)
        return sums[at] / sums[at + 1] if sums is not None and sums[at + 1] else None

    # What comes in:

    def add_request(self, ended: Ended) -> None:
        """Everything but the generated tokens, which belong to the time in which they were made."""
        outcome = ended.outcome
        if outcome is Outcome.ANSWERED:  # as nearly all are
            self.answered += 1
        else:
            setattr(self, outcome.value, getattr(self, outcome.value) + 1)
        self.sent += ended.sent
        self.tokens_in += ended.tokens_in or 0
        if ended.first_token is not None:
            step = step_of(ended.first_token)
            self.first[step] = self.first.get(step, 0) + 1
            self.first_worst = max(self.first_worst, ended.first_token)
        count = self._model(ended.model)
        count.requests += 1
        count.errors += outcome in (Outcome.REFUSED, Outcome.FAILED)
        count.tokens_in += ended.tokens_in or 0

    def add_tokens(self, model: str, tokens: int) -> None:
        self.tokens_out += tokens
        self._model(model).tokens_out += tokens

    def add_reading(self, reading: Reading) -> None:
        self.watched += reading.seconds
        self.in_flight = max(self.in_flight, reading.in_flight)
        self.queued = max(self.queued, reading.queued)
        self.decoded += reading.decoded
        self.memory.add(reading.memory)
        self.processor.add(reading.processor)
        for gpu in reading.gpus[:MOST_GPUS]:
            self._add_gpu(gpu)
        watts = power_of(reading.gpus)
        if watts is not None:
            self.energy += watts * reading.seconds / 3600
            self.metered += reading.seconds

    def merge(self, other: Bin) -> None:
        self.watched += other.watched
        self.answered += other.answered
        self.refused += other.refused
        self.failed += other.failed
        self.cancelled += other.cancelled
        self.tokens_in += other.tokens_in
        self.tokens_out += other.tokens_out
        self.decoded += other.decoded
        self.sent += other.sent
        self.first_worst = max(self.first_worst, other.first_worst)
        self.in_flight = max(self.in_flight, other.in_flight)
        self.queued = max(self.queued, other.queued)
        self.memory.merge(other.memory)
        self.processor.merge(other.processor)
        self.energy += other.energy
        self.metered += other.metered
        self._merge_tables(other)

    def _merge_tables(self, other: Bin) -> None:
        for step, count in other.first.items():
            self.first[step] = self.first.get(step, 0) + count
        for gpu, sums in other.gpus.items():
            known = self.gpus.get(gpu)
            self.gpus[gpu] = list(sums) if known is None else [a + b for a, b in zip(known, sums, strict=True)]
        for name, theirs in other.models.items():
            ours = self._model(name)
            ours.requests += theirs.requests
            ours.errors += theirs.errors
            ours.tokens_in += theirs.tokens_in
            ours.tokens_out += theirs.tokens_out

    def _model(self, name: str) -> ModelCount:
        if name not in self.models and len(self.models) >= MOST_MODELS:
            name = OTHER
        found = self.models.get(name)
        if found is None:
            found = self.models[name] = ModelCount()
        return found

    def _add_gpu(self, gpu: Gpu) -> None:
        sums = self.gpus.setdefault(gpu.id, [0.0, 0] * len(GPU_GAUGES))
        values = (gpu.utilisation, gpu.memory_used, gpu.temperature, gpu.power)
        for at, value in enumerate(values):
            if value is not None and math.isfinite(value):
                sums[2 * at] += value
                sums[2 * at + 1] += 1

    # What is read out:

    @property
    def first_count(self) -> int:
        return sum(self.first.values())

    @property
    def first_median(self) -> float | None:
        """Within 6 % of the time to the first token that half of the answers kept."""
        half = (self.first_count + 1) // 2
        for step in sorted(self.first):
            half -= self.first[step]
            if half <= 0:
                return min(QUICKEST * 10 ** ((step + 0.5) / PER_DECADE), self.first_worst)
        return None


def merged(bins: Iterable[Bin]) -> Bin:
    whole = Bin()
    for one in bins:
        whole.merge(one)
    return whole


def step_of(seconds: float) -> int:
    if seconds <= QUICKEST:
        return 0
    return min(int(math.log10(seconds / QUICKEST) * PER_DECADE), STEPS)


def power_of(gpus: Iterable[Gpu]) -> float | None:
    """Watts of all GPUs whose power is known. The parts of a split GPU tell the power of the whole, each."""
    whole = {gpu.partition_of or gpu.id: gpu.power for gpu in gpus if gpu.power is not None}
    return sum(whole.values()) if whole else None
