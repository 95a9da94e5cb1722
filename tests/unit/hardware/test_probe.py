"""The whole inventory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.hardware.nvml import Nvml
from appliance.hardware.pci_names import AMD, NVIDIA
from appliance.hardware.probe import Prober
from appliance.hardware.types import Cpu, GpuReading, Inventory, Memory
from tests.unit.hardware.nvml_double import Device, NvmlDouble
from tests.unit.hardware.test_nvml import RTX4090
from tests.unit.hardware.test_sysfs import RX7900, RX7900_SHOWN
from tests.unit.hardware.trees import CPU_EPYC, GIB, MEMINFO, Tree, cgroup_v2, make_tree, pci_gpu

SHORT, LONG = 1.0, 20.0
CPU = Cpu("AMD EPYC 7B13", 2, ("sse4_2", "avx", "f16c", "fma", "bmi2", "avx2"))


def nothing() -> GpuReading:
    return GpuReading()


def prober(root: Path, nvidia: Callable[[], GpuReading] = nothing, seconds: float = LONG) -> Prober:
    return Prober(root, nvidia, lambda: 4, seconds)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A container with two cores and 8 GiB on a larger host with one AMD GPU."""
    limits: dict[str, Tree] = {"": {"cpu.max": "200000 100000", "memory.max": 8 * GIB, "memory.current": 3 * GIB}}
    return make_tree(
        tmp_path,
        {"proc/cpuinfo": CPU_EPYC, "proc/meminfo": MEMINFO},
        cgroup_v2("/", limits),
        pci_gpu(0, "0000:03:00.0", AMD, 0x744C, "amdgpu", RX7900),
    )


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_puts_everything_together(machine: Path) -> None:
    """NVIDIA GPUs come first, then the others."""
    found = prober(machine, Nvml(NvmlDouble([Device()])).read).probe()
    assert found == Inventory(CPU, Memory(8 * GIB, 5 * GIB), (RTX4090, RX7900_SHOWN))


def test_a_bare_root_gives_an_inventory_all_the_same(tmp_path: Path) -> None:
    """What is missing is said."""
    assert prober(tmp_path).probe() == Inventory(
        Cpu("unknown processor", 4), Memory(0, 0), notes=("The kernel does not say how much memory there is.",)
    )


def test_a_hanging_driver_does_not_hang_the_probe(machine: Path, gate: threading.Event) -> None:
    """Everything else is there, and a note says which driver is silent."""

    def hang() -> GpuReading:
        gate.wait(LONG)
        return GpuReading()

    found = prober(machine, hang, SHORT).probe()
    note = "The NVIDIA driver does not answer; its GPUs cannot be shown. Often only a restart of the machine helps."
    assert found == Inventory(CPU, Memory(8 * GIB, 5 * GIB), (RX7900_SHOWN,), (note,))


def test_gpus_of_a_driver_that_hangs_stay_in_sight(tmp_path: Path, gate: threading.Event) -> None:
    """As they were last seen, without what may have changed, and not to be relied on."""
    readings = iter([GpuReading((RTX4090,))])

    def hang_later() -> GpuReading:
        for reading in readings:
            return reading
        gate.wait(LONG)
        return GpuReading()

    box = prober(tmp_path, hang_later, SHORT)
    assert box.probe().gpus == (RTX4090,)
    found = box.probe()
    assert found.gpus == (
        replace(
            RTX4090,
            memory_used=None,
            utilisation=None,
            temperature=None,
            power=None,
            pinnable=False,
            reason="The NVIDIA driver does not answer.",
            silent=True,
        ),
    )
    assert found.gone == ()
    assert "are shown as they were last seen" in found.notes[0]


def test_an_nvidia_card_out_of_reach_is_told(machine: Path) -> None:
    """The usual slip: a container that was not given its GPU."""
    make_tree(machine, pci_gpu(1, "0000:65:00.0", NVIDIA, 0x2684, "nvidia"))
    notes = prober(machine).probe().notes
    assert notes == (
        (
            "An NVIDIA card is here (pci:0000:65:00.0), but its driver cannot be reached. In a container, give it "
            "access to the GPU; elsewhere, install the NVIDIA driver."
        ),
    )


def test_an_nvidia_card_that_answers_is_not_told_twice(machine: Path) -> None:
    """Where the driver answers there is nothing to tell."""
    make_tree(machine, pci_gpu(1, "0000:65:00.0", NVIDIA, 0x2684, "nvidia"))
    assert prober(machine, Nvml(NvmlDouble([Device()])).read).probe().notes == ()


def test_a_card_that_is_plugged_in_later_is_found(machine: Path) -> None:
    """Nothing is remembered of how the machine was."""
    box = prober(machine)
    before = box.probe().gpus
    make_tree(machine, pci_gpu(1, "0000:83:00.0", AMD, 0x744C, "amdgpu"))
    assert [len(before), len(box.probe().gpus)] == [1, 2]


def test_a_gpu_that_was_pulled_out_is_told_until_it_is_back(machine: Path) -> None:
    """Without its former readings."""
    library = NvmlDouble([Device()])
    box = prober(machine, Nvml(library).read)
    assert box.probe().gone == ()
    device = library.devices.pop()
    gone = replace(RTX4090, memory_used=None, utilisation=None, temperature=None, power=None)
    assert [box.probe().gone, box.probe().gone] == [(gone,), (gone,)]
    library.devices.append(device)
    assert box.probe().gone == ()


def test_a_gpu_that_was_split_anew_is_not_gone(machine: Path) -> None:
    """It sits where it sat, under other ids."""
    library = NvmlDouble([Device()])
    box = prober(machine, Nvml(library).read)
    box.probe()
    library.devices = [replace(Device(), mig=1, parts=[Device(uuid="MIG-aaaa")])]
    assert (next(gpu.id for gpu in box.probe().gpus), box.probe().gone) == ("uuid:MIG-aaaa", ())


def test_a_place_in_a_list_is_never_missed(tmp_path: Path) -> None:
    """Who had it before is not known."""
    unnamed = replace(RTX4090, id="index:0", pinnable=False, uuid=None, bus_id=None)
    readings = iter([GpuReading((unnamed,)), GpuReading()])
    box = prober(tmp_path, lambda: next(readings))
    assert (box.probe().gpus, box.probe().gone) == ((unnamed,), ())


def test_a_driver_that_fails_in_a_new_way_hides_nothing_else(machine: Path) -> None:
    """What it said is told."""

    def fail() -> GpuReading:
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")

    found = prober(machine, fail).probe()
    assert found.gpus == (RX7900_SHOWN,)
    assert "The NVIDIA driver cannot be asked about its GPUs: UnicodeDecodeError" in found.notes[0]


def test_this_machine() -> None:
    """Here, for real, with every default."""
    found = Prober().probe()
    assert found.cpu.cores <= len(os.sched_getaffinity(0))
    assert found.memory.total > 0
    assert len({gpu.id for gpu in found.gpus}) == len(found.gpus)
