"""NVIDIA GPUs, by a double of the driver's library that answers as the documentation says."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pynvml
import pytest

from appliance.hardware.nvml import Nvml
from appliance.hardware.types import Gpu, GpuReading
from tests.unit.hardware.nvml_double import GIB, LOST, NOT_SUPPORTED, Device, Error, NvmlDouble

UUID = "GPU-8f4f6c1e-0000-1111-2222-333344445555"
RTX4090 = Gpu(
    id="pci:0000:65:00.0",
    name="NVIDIA GeForce RTX 4090",
    vendor="nvidia",
    memory_total=24 * GIB,
    memory_used=GIB,
    driver="580.95.05",
    utilisation=0.42,
    temperature=51.0,
    power=87.5,
    uuid=UUID,
    bus_id="0000:65:00.0",
)


def read(*devices: Device | Error) -> GpuReading:
    return Nvml(NvmlDouble(list(devices))).read()


def test_the_double_has_the_shape_of_the_library() -> None:
    """Every function of the double exists in pynvml and takes the same arguments."""
    names = [name for name in vars(NvmlDouble) if name.startswith("nvml")]
    ours = {n: len(inspect.signature(getattr(NvmlDouble(), n)).parameters) for n in names}
    theirs = {
        n: sum(p.default is p.empty for p in inspect.signature(getattr(pynvml, n)).parameters.values()) for n in names
    }
    assert ours == theirs


def test_a_gpu() -> None:
    """Every field comes from the driver."""
    assert read(Device()) == GpuReading((RTX4090,))


def test_several_gpus_in_the_order_of_the_driver() -> None:
    """Each with its own id; domains beyond four digits stay whole."""
    reading = read(
        Device(bus_id="00000000:C1:00.0"), Device(bus_id=b"00000001:65:00.0"), Device(bus_id="10000000:01:00.0")
    )
    assert [gpu.id for gpu in reading.gpus] == ["pci:0000:c1:00.0", "pci:0001:65:00.0", "pci:10000000:01:00.0"]


@pytest.mark.parametrize("number", [pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_DRIVER_NOT_LOADED])
def test_a_missing_driver_is_simply_no_gpu(number: int) -> None:
    """Most machines have none; that is no trouble."""
    assert Nvml(NvmlDouble(start=Error(number))).read() == GpuReading()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, "was updated while it ran"),
        (pynvml.NVML_ERROR_NO_PERMISSION, "may not ask"),
        (pynvml.NVML_ERROR_UNKNOWN, "Unknown Error"),
    ],
)
def test_a_driver_that_refuses_is_told_in_words(number: int, words: str) -> None:
    """No GPU, and one note that says why."""
    reading = Nvml(NvmlDouble(start=Error(number))).read()
    assert reading.gpus == ()
    assert words in " ".join(reading.notes)


@pytest.mark.parametrize(
    ("device", "shown"),
    [
        (Device(name=Error(NOT_SUPPORTED)), replace(RTX4090, name="NVIDIA GPU")),
        (Device(uuid=Error(NOT_SUPPORTED)), replace(RTX4090, uuid=None)),
        (Device(busy=Error(NOT_SUPPORTED)), replace(RTX4090, utilisation=None)),
        (Device(temperature=Error(NOT_SUPPORTED)), replace(RTX4090, temperature=None)),
        (Device(power=Error(NOT_SUPPORTED)), replace(RTX4090, power=None)),
        (
            Device(memory=Error(pynvml.NVML_ERROR_UNKNOWN)),
            replace(RTX4090, memory_total=None, memory_used=None),
        ),
        (Device(bus_id=Error(NOT_SUPPORTED)), replace(RTX4090, id=f"uuid:{UUID}", bus_id=None)),
    ],
)
def test_an_error_costs_one_field(device: Device, shown: Gpu) -> None:
    """Whatever a GPU cannot tell, the rest is shown."""
    assert read(device) == GpuReading((shown,))


def test_memory_that_is_not_counted_is_shared() -> None:
    """GPUs that share the machine's memory do not support the question."""
    shown = replace(RTX4090, memory_total=None, memory_used=None, unified_memory=True)
    assert read(Device(memory=Error(NOT_SUPPORTED))) == GpuReading((shown,))


