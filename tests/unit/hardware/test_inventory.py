"""An inventory for people and programs."""

from __future__ import annotations

import json
from dataclasses import fields, replace

from appliance.hardware.inventory import describe, to_json
from appliance.hardware.types import Cpu, Gpu, Inventory, Memory
from tests.unit.hardware.test_nvml import RTX4090
from tests.unit.hardware.trees import GIB

PLAIN = Inventory(Cpu("AMD EPYC", 1), Memory(8 * GIB, 5 * GIB))
FULL = Inventory(
    Cpu("AMD EPYC", 16, ("avx2", "fma")),
    Memory(64 * GIB, 48 * GIB),
    (
        RTX4090,
        Gpu("pci:0000:00:02.0", "Intel UHD", "intel", None, unified_memory=True),
        Gpu("index:1", "NVIDIA GPU", "nvidia", None, pinnable=False, reason="No id."),
        Gpu("uuid:MIG-a", "A100 MIG", "nvidia", 5 * GIB, partition_of="pci:0000:65:00.0"),
    ),
    ("Something is odd.",),
)


def test_a_plain_machine_in_lines() -> None:
    """No GPU is said, not left out."""
    assert describe(PLAIN) == [
        "Processor  AMD EPYC, 1 usable core",
        "Memory     8.0 GiB, 5.0 GiB available",
        "GPU        none",
    ]


def test_a_full_machine_in_lines() -> None:
    """One line for each thing, with only what is known."""
    assert describe(FULL) == [
        "Processor  AMD EPYC, 16 usable cores (avx2, fma)",
        "Memory     64.0 GiB, 48.0 GiB available",
        (
            "GPU        pci:0000:65:00.0  NVIDIA GeForce RTX 4090, 24.0 GiB (1.0 GiB used), driver 580.95.05, "
            "42% busy, 51 °C, 88 W"
        ),
        "GPU        pci:0000:00:02.0  Intel UHD, shares the machine's memory",
        "GPU        index:1  NVIDIA GPU, memory unknown, cannot be pinned: No id.",
        "GPU        uuid:MIG-a  A100 MIG, 5.0 GiB, a part of pci:0000:65:00.0",
        "Note       Something is odd.",
    ]


def test_json_holds_everything() -> None:
    """Every field of every value is there, and what comes back from JSON makes the same inventory."""
    data = json.loads(json.dumps(to_json(FULL)))
    assert set(data["gpus"][0]) == {f.name for f in fields(Gpu)}
    back = Inventory(
        Cpu(data["cpu"]["name"], data["cpu"]["cores"], tuple(data["cpu"]["features"])),
        Memory(**data["memory"]),
        tuple(Gpu(**gpu) for gpu in data["gpus"]),
        tuple(data["notes"]),
    )
    assert back == FULL


def test_json_differs_with_the_machine() -> None:
    """Nothing is written without looking."""
    assert to_json(PLAIN) != to_json(replace(PLAIN, cpu=Cpu("other", 1)))
