"""What takes how long beside a reference that did the same in the same rounds. Other work of the machine hits both."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.report import Row, median, percentile


def row(what: str, times: Sequence[float], reference: Sequence[float] | None = None) -> Row:
    """Milliseconds; the ratio of the medians, of the best rounds, and the middle half of the ratios by round."""
    shown: dict[str, str | float | None] = {
        "what": what,
        "p50 ms": median(times) * 1000,
        "least ms": min(times) * 1000,
        "most ms": max(times) * 1000,
    }
    if reference is None:
        return shown | {"x p50": None, "x least": None, "x middle half": None}
    ratios = [mine / other for mine, other in zip(times, reference, strict=True)]
    spread = f"{percentile(ratios, 0.25):.2f} to {percentile(ratios, 0.75):.2f}"
    ratio, best = median(times) / median(reference), min(times) / min(reference)
    return shown | {"x p50": ratio, "x least": best, "x middle half": spread}
