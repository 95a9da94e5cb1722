"""Reads the small files of /proc and /sys; what cannot be read is None, since drivers come and go."""

from __future__ import annotations

from pathlib import Path

LONGEST = 4 << 20  # /proc/cpuinfo of a machine with hundreds of cores


def read_bytes(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(LONGEST)
    except (OSError, ValueError):
        return None


def read_text(path: Path) -> str | None:
    """Without the white space around it; None also when nothing is in it."""
    data = read_bytes(path)
    return (data.decode("utf-8", "replace").strip() or None) if data else None


def read_count(path: Path) -> int | None:
    """How many numbers a list like `0-3,8` names."""
    try:
        parts = [part.split("-") for part in (read_text(path) or "").split(",")]
        return sum(int(part[-1]) - int(part[0]) + 1 for part in parts)
    except ValueError:
        return None


def read_number(path: Path, base: int = 10) -> int | None:
    try:
        return int(read_text(path) or "", base)
    except ValueError:
        return None