def test_without_any_identity_it_cannot_be_pinned() -> None:
    """A place in a list may be another GPU after the next start."""
    gpu = read(Device(uuid=Error(NOT_SUPPORTED), bus_id=Error(NOT_SUPPORTED))).gpus[0]
    assert (gpu.id, gpu.pinnable, gpu.reason) == (
        "index:0",
        False,
        "The driver tells neither its bus id nor its UUID.",
    )


A100 = Device(name="NVIDIA A100-SXM4-40GB", mig=pynvml.NVML_DEVICE_MIG_ENABLE, busy=Error(NOT_SUPPORTED))


def test_a_split_gpu_is_shown_as_its_parts() -> None:
    """Each part has its own memory and UUID; empty places are skipped; temperature and power are the whole's."""
    parts = [
        Device(name="NVIDIA A100-SXM4-40GB MIG 3g.20gb", uuid="MIG-aaaa", memory=(20 * GIB, GIB)),
        None,
        Device(name="NVIDIA A100-SXM4-40GB MIG 1g.5gb", uuid="MIG-bbbb", memory=(5 * GIB, 0)),
    ]
    first = Gpu(
        id="uuid:MIG-aaaa",
        name="NVIDIA A100-SXM4-40GB MIG 3g.20gb",
        vendor="nvidia",
        memory_total=20 * GIB,
        memory_used=GIB,
        driver="580.95.05",
        temperature=51.0,
        power=87.5,
        uuid="MIG-aaaa",
        bus_id="0000:65:00.0",
        partition_of="pci:0000:65:00.0",
    )
    second = replace(
        first,
        id="uuid:MIG-bbbb",
        name="NVIDIA A100-SXM4-40GB MIG 1g.5gb",
        memory_total=5 * GIB,
        memory_used=0,
        uuid="MIG-bbbb",
    )
    assert read(replace(A100, parts=parts)) == GpuReading((first, second))


def test_a_part_without_uuid_cannot_be_pinned() -> None:
    """It is shown by its place in the whole."""
    gpu = read(replace(A100, parts=[Device(uuid=Error(NOT_SUPPORTED))])).gpus[0]
    assert (gpu.id, gpu.pinnable, gpu.reason) == (
        "pci:0000:65:00.0/mig:0",
        False,
        "The driver does not tell its UUID.",
    )


def test_a_split_gpu_without_parts_cannot_be_used() -> None:
    """It is shown, with the reason."""
    gpu = read(A100).gpus[0]
    assert (gpu.id, gpu.pinnable) == ("pci:0000:65:00.0", False)
    assert gpu.reason == "MIG is switched on, but the GPU has no MIG device to run on."


@pytest.mark.parametrize("lost", [Error(LOST), Device(uuid=Error(LOST))])
def test_a_gpu_that_fell_off_the_bus_hides_no_other(lost: Device | Error) -> None:
    """It is named, and the library is begun anew so that a changed bus is seen."""
    library = NvmlDouble([Device(), lost])
    nvml = Nvml(library)
    assert nvml.read() == GpuReading((RTX4090,), ("NVIDIA GPU 1 does not answer its driver: GPU is lost.",))
    assert library.sessions == 0
    library.devices.pop()
    assert nvml.read() == GpuReading((RTX4090,))
    assert (library.sessions, library.begun) == (1, 2)


def test_one_session_serves_many_reads() -> None:
    """Beginning anew wakes every GPU; it is done once."""
    library = NvmlDouble([Device()])
    nvml = Nvml(library)
    assert nvml.read() == nvml.read()
    assert (library.sessions, library.begun) == (1, 1)


def test_a_driver_that_comes_later_is_found() -> None:
    """A container may be given its GPU while the box runs."""
    library = NvmlDouble([Device()], start=Error(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND))
    nvml = Nvml(library)
    before = nvml.read()
    library.start = None
    assert (before, nvml.read()) == (GpuReading(), GpuReading((RTX4090,)))


def test_the_real_library_here() -> None:
    """Whatever this machine has: an answer, and a pinnable id for each GPU that is whole."""
    reading = Nvml().read()
    assert all(gpu.vendor == "nvidia" and gpu.id for gpu in reading.gpus)
    assert len({gpu.id for gpu in reading.gpus}) == len(reading.gpus)
