"""The limits of the container this process runs in: cgroup v2, v1, and both side by side.

Limits hold at every level from the process up to what the container sees as the top; the tightest one counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.hardware.files import read_count, read_number, read_text

_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    limit: int  # bytes
    used: int  # bytes that cannot be taken back at once


def memory_limits(root: Path) -> list[MemoryLimit]:
    """Every limit that applies."""
    version, levels = _levels(root, "memory")
    read = _memory_v2 if version == 2 else _memory_v1
    return [found for level in levels if (found := read(level)) is not None]


def cpu_quota(root: Path) -> float | None:
    """How many processors' worth of time may be used; None without a limit."""
    version, levels = _levels(root, "cpu")
    read = _quota_v2 if version == 2 else _quota_v1
    return min((quota for level in levels if (quota := read(level)) is not None), default=None)


def cpuset_cores(root: Path) -> int | None:
    """How many cores the container is held to; what the levels above hold it to is already in there."""
    version, levels = _levels(root, "cpuset")
    names = ("cpuset.cpus.effective",) if version == 2 else ("cpuset.effective_cpus", "cpuset.cpus")
    found = (read_count(level / name) for level in levels[:1] for name in names)
    return next((count for count in found if count), None)


def _memory_v2(level: Path) -> MemoryLimit | None:
    bounds = [read_number(level / name) for name in ("memory.max", "memory.high")]
    known = [bound for bound in bounds if bound is not None]
    if not known:
        return None
    cache = _cache(level, "")
    return MemoryLimit(min(known), max(0, (read_number(level / "memory.current") or 0) - cache))


def _memory_v1(level: Path) -> MemoryLimit | None:
    limit = read_number(level / "memory.limit_in_bytes")
    if limit is None:
        return None
    cache = _cache(level, "total_")
    return MemoryLimit(limit, max(0, (read_number(level / "memory.usage_in_bytes") or 0) - cache))


def _cache(level: Path, prefix: str) -> int:
    """Pages of files, in use or not: weights that are mapped are read again when they are needed."""
    return _statistic(level, f"{prefix}inactive_file") + _statistic(level, f"{prefix}active_file")


def _statistic(level: Path, name: str) -> int:
    words = (read_text(level / "memory.stat") or "").split()
    values = dict(zip(words[::2], words[1::2], strict=False))
    return int(values[name]) if values.get(name, "").isdecimal() else 0


def _quota_v2(level: Path) -> float | None:
    words = (read_text(level / "cpu.max") or "").split()
    if len(words) != 2 or not all(word.isdecimal() for word in words):  # "max 100000" is no limit
        return None
    return _share(int(words[0]), int(words[1]))


def _quota_v1(level: Path) -> float | None:
    quota, period = read_number(level / "cpu.cfs_quota_us"), read_number(level / "cpu.cfs_period_us")
    return None if quota is None or period is None else _share(quota, period)


def _share(quota: int, period: int) -> float | None:
    return quota / period if quota > 0 and period > 0 else None


def _levels(root: Path, controller: str) -> tuple[int, list[Path]]:
    """Which version rules a controller, and the folders of this process's cgroup, innermost first."""
    own = dict(_own_cgroups(root))
    mounts = list(_mounts(root))
    if controller in own:
        for mount in mounts:
            if mount.kind == "cgroup" and controller in mount.options:
                return 1, mount.levels(root, own[controller])
    for mount in mounts:
        if mount.kind == "cgroup2" and "" in own:
            return 2, mount.levels(root, own[""])
    return 2, []


def _own_cgroups(root: Path) -> Iterator[tuple[str, str]]:
    """Each controller of v1 with its path, and that of v2 under the empty name."""
    for line in (read_text(root / "proc/self/cgroup") or "").splitlines():
        parts = line.split(":", 2)
        if len(parts) == 3:
            for controller in parts[1].split(","):
                yield controller, parts[2]


@dataclass(frozen=True, slots=True)
class _Mount:
    kind: str
    top: str  # the part of the hierarchy that is mounted
    point: str
    options: frozenset[str]

    def levels(self, root: Path, own: str) -> list[Path]:
        base = root / self.point.lstrip("/")
        inside = self._inside(own)
        folder = base / inside if inside else base
        return [folder, *(p for p in folder.parents if p == base or base in p.parents)]

    def _inside(self, own: str) -> str:
        """Where the process stands below the mount; a cgroup outside what is mounted is taken for its top."""
        top = self.top.rstrip("/")
        if ".." in own.split("/") or not (own == top or own.startswith(f"{top}/")):
            return ""
        return own[len(top) :].strip("/")


def _mounts(root: Path) -> Iterator[_Mount]:
    for line in (read_text(root / "proc/self/mountinfo") or "").splitlines():
        front, _, back = line.partition(" - ")
        left, right = front.split(" "), back.split(" ")
        if len(left) >= 5 and right[0] in {"cgroup", "cgroup2"}:
            yield _Mount(right[0], _plain(left[3]), _plain(left[4]), frozenset(right[-1].split(",")))


def _plain(path: str) -> str:
    """The kernel writes blanks and the like as octal numbers."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), path)
