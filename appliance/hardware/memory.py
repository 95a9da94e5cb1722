"""How much memory there is, and how much of it the container may still take."""

from __future__ import annotations

from pathlib import Path

from appliance.hardware.cgroups import memory_limits
from appliance.hardware.files import read_text
from appliance.hardware.types import Memory


def read_memory(root: Path) -> Memory | None:
    """None when the kernel does not say."""
    known = _meminfo(root)
    total = known.get("MemTotal")
    if total is None:
        return None
    available = known.get("MemAvailable", known.get("MemFree", 0))
    for level in memory_limits(root):
        total = min(total, level.limit)
        available = min(available, max(0, level.limit - level.used))
    return Memory(total=total, available=min(available, total))


def _meminfo(root: Path) -> dict[str, int]:
    found = {}
    for line in (read_text(root / "proc/meminfo") or "").splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdecimal():
            found[name] = int(words[0]) * (1024 if words[-1] == "kB" else 1)
    return found
