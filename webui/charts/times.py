"""Labels of a time axis. They are in UTC; the page's script turns them to the clock of the reader."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

HOUR, DAY = 3600, 86400
MOST_LABELS = 6
_STEPS = (300, 600, 900, 1800, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR)


@dataclass(frozen=True, slots=True)
class TimeTick:
    at: int
    share: float  # how far along the axis
    text: str
    day: bool  # it names a day, not an hour


def time_ticks(start: int, end: int) -> tuple[TimeTick, ...]:
    """At most six, at round times."""
    length = end - start
    step = next((step for step in _STEPS if length / step <= MOST_LABELS), None)
    if step is None:
        step = -(-length // (MOST_LABELS * DAY)) * DAY
    first = -(-start // step) * step
    return tuple(
        TimeTick(at, (at - start) / length, day_text(at) if step >= DAY else clock_text(at), step >= DAY)
        for at in range(first, end, step)
    )


def clock_text(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M}"


def day_text(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%-d %b}"


@lru_cache(maxsize=4096)  # all charts of a page are about the same steps
def moment_text(at: int, length: int) -> str:
    """A step of a range that long: with its day when the hour alone would not tell it, with seconds within an hour."""
    form = "%-d %b %H:%M" if length > DAY else "%H:%M:%S" if length <= HOUR else "%H:%M"
    return datetime.fromtimestamp(at, UTC).strftime(form)
