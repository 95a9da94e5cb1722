"""The processor."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.hardware.cpu import read_cpu
from appliance.hardware.types import Cpu
from tests.unit.hardware.trees import CPU_BIG_LITTLE, CPU_EPYC, CPU_PI, cgroup_v2, make_tree


def test_a_server(tmp_path: Path) -> None:
    """Name and features as the kernel has them; features of no use to the engine are left out."""
    make_tree(tmp_path, {"proc/cpuinfo": CPU_EPYC})
    assert read_cpu(tmp_path, 2) == Cpu("AMD EPYC 7B13", 2, ("sse4_2", "avx", "f16c", "fma", "bmi2", "avx2"))


def test_a_small_arm_board(tmp_path: Path) -> None:
    """Arm kernels name no model: the core's number and the board's name stand in."""
    make_tree(tmp_path, {"proc/cpuinfo": CPU_PI, "proc/device-tree/model": b"Raspberry Pi 5 Model B Rev 1.0\x00"})
    assert read_cpu(tmp_path, 4) == Cpu(
        "Cortex-A76 (Raspberry Pi 5 Model B Rev 1.0)", 4, ("asimd", "asimdhp", "asimddp")
    )


def test_cores_of_two_kinds(tmp_path: Path) -> None:
    """Both are named; only what both can do counts."""
    make_tree(tmp_path, {"proc/cpuinfo": CPU_BIG_LITTLE})
    assert read_cpu(tmp_path, 2) == Cpu("Cortex-A55 + Cortex-A76", 2, ("asimd", "asimddp"))


@pytest.mark.parametrize(
    ("implementer", "part", "name"), [("0x41", "0xfff", "Arm core 0xfff"), ("0x99", "0x1", "maker 0x99 core 0x1")]
)
def test_an_unknown_arm_core_is_shown_by_number(tmp_path: Path, implementer: str, part: str, name: str) -> None:
    """Newer than this table."""
    make_tree(tmp_path, {"proc/cpuinfo": f"CPU implementer : {implementer}\nCPU part : {part}"})
    assert read_cpu(tmp_path, 1).name == name


def test_an_unknown_processor(tmp_path: Path) -> None:
    """Nothing known is not an error."""
    assert read_cpu(tmp_path, 3) == Cpu("unknown processor", 3)


@pytest.mark.parametrize(
    ("quota", "allowed", "cores"),
    [
        ("max 100000", 8, 8),
        ("400000 100000", 8, 4),
        ("450000 100000", 8, 4),
        ("50000 100000", 8, 1),
        ("1600000 100000", 8, 8),
    ],
)
def test_usable_cores_are_what_scheduler_and_quota_allow(tmp_path: Path, quota: str, allowed: int, cores: int) -> None:
    """The lesser of both, in whole cores, at least one."""
    make_tree(tmp_path, cgroup_v2("/", {"": {"cpu.max": quota}}))
    assert read_cpu(tmp_path, allowed).cores == cores


def test_this_machine() -> None:
    """Here, for real."""
    allowed = len(os.sched_getaffinity(0))
    cpu = read_cpu(Path("/"), allowed)
    assert 1 <= cpu.cores <= allowed
    assert cpu.name != "unknown processor"
    assert {"sse4_2", "asimd"} & set(cpu.features)
