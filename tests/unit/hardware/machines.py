"""Whole machines as their kernels and drivers show them, written from the documented formats."""

from __future__ import annotations

from dataclasses import dataclass, field

import pynvml

from appliance.hardware.pci_names import AMD, INTEL, NVIDIA
from tests.unit.hardware.nvml_double import NOT_SUPPORTED, Device, Error
from tests.unit.hardware.trees import (
    CPU_EPYC,
    CPU_GRACE,
    CPU_HYBRID,
    GIB,
    MIB,
    V1_MOUNTS,
    V1_OWN,
    Tree,
    cgroup_v2,
    meminfo,
    pci_gpu,
)

UNASKED = Error(NOT_SUPPORTED)


@dataclass(frozen=True)
class Machine:
    trees: tuple[Tree, ...]
    nvidia: tuple[Device | Error, ...] = ()
    start: Error | None = field(default_factory=lambda: Error(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND))
    cores: int = 16  # that the scheduler allows


def _amd(card: int, bus: str, model: int, vram: int, used: int, **more: str | bytes | int) -> Tree:
    """`more` are files; two underscores stand for a slash."""
    files: Tree = {
        "mem_info_vram_total": vram,
        "mem_info_vram_used": used,
        "mem_info_gtt_total": 31 * GIB,
        "mem_info_gtt_used": 12 * MIB,
        "gpu_busy_percent": 3,
        "power/runtime_status": "active",
        **{name.replace("__", "/"): content for name, content in more.items()},
    }
    return pci_gpu(card, bus, AMD, model, "amdgpu", files)


