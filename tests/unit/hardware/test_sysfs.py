"""AMD and Intel GPUs from trees as their drivers lay them out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from appliance.hardware.energy import EnergyMeter
from appliance.hardware.pci_names import AMD, INTEL, NVIDIA
from appliance.hardware.sysfs import nvidia_cards, read_gpus
from appliance.hardware.types import Gpu, GpuReading
from tests.unit.hardware.trees import GIB, MIB, Tree, make_tree, pci_gpu

DISCRETE_METRICS, INTEGRATED_METRICS = bytes([120, 0, 1, 3]), bytes([128, 0, 2, 4])

RX7900: Tree = {
    "mem_info_vram_total": 24 * GIB,
    "mem_info_vram_used": 2 * GIB,
    "mem_info_gtt_total": 32 * GIB,
    "gpu_busy_percent": 37,
    "unique_id": "3a1b2c4d5e6f7081",
    "gpu_metrics": DISCRETE_METRICS,
    "hwmon/hwmon4/temp1_input": 45000,
    "hwmon/hwmon4/power1_average": 31000000,
    "power/runtime_status": "active",
}
RX7900_SHOWN = Gpu(
    id="pci:0000:03:00.0",
    name="AMD Radeon RX 7900",
    vendor="amd",
    memory_total=24 * GIB,
    memory_used=2 * GIB,
    driver="amdgpu",
    utilisation=0.37,
    temperature=45.0,
    power=31.0,
    uuid="GPU-3a1b2c4d5e6f7081",
    bus_id="0000:03:00.0",
)


def test_a_machine_without_graphics_has_none(tmp_path: Path) -> None:
    """Neither the folder nor an empty one is needed."""
    assert read_gpus(tmp_path) == GpuReading()


def test_a_discrete_amd_gpu(tmp_path: Path) -> None:
    """Every field comes from the driver's files."""
    make_tree(tmp_path, pci_gpu(0, "0000:03:00.0", AMD, 0x744C, "amdgpu", RX7900))
    assert read_gpus(tmp_path) == GpuReading((RX7900_SHOWN,))


def test_an_integrated_amd_gpu_shares_the_memory(tmp_path: Path) -> None:
    """What is set aside for it and what it may take from the rest count together."""
    files: Tree = {
        "mem_info_vram_total": 512 * MIB,
        "mem_info_vram_used": 100 * MIB,
        "mem_info_gtt_total": 15 * GIB,
        "mem_info_gtt_used": 28 * MIB,
        "hwmon/hwmon0/power1_input": 9000000,
    }
    make_tree(tmp_path, pci_gpu(0, "0000:c4:00.0", AMD, 0x15BF, "amdgpu", files))
    assert read_gpus(tmp_path).gpus == (
        Gpu(
            id="pci:0000:c4:00.0",
            name="AMD Radeon 760M/780M",
            vendor="amd",
            memory_total=15 * GIB + 512 * MIB,
            memory_used=128 * MIB,
            driver="amdgpu",
            power=9.0,
            unified_memory=True,
            bus_id="0000:c4:00.0",
        ),
    )


def test_an_unknown_integrated_amd_gpu_is_told_by_its_metrics(tmp_path: Path) -> None:
    """Drivers write another form of them for integrated GPUs; the name is the number then."""
    make_tree(tmp_path, pci_gpu(0, "0000:c5:00.0", AMD, 0xBEEF, "amdgpu", {"gpu_metrics": INTEGRATED_METRICS}))
    gpu = read_gpus(tmp_path).gpus[0]
    assert (gpu.name, gpu.unified_memory, gpu.memory_total) == ("AMD GPU 1002:beef", True, None)


def test_the_drivers_own_name_comes_first(tmp_path: Path) -> None:
    """Professional cards carry their name."""
    make_tree(tmp_path, pci_gpu(0, "0000:03:00.0", AMD, 0x740F, "amdgpu", {"product_name": "AMD INSTINCT MI210 64GB"}))
    assert read_gpus(tmp_path).gpus[0].name == "AMD INSTINCT MI210 64GB"


