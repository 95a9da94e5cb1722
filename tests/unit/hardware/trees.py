"""Small copies of /proc and /sys, written from the kernel's documentation of each file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

MIB, GIB = 1 << 20, 1 << 30

Tree = Mapping[str, str | bytes | int]

MEMINFO = """\
MemTotal:       65806536 kB
MemFree:         1243212 kB
MemAvailable:   52428800 kB
Buffers:          524288 kB
HugePages_Total:       0
"""

CPU_EPYC = """\
processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC  7B13
flags\t\t: fpu sse4_2 avx f16c fma bmi2 avx2 rdpid

processor\t: 1
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC  7B13
flags\t\t: fpu sse4_2 avx f16c fma bmi2 avx2 rdpid
"""

CPU_PI = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes crc32 cpuid asimdrdm asimddp asimdhp
CPU implementer\t: 0x41
CPU architecture: 8
CPU part\t: 0xd0b

Revision\t: c04170
"""

CPU_BIG_LITTLE = """\
processor\t: 0
Features\t: asimd asimddp
CPU implementer\t: 0x41
CPU part\t: 0xd05

processor\t: 1
Features\t: asimd asimddp i8mm bf16
CPU implementer\t: 0x41
CPU part\t: 0xd0b
"""

CPU_HYBRID = """\
processor\t: 0
model name\t: 13th Gen Intel(R) Core(TM) i7-13700K
flags\t\t: fpu sse4_2 avx2 avx_vnni avx512f

processor\t: 16
model name\t: 13th Gen Intel(R) Core(TM) i7-13700K
flags\t\t: fpu sse4_2 avx2 avx_vnni
"""

CPU_GRACE = """\
processor\t: 0
BogoMIPS\t: 2000.00
Features\t: fp asimd evtstrm aes atomics fphp asimdhp cpuid asimdrdm asimddp sve2 i8mm bf16
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd4f
CPU revision\t: 0
"""

V2_MOUNT = "31 23 0:27 / /sys/fs/cgroup ro,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
V1_MOUNTS = (
    "25 20 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
    "33 31 0:30 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    "34 31 0:31 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
)
V1_OWN = "9:memory:/docker/abc\n8:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n"


def meminfo(total: int, available: int) -> str:
    """In GiB."""
    return f"MemTotal:       {total << 20} kB\nMemFree:        1243212 kB\nMemAvailable:   {available << 20} kB\n"


def make_tree(root: Path, *trees: Tree) -> Path:
    """Files with their text; a text that begins with `-> ` is a link."""
    for path, content in (item for tree in trees for item in tree.items()):
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str) and content.startswith("-> "):
            place.symlink_to(content.removeprefix("-> "))
        else:
            place.write_bytes(content if isinstance(content, bytes) else f"{content}\n".encode())
    return root


def cgroup_v2(own: str, levels: Mapping[str, Tree], mount: str = V2_MOUNT) -> Tree:
    """A v2 hierarchy: each level's files, by the level's path below the mount."""
    files = {
        f"sys/fs/cgroup{level}/{name}": content for level, tree in levels.items() for name, content in tree.items()
    }
    return {"proc/self/cgroup": f"0::{own}\n", "proc/self/mountinfo": mount, **files}


def pci_gpu(card: int, bus_id: str, vendor: int, model: int, driver: str, files: Tree | None = None) -> Tree:
    """One card as the kernel lays it out: the device folder holds the facts, /sys/class/drm links to it."""
    device = f"sys/devices/pci0000:00/0000:00:01.0/{bus_id}"
    return {
        f"{device}/vendor": f"{vendor:#06x}",
        f"{device}/device": f"{model:#06x}",
        f"{device}/driver": f"-> ../../../../bus/pci/drivers/{driver}",
        f"sys/bus/pci/drivers/{driver}/bind": "",
        f"{device}/drm/card{card}/device": "-> ../..",
        f"sys/class/drm/card{card}": f"-> ../../devices/pci0000:00/0000:00:01.0/{bus_id}/drm/card{card}",
        **{f"{device}/{name}": content for name, content in (files or {}).items()},
    }