INTEL_ARC_AND_OWN = Machine(
    cores=20,
    trees=(
        {"proc/cpuinfo": CPU_HYBRID, "proc/meminfo": meminfo(64, 50)},
        {"sys/devices/cpu_core/cpus": "0-15", "sys/devices/cpu_atom/cpus": "16-19"},
        pci_gpu(0, "0000:00:02.0", INTEL, 0xA780, "i915"),
        pci_gpu(
            1,
            "0000:04:00.0",
            INTEL,
            0xE20B,
            "xe",
            {
                "tile0/physical_vram_size_bytes": 12 * GIB,
                "hwmon/hwmon5/name": "xe",
                "hwmon/hwmon5/energy1_input": 5_000_000,
                "hwmon/hwmon5/temp2_input": 47000,
                "power/runtime_status": "active",
            },
        ),
    ),
)
AMD_APU = Machine(
    cores=16,
    trees=(
        {"proc/cpuinfo": CPU_EPYC, "proc/meminfo": meminfo(62, 55)},
        _amd(
            0,
            "0000:c4:00.0",
            0x15BF,
            512 * MIB,
            100 * MIB,
            gpu_metrics=bytes([128, 0, 2, 4]),
            hwmon__hwmon3__temp1_input=41000,
        ),
    ),
)
STRIX_HALO = Machine(
    cores=32,
    trees=(
        {"proc/cpuinfo": CPU_EPYC, "proc/meminfo": meminfo(125, 120)},
        _amd(
            0,
            "0000:c5:00.0",
            0x1586,
            512 * MIB,
            160 * MIB,
            mem_info_gtt_total=110 * GIB,
            mem_info_gtt_used=2 * GIB,
            gpu_metrics=bytes([8, 1, 3, 0]),
            hwmon__hwmon6__temp1_input=52000,
            hwmon__hwmon6__power1_average=28_000_000,
        ),
    ),
)
AMD_TWO_CARDS = Machine(  # the second one's sensors are missing: its driver failed to start them
    trees=(
        {"proc/cpuinfo": CPU_EPYC, "proc/meminfo": meminfo(128, 110)},
        _amd(
            1, "0000:03:00.0", 0x744C, 24 * GIB, 9 * GIB, unique_id="3a1b2c4d5e6f7081", hwmon__hwmon1__temp1_input=61000
        ),
        _amd(0, "0000:83:00.0", 0x744C, 24 * GIB, 50 * MIB, unique_id="3a1b2c4d5e6f7099"),
    ),
)
A100_IN_TWO = Machine(
    start=None,
    nvidia=(
        Device(
            name="NVIDIA A100-SXM4-40GB",
            mig=pynvml.NVML_DEVICE_MIG_ENABLE,
            busy=UNASKED,
            memory=Error(pynvml.NVML_ERROR_NO_PERMISSION),
            parts=[
                Device(name="NVIDIA A100-SXM4-40GB MIG 3g.20gb", uuid="MIG-aaaa", memory=(20 * GIB, GIB)),
                Device(name="NVIDIA A100-SXM4-40GB MIG 3g.20gb", uuid="MIG-bbbb", memory=(20 * GIB, 0)),
            ],
        ),
    ),
    trees=(
        {"proc/cpuinfo": CPU_EPYC, "proc/meminfo": meminfo(512, 500)},
        pci_gpu(0, "0000:65:00.0", NVIDIA, 0x20B0, "nvidia"),
    ),
)
JETSON_ORIN = Machine(
    start=None,
    cores=12,
    nvidia=(
        Device(name="Orin (nvgpu)", uuid="GPU-ddba2a4b-0000-1111-2222-333344445555", bus_id=UNASKED, memory=UNASKED),
    ),
    trees=({"proc/cpuinfo": CPU_GRACE, "proc/meminfo": meminfo(61, 55)},),
)
GB10 = Machine(
    start=None,
    cores=20,
    nvidia=(Device(name="NVIDIA GB10", bus_id="0000000F:01:00.0", memory=UNASKED),),
    trees=({"proc/cpuinfo": CPU_GRACE, "proc/meminfo": meminfo(119, 110)},),
)
NO_PERMISSION = Machine(
    start=Error(pynvml.NVML_ERROR_NO_PERMISSION),
    trees=(
        {"proc/cpuinfo": CPU_EPYC, "proc/meminfo": meminfo(64, 50)},
        pci_gpu(0, "0000:65:00.0", NVIDIA, 0x2684, "nvidia"),
    ),
)
UPDATED_DRIVER = Machine(start=Error(pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH), trees=NO_PERMISSION.trees)
ONE_OF_TWO_LOST = Machine(
    start=None,
    nvidia=(Error(pynvml.NVML_ERROR_GPU_IS_LOST), Device(bus_id="00000000:C1:00.0", uuid="GPU-second")),
    trees=(
        {"proc/cpuinfo": CPU_EPYC, "proc/meminfo": meminfo(64, 50)},
        pci_gpu(0, "0000:65:00.0", NVIDIA, 0x2684, "nvidia"),
        pci_gpu(1, "0000:c1:00.0", NVIDIA, 0x2684, "nvidia"),
    ),
)
SMALL_CONTAINER = Machine(  # one and a half cores and 4 GiB, inside a pod with 6 GiB, of which 5 are in use
    trees=(
        {"proc/cpuinfo": CPU_EPYC, "proc/meminfo": meminfo(64, 50)},
        cgroup_v2(
            "/pod/box",
            {
                "": {"cpuset.cpus.effective": "0-15"},
                "/pod": {"memory.max": 6 * GIB, "memory.current": 5 * GIB, "cpu.max": "max 100000"},
                "/pod/box": {
                    "memory.max": 4 * GIB,
                    "memory.current": GIB,
                    "cpu.max": "150000 100000",
                    "cpuset.cpus.effective": "2,4-7",
                },
            },
        ),
    ),
)
OLD_CONTAINER = Machine(  # cgroup v1, held to cores 0 to 3 and to 2 GiB
    trees=(
        {"proc/cpuinfo": CPU_EPYC, "proc/meminfo": meminfo(64, 50)},
        {
            "proc/self/cgroup": V1_OWN + "5:cpuset:/docker/abc\n",
            "proc/self/mountinfo": V1_MOUNTS
            + "35 31 0:32 /docker/abc /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": 2 * GIB,
            "sys/fs/cgroup/memory/memory.usage_in_bytes": 512 * MIB,
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": -1,
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": 100000,
            "sys/fs/cgroup/cpuset/cpuset.cpus": "0-3",
        },
    ),
)