def test_a_sleeping_gpu_is_not_woken(tmp_path: Path) -> None:
    """Nothing is read that would make the driver start it."""
    files = {**RX7900, "power/runtime_status": "suspended"}
    make_tree(tmp_path, pci_gpu(0, "0000:03:00.0", AMD, 0x744C, "amdgpu", files))
    gpu = read_gpus(tmp_path).gpus[0]
    assert (gpu.utilisation, gpu.temperature, gpu.power) == (None, None, None)
    assert gpu.memory_total == 24 * GIB


def test_a_discrete_intel_gpu_on_xe(tmp_path: Path) -> None:
    """The memory of all its tiles counts."""
    files: Tree = {
        "tile0/physical_vram_size_bytes": 12 * GIB,
        "tile1/physical_vram_size_bytes": 4 * GIB,
        "hwmon/hwmon2/temp2_input": 51000,
    }
    make_tree(tmp_path, pci_gpu(0, "0000:04:00.0", INTEL, 0xE20B, "xe", files))
    assert read_gpus(tmp_path).gpus == (
        Gpu(
            id="pci:0000:04:00.0",
            name="Intel Arc B580",
            vendor="intel",
            memory_total=16 * GIB,
            driver="xe",
            temperature=51.0,
            bus_id="0000:04:00.0",
        ),
    )


def test_a_discrete_intel_gpu_on_i915(tmp_path: Path) -> None:
    """Where the driver tells the memory it stands with the card; else it is unknown, not nothing."""
    make_tree(
        tmp_path,
        pci_gpu(0, "0000:03:00.0", INTEL, 0x56A0, "i915", {"drm/card0/lmem_total_bytes": 16 * GIB}),
        pci_gpu(1, "0000:07:00.0", INTEL, 0x56A5, "i915"),
    )
    assert [(gpu.name, gpu.memory_total) for gpu in read_gpus(tmp_path).gpus] == [
        ("Intel Arc A770", 16 * GIB),
        ("Intel Arc A380", None),
    ]


def test_an_integrated_intel_gpu_shares_the_memory(tmp_path: Path) -> None:
    """It sits at the processor itself."""
    make_tree(tmp_path, pci_gpu(0, "0000:00:02.0", INTEL, 0x46A6, "i915"))
    assert read_gpus(tmp_path).gpus == (
        Gpu(
            id="pci:0000:00:02.0",
            name="Intel Iris Xe (Alder Lake)",
            vendor="intel",
            memory_total=None,
            driver="i915",
            unified_memory=True,
            bus_id="0000:00:02.0",
        ),
    )


def test_many_gpus_come_in_the_order_of_the_bus(tmp_path: Path) -> None:
    """The kernel's card numbers change from boot to boot, bus ids do not."""
    make_tree(
        tmp_path,
        pci_gpu(10, "0000:03:00.0", AMD, 0x744C, "amdgpu", RX7900),
        pci_gpu(2, "0000:83:00.0", AMD, 0x744C, "amdgpu"),
        pci_gpu(0, "0000:00:02.0", INTEL, 0xA780, "i915"),
        pci_gpu(1, "0001:03:00.0", AMD, 0x74A1, "amdgpu"),
    )
    assert [gpu.id for gpu in read_gpus(tmp_path).gpus] == [
        "pci:0000:00:02.0",
        "pci:0000:03:00.0",
        "pci:0000:83:00.0",
        "pci:0001:03:00.0",
    ]


