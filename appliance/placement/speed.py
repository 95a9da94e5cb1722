"""How fast a model would answer, where it is known how fast memory is read; nothing is guessed.

Making one token reads every weight that takes part in it once: memory sets the pace, not arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.placement.packing import Placed


@dataclass(frozen=True, slots=True)
class Prediction:
    tokens_per_s: float | None = None
    ttft_ms: float | None = None  # needs how fast a box computes, which nothing measures yet


def predict(placed: Iterable[Placed], stages: int = 1, rtt_ms: float = 0.0) -> Prediction | None:
    """For one answer at a time, at the start of a conversation. `rtt_ms` is that between two boxes."""
    seconds = (stages + 1) / 2 * rtt_ms / 1000 if stages > 1 else 0.0
    for part in placed:
        if part.read and not part.device.bandwidth:
            return None
        seconds += part.read / part.device.bandwidth if part.device.bandwidth else 0.0
    return Prediction(tokens_per_s=1 / seconds) if seconds > 0 else None
