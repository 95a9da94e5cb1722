"""Sizes, times and bars in words."""

from __future__ import annotations

from dataclasses import dataclass


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
    return f"{size / (1 << 20):.0f} MiB"
