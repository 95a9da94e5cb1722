"""Sizes, times and bars in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Meter:
    """A bar with its words."""

    label: str
    text: str
    percent: int | None


def memory_meter(label: str, total: int | None, used: int | None) -> Meter:
    if not total:
        return Meter(label, "not known", None)
    if used is None:
        return Meter(label, size_text(total), None)
    used = min(max(used, 0), total)
    return Meter(label, f"{size_text(used)} of {size_text(total)} in use", round(100 * used / total))


def size_text(size: int) -> str:
    """Binary units, as memory is sold."""
    if size >= 1 << 30:
        return f"{size / (1 << 30):.1f} GiB"
    if size >= 1 << 20 or not size:
        return f"{size / (1 << 20):.0f} MiB"
    return f"{max(1, size >> 10)} KiB"


def duration_text(seconds: float) -> str:
    """Roughly, as one would say it."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    if seconds < 86400:
        return f"{seconds / 3600:.1f} h"
    return f"{round(seconds / 86400)} days"


def count_text(number: int) -> str:
    """Parameters as people call them: 3.5 M, 8.0 B."""
    for unit, size in (("T", 10**12), ("B", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return str(number)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time for people; the page's script turns it to the clock of the reader."""

    plain: str  # UTC
    stamp: str  # for machines

    @property
    def text(self) -> str:
        return f"{self.plain} UTC"


def moment(at: float) -> Moment:
    when = datetime.fromtimestamp(at, UTC)
    return Moment(f"{when:%Y-%m-%d %H:%M:%S}", f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z")
