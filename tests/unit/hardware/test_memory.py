"""Memory, under the container's limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.hardware.memory import read_memory
from appliance.hardware.types import Memory
from tests.unit.hardware.trees import GIB, MEMINFO, Tree, cgroup_v2, make_tree

HOST = {"proc/meminfo": MEMINFO}
TOTAL, AVAILABLE = 65806536 * 1024, 52428800 * 1024


def limits(*levels: tuple[int | str, int]) -> Tree:
    """Nested cgroups, the outermost first."""
    paths = [f"{'/x' * depth}" for depth in range(len(levels))]
    files: dict[str, Tree] = {
        path: {"memory.max": limit, "memory.current": used} for path, (limit, used) in zip(paths, levels, strict=True)
    }
    return cgroup_v2(paths[-1] or "/", files)


def test_without_limits_it_is_the_machines(tmp_path: Path) -> None:
    """As the kernel counts it."""
    assert read_memory(make_tree(tmp_path, HOST)) == Memory(TOTAL, AVAILABLE)


@pytest.mark.parametrize(
    ("levels", "memory"),
    [
        ([(8 * GIB, 3 * GIB)], Memory(8 * GIB, 5 * GIB)),
        ([("max", GIB)], Memory(TOTAL, AVAILABLE)),
        ([(1 << 62, GIB)], Memory(TOTAL, AVAILABLE)),
        ([(64 * GIB, 0)], Memory(TOTAL, AVAILABLE)),
        ([(8 * GIB, 9 * GIB)], Memory(8 * GIB, 0)),
        ([(16 * GIB, 15 * GIB), (8 * GIB, GIB)], Memory(8 * GIB, GIB)),
        ([(8 * GIB, GIB), (16 * GIB, GIB)], Memory(8 * GIB, 7 * GIB)),
    ],
)
def test_the_tightest_limit_counts(tmp_path: Path, levels: list[tuple[int | str, int]], memory: Memory) -> None:
    """Total and available are each the least of all levels; more than the machine has is no limit."""
    assert read_memory(make_tree(tmp_path, HOST, limits(*levels))) == memory


def test_an_old_kernel_tells_what_is_free(tmp_path: Path) -> None:
    """Without MemAvailable the free memory is what is certain."""
    assert read_memory(make_tree(tmp_path, {"proc/meminfo": "MemTotal: 8 kB\nMemFree: 3 kB"})) == Memory(8192, 3072)


def test_an_unreadable_kernel_tells_nothing(tmp_path: Path) -> None:
    """Nothing is made up."""
    assert read_memory(tmp_path) is None


def test_this_machine() -> None:
    """Here, for real: what is available is a part of what there is."""
    memory = read_memory(Path("/"))
    assert memory is not None
    assert 64 << 20 < memory.available <= memory.total
