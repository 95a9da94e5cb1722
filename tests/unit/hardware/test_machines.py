"""The inventory of whole machines, as a person with such a machine would see it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.hardware.nvml import Nvml
from appliance.hardware.probe import Prober
from appliance.hardware.types import Inventory, Memory
from tests.unit.hardware import machines
from tests.unit.hardware.machines import Machine
from tests.unit.hardware.nvml_double import Device, NvmlDouble
from tests.unit.hardware.trees import GIB, MIB, make_tree

LONG = 20.0


def prober(root: Path, machine: Machine, seconds: float = LONG) -> Prober:
    library = NvmlDouble(list(machine.nvidia), machine.start)
    return Prober(make_tree(root, *machine.trees), Nvml(library).read, lambda: machine.cores, seconds)


def seen(root: Path, machine: Machine) -> Inventory:
    return prober(root, machine).probe()


def test_an_arc_card_beside_the_processors_own_graphics(tmp_path: Path) -> None:
    """Of the two only the card has memory of its own; fast and slow cores are told apart, and what only the fast ones
    can do is not counted on."""
    found = seen(tmp_path, machines.INTEL_ARC_AND_OWN)
    own, arc = found.gpus
    assert (own.id, own.unified_memory, own.memory_total) == ("pci:0000:00:02.0", True, None)
    assert (arc.id, arc.unified_memory, arc.memory_total) == ("pci:0000:04:00.0", False, 12 * GIB)
    assert (arc.name, arc.driver, arc.temperature, arc.power) == ("Intel Arc B580", "xe", 47.0, None)
    assert (found.cpu.name, found.cpu.cores, found.cpu.fast_cores) == ("13th Gen Intel(R) Core(TM) i7-13700K", 20, 16)
    assert found.cpu.features == ("sse4_2", "avx2", "avx_vnni")


def test_an_apu_works_in_the_machines_memory(tmp_path: Path) -> None:
    """What is set aside for it, and what it may borrow."""
    (gpu,) = seen(tmp_path, machines.AMD_APU).gpus
    assert (gpu.unified_memory, gpu.memory_total, gpu.memory_used) == (True, 31 * GIB + 512 * MIB, 112 * MIB)
    assert (gpu.pinnable, gpu.temperature, gpu.utilisation) == (True, 41.0, 0.03)


def test_strix_halo_may_borrow_most_of_the_machine(tmp_path: Path) -> None:
    """As much as the owner allowed it at boot."""
    (gpu,) = seen(tmp_path, machines.STRIX_HALO).gpus
    assert (gpu.name, gpu.unified_memory) == ("AMD Radeon 8050S/8060S", True)
    assert (gpu.memory_total, gpu.memory_used) == (110 * GIB + 512 * MIB, 2 * GIB + 160 * MIB)
    assert gpu.power == 28.0


def test_two_equal_amd_cards_of_which_one_has_no_sensors(tmp_path: Path) -> None:
    """Each is itself; a missing sensor costs its figures, and no more."""
    first, second = seen(tmp_path, machines.AMD_TWO_CARDS).gpus
    assert [first.id, second.id] == ["pci:0000:03:00.0", "pci:0000:83:00.0"]
    assert [first.uuid, second.uuid] == ["GPU-3a1b2c4d5e6f7081", "GPU-3a1b2c4d5e6f7099"]
    assert [(gpu.temperature, gpu.power) for gpu in (first, second)] == [(61.0, None), (None, None)]
    assert [gpu.memory_used for gpu in (first, second)] == [9 * GIB, 50 * MIB]


def test_a_split_a100_is_its_two_parts(tmp_path: Path) -> None:
    """Each with an id that lasts; the whole is not asked how much is free, which only the owner of the machine may."""
    found = seen(tmp_path, machines.A100_IN_TWO)
    assert [gpu.id for gpu in found.gpus] == ["uuid:MIG-aaaa", "uuid:MIG-bbbb"]
    assert {gpu.partition_of for gpu in found.gpus} == {"pci:0000:65:00.0"}
    assert all(gpu.pinnable for gpu in found.gpus)
    assert [gpu.memory_used for gpu in found.gpus] == [GIB, 0]
    assert found.notes == ()


def test_a_jetson_has_no_bus_and_no_memory_of_its_own(tmp_path: Path) -> None:
    """It is told by its UUID."""
    found = seen(tmp_path, machines.JETSON_ORIN)
    (gpu,) = found.gpus
    assert (gpu.id, gpu.pinnable) == ("uuid:GPU-ddba2a4b-0000-1111-2222-333344445555", True)
    assert (gpu.unified_memory, gpu.memory_total, gpu.bus_id) == (True, None, None)
    assert (found.cpu.name, found.cpu.features) == (
        "Neoverse-V2",
        ("asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve2"),
    )


def test_a_gb10_shares_all_memory(tmp_path: Path) -> None:
    """It has a place on the bus in a domain of its own."""
    found = seen(tmp_path, machines.GB10)
    (gpu,) = found.gpus
    assert (gpu.id, gpu.unified_memory, gpu.memory_total) == ("pci:000f:01:00.0", True, None)
    assert found.memory.total == 119 * GIB


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (machines.NO_PERMISSION, "This user may not ask the NVIDIA driver about its GPUs."),
        (machines.UPDATED_DRIVER, "The NVIDIA driver was updated while it ran"),
    ],
    ids=["no permission", "updated driver"],
)
def test_a_driver_that_refuses_says_why(tmp_path: Path, machine: Machine, words: str) -> None:
    """Once, and not also that it cannot be reached."""
    found = seen(tmp_path, machine)
    assert found.gpus == ()
    assert len(found.notes) == 1
    assert words in found.notes[0]


def test_a_lost_gpu_hides_no_other(tmp_path: Path) -> None:
    """It is named; the other one can be pinned as before."""
    found = seen(tmp_path, machines.ONE_OF_TWO_LOST)
    assert [(gpu.id, gpu.pinnable) for gpu in found.gpus] == [("pci:0000:c1:00.0", True)]
    assert found.notes == ("NVIDIA GPU 0 does not answer its driver: GPU is lost.",)


def test_a_gpu_that_is_lost_while_the_box_runs_is_told(tmp_path: Path) -> None:
    """With its place, which is what the owner needs to find it."""
    library = NvmlDouble([Device(), Device(bus_id="00000000:C1:00.0", uuid="GPU-second")])
    box = Prober(make_tree(tmp_path, *machines.ONE_OF_TWO_LOST.trees), Nvml(library).read, lambda: 4, LONG)
    box.probe()
    library.devices[0] = machines.ONE_OF_TWO_LOST.nvidia[0]
    found = box.probe()
    assert [gpu.id for gpu in found.gone] == ["pci:0000:65:00.0"]
    library.devices[0] = Device()
    assert box.probe().gone == ()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_one_question_that_never_comes_back_costs_one_deadline(tmp_path: Path, gate: threading.Event) -> None:
    """Later looks do not wait at all, and once the driver answers again everything is as before."""
    library = NvmlDouble([Device()])
    ask = library.nvmlDeviceGetPowerUsage

    def hang(handle: Device) -> object:
        gate.wait(LONG)
        return ask(handle)

    box = Prober(make_tree(tmp_path, *machines.NO_PERMISSION.trees), Nvml(library).read, lambda: 4, 1.0)
    before = box.probe().gpus
    library.nvmlDeviceGetPowerUsage = hang  # type: ignore[method-assign]
    for _ in range(2):
        (gpu,) = box.probe().gpus
        assert (gpu.silent, gpu.pinnable, gpu.power) == (True, False, None)
    gate.set()
    library.nvmlDeviceGetPowerUsage = ask  # type: ignore[method-assign]
    for _ in range(200):
        if box.probe().gpus == before:
            return
    raise AssertionError("it stays silent")


def test_a_container_inside_a_pod(tmp_path: Path) -> None:
    """The tightest limit counts at each level, in whole cores, and of those it is held to."""
    found = seen(tmp_path, machines.SMALL_CONTAINER)
    assert (found.cpu.cores, found.memory) == (1, Memory(4 * GIB, GIB))


def test_a_container_of_old(tmp_path: Path) -> None:
    """No limit of time, but of cores."""
    found = seen(tmp_path, machines.OLD_CONTAINER)
    assert (found.cpu.cores, found.memory) == (4, Memory(2 * GIB, 2 * GIB - 512 * MIB))