def test_other_graphics_are_left_out(tmp_path: Path) -> None:
    """Screens of servers and virtual machines, outputs, render nodes and what sits on no PCI bus are no GPUs."""
    make_tree(
        tmp_path,
        pci_gpu(0, "0000:01:00.0", 0x1A03, 0x2000, "ast"),
        pci_gpu(1, "0000:00:02.0", 0x1AF4, 0x1050, "virtio-pci"),
        {"sys/class/drm/card0-HDMI-A-1/status": "connected", "sys/class/drm/renderD128/dev": "226:128"},
        {"sys/class/drm/card2/device/uevent": "DRIVER=panfrost"},
        {"sys/class/drm/version": "drm 1.1.0"},
    )
    assert read_gpus(tmp_path) == GpuReading()


def test_a_gpu_that_was_pulled_out_is_gone(tmp_path: Path) -> None:
    """A link that leads nowhere any more is left out, the others stay."""
    make_tree(
        tmp_path,
        pci_gpu(0, "0000:03:00.0", AMD, 0x744C, "amdgpu", RX7900),
        pci_gpu(1, "0000:83:00.0", AMD, 0x744C, "amdgpu"),
    )
    shutil.rmtree(tmp_path / "sys/devices/pci0000:00/0000:00:01.0/0000:83:00.0")
    assert read_gpus(tmp_path).gpus == (RX7900_SHOWN,)


@pytest.mark.parametrize("text", ["", "unknown", "-"])
def test_nonsense_in_a_file_is_unknown(tmp_path: Path, text: str) -> None:
    """One bad file costs one field."""
    files = {**RX7900, "mem_info_vram_used": text, "gpu_busy_percent": text, "hwmon/hwmon4/temp1_input": text}
    make_tree(tmp_path, pci_gpu(0, "0000:03:00.0", AMD, 0x744C, "amdgpu", files))
    gpu = read_gpus(tmp_path).gpus[0]
    assert (gpu.memory_used, gpu.utilisation, gpu.temperature, gpu.power) == (None, None, None, 31.0)


def test_a_gpu_without_a_driver_is_shown(tmp_path: Path) -> None:
    """It is there, even though nothing is known of it."""
    tree = {k: v for k, v in pci_gpu(0, "0000:03:00.0", AMD, 0x744C, "x").items() if not k.endswith("/driver")}
    make_tree(tmp_path, tree)
    assert read_gpus(tmp_path).gpus[0].driver is None


def test_nvidia_cards_are_only_named(tmp_path: Path) -> None:
    """Their own driver is asked about them."""
    make_tree(tmp_path, pci_gpu(0, "0000:65:00.0", NVIDIA, 0x2684, "nvidia"))
    assert read_gpus(tmp_path) == GpuReading()
    assert nvidia_cards(tmp_path) == ("0000:65:00.0",)


def test_an_intel_card_that_counts_energy_only(tmp_path: Path) -> None:
    """Its power is what it used between two looks."""
    counter = tmp_path / "sys/devices/pci0000:00/0000:00:01.0/0000:04:00.0/hwmon/hwmon2/energy1_input"
    make_tree(tmp_path, pci_gpu(0, "0000:04:00.0", INTEL, 0xE20B, "xe", {"hwmon/hwmon2/energy1_input": 5_000_000}))
    now = [10.0]
    meter = EnergyMeter(lambda: now[0])
    powers = [read_gpus(tmp_path, meter).gpus[0].power]
    for later, energy in ((12.0, 95_000_000), (14.0, 1_000), (16.0, 20_001_000)):
        now[0] = later
        counter.write_text(str(energy))
        powers.append(read_gpus(tmp_path, meter).gpus[0].power)
    assert powers == [None, 45.0, None, 10.0]  # in between the driver was started anew


def test_an_intel_card_handed_to_a_virtual_machine_keeps_its_memory(tmp_path: Path) -> None:
    """There it sits where else the processor's own graphics do."""
    files: Tree = {"tile0/physical_vram_size_bytes": 16 * GIB}
    make_tree(tmp_path, pci_gpu(0, "0000:00:10.0", INTEL, 0xE20B, "xe", files))
    gpu = read_gpus(tmp_path).gpus[0]
    assert (gpu.memory_total, gpu.unified_memory) == (16 * GIB, False)
