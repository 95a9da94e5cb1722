"""The container's limits, under both versions of cgroups."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.hardware.cgroups import MemoryLimit, cpu_quota, memory_limits
from tests.unit.hardware.trees import GIB, MIB, V1_MOUNTS, V1_OWN, V2_MOUNT, Tree, cgroup_v2, make_tree

UNLIMITED_V1 = 9223372036854771712


def memory_v2(limit: int | str, used: int = 0, cache: int = 0, high: int | str = "max") -> Tree:
    return {
        "memory.max": limit,
        "memory.high": high,
        "memory.current": used,
        "memory.stat": f"anon 1\nfile 2\ninactive_file {cache - cache // 3}\nactive_file {cache // 3}",
    }


def v1(files: Tree, mounts: str = V1_MOUNTS, own: str = V1_OWN) -> Tree:
    return {"proc/self/cgroup": own, "proc/self/mountinfo": mounts} | {
        f"sys/fs/cgroup/{k}": v for k, v in files.items()
    }


def test_no_cgroups_means_no_limits(tmp_path: Path) -> None:
    """A kernel without cgroups, or one that does not show them, limits nothing."""
    assert (memory_limits(tmp_path), cpu_quota(tmp_path)) == ([], None)


def test_v2_in_a_container(tmp_path: Path) -> None:
    """A container sees itself as the top; cache that can be dropped is not counted as used."""
    make_tree(tmp_path, cgroup_v2("/", {"": {**memory_v2(8 * GIB, 3 * GIB, GIB), "cpu.max": "250000 100000"}}))
    assert memory_limits(tmp_path) == [MemoryLimit(8 * GIB, 2 * GIB)]
    assert cpu_quota(tmp_path) == 2.5


def test_v2_max_is_no_limit(tmp_path: Path) -> None:
    """The word `max` stands where a number would."""
    make_tree(tmp_path, cgroup_v2("/", {"": {**memory_v2("max", GIB), "cpu.max": "max 100000"}}))
    assert (memory_limits(tmp_path), cpu_quota(tmp_path)) == ([], None)


def test_v2_high_is_a_limit_too(tmp_path: Path) -> None:
    """Beyond memory.high the kernel slows everything down."""
    make_tree(tmp_path, cgroup_v2("/", {"": memory_v2(8 * GIB, high=4 * GIB)}))
    assert memory_limits(tmp_path) == [MemoryLimit(4 * GIB, 0)]


def test_v2_limits_of_every_level_hold(tmp_path: Path) -> None:
    """From the process's own cgroup up to the top, each with what is used below it."""
    levels: dict[str, Tree] = {
        "": {},
        "/slice": {**memory_v2(16 * GIB, 15 * GIB), "cpu.max": "200000 100000"},
        "/slice/pod": {**memory_v2("max"), "cpu.max": "max 100000"},
        "/slice/pod/box": {**memory_v2(12 * GIB, GIB), "cpu.max": "600000 100000"},
    }
    make_tree(tmp_path, cgroup_v2("/slice/pod/box", levels))
    assert memory_limits(tmp_path) == [MemoryLimit(12 * GIB, GIB), MemoryLimit(16 * GIB, 15 * GIB)]
    assert cpu_quota(tmp_path) == 2


@pytest.mark.parametrize("own", ["/../other", "/elsewhere"])
def test_v2_outside_what_is_mounted_takes_the_top(tmp_path: Path, own: str) -> None:
    """A process that was moved is held at least by what it sees."""
    mount = V2_MOUNT.replace(" / /sys", " /pod /sys")
    make_tree(tmp_path, cgroup_v2(own, {"": memory_v2(GIB)}, mount))
    assert memory_limits(tmp_path) == [MemoryLimit(GIB, 0)]


def test_v2_under_a_path_with_a_blank(tmp_path: Path) -> None:
    """The kernel writes blanks in paths as octal numbers."""
    files: Tree = {"my cgroups/a b/memory.max": GIB, "proc/self/cgroup": "0::/a b\n"}
    mount = V2_MOUNT.replace("/sys/fs/cgroup", "/my\\040cgroups")
    make_tree(tmp_path, {**files, "proc/self/mountinfo": mount})
    assert memory_limits(tmp_path) == [MemoryLimit(GIB, 0)]


def test_v1_in_a_container(tmp_path: Path) -> None:
    """The container's part of the hierarchy is mounted, so its path is cut off."""
    memory: Tree = {
        "memory/memory.limit_in_bytes": 2 * GIB,
        "memory/memory.usage_in_bytes": 512 * MIB,
        "memory/memory.stat": f"cache 7\ntotal_inactive_file {200 * MIB}\ntotal_active_file {56 * MIB}",
    }
    cpu: Tree = {"cpu,cpuacct/cpu.cfs_quota_us": 150000, "cpu,cpuacct/cpu.cfs_period_us": 100000}
    make_tree(tmp_path, v1({**memory, **cpu}))
    assert memory_limits(tmp_path) == [MemoryLimit(2 * GIB, 256 * MIB)]
    assert cpu_quota(tmp_path) == 1.5


def test_v1_without_limits(tmp_path: Path) -> None:
    """The largest number and -1 stand for none."""
    make_tree(
        tmp_path,
        v1(
            {
                "memory/memory.limit_in_bytes": UNLIMITED_V1,
                "memory/memory.usage_in_bytes": GIB,
                "cpu,cpuacct/cpu.cfs_quota_us": -1,
                "cpu,cpuacct/cpu.cfs_period_us": 100000,
            }
        ),
    )
    assert memory_limits(tmp_path) == [MemoryLimit(UNLIMITED_V1, GIB)]
    assert cpu_quota(tmp_path) is None


def test_v1_limits_of_every_level_hold(tmp_path: Path) -> None:
    """On the host the whole hierarchy is there, and an outer limit may be the tighter one."""
    mounts = "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    files: Tree = {
        "memory/memory.limit_in_bytes": UNLIMITED_V1,
        "memory/a/memory.limit_in_bytes": GIB,
        "memory/a/b/memory.limit_in_bytes": 2 * GIB,
    }
    make_tree(tmp_path, v1(files, mounts, "4:memory:/a/b\n0::/\n"))
    assert [level.limit for level in memory_limits(tmp_path)] == [2 * GIB, GIB, UNLIMITED_V1]


def test_both_versions_side_by_side(tmp_path: Path) -> None:
    """A controller that v1 holds is asked there, the others are asked of v2."""
    mounts = V1_MOUNTS.splitlines(keepends=True)[1] + V2_MOUNT.replace("/sys/fs/cgroup ", "/sys/fs/cgroup/unified ")
    files: Tree = {"memory/memory.limit_in_bytes": GIB, "unified/cpu.max": "100000 100000", "unified/memory.max": MIB}
    make_tree(tmp_path, v1(files, mounts, "4:memory:/docker/abc\n0::/\n"))
    assert (memory_limits(tmp_path), cpu_quota(tmp_path)) == ([MemoryLimit(GIB, 0)], 1)


@pytest.mark.parametrize("text", ["", "0 100000", "100000 0", "-5 100000", "a b", "1 2 3", "100000"])
def test_nonsense_is_no_quota(tmp_path: Path, text: str) -> None:
    """A file in a form nobody promised limits nothing and breaks nothing."""
    make_tree(tmp_path, cgroup_v2("/", {"": {"cpu.max": text}}))
    assert cpu_quota(tmp_path) is None
