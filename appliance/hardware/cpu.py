"""The processor: its name, what it can do that matters to the engine, and how many cores may be used."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from appliance.hardware.cgroups import cpu_quota, cpuset_cores
from appliance.hardware.files import read_count, read_number, read_text
from appliance.hardware.types import Cpu

# as the kernel writes them, weakest first; what the engine has no code for is left out
_FEATURES = (
    *("sse4_2", "avx", "f16c", "fma", "bmi2", "avx2", "avx_vnni"),
    *("avx512f", "avx512bw", "avx512_vbmi", "avx512vbmi", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_tile", "amx_int8", "amx_bf16"),
    *("asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2", "sme"),
)
_ARM_CORES = {
    (0x41, 0xD03): "Cortex-A53",
    (0x41, 0xD05): "Cortex-A55",
    (0x41, 0xD07): "Cortex-A57",
    (0x41, 0xD08): "Cortex-A72",
    (0x41, 0xD09): "Cortex-A73",
    (0x41, 0xD0A): "Cortex-A75",
    (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse-N1",
    (0x41, 0xD0D): "Cortex-A77",
    (0x41, 0xD40): "Neoverse-V1",
    (0x41, 0xD41): "Cortex-A78",
    (0x41, 0xD42): "Cortex-A78AE",
    (0x41, 0xD44): "Cortex-X1",
    (0x41, 0xD46): "Cortex-A510",
    (0x41, 0xD47): "Cortex-A710",
    (0x41, 0xD48): "Cortex-X2",
    (0x41, 0xD49): "Neoverse-N2",
    (0x41, 0xD4D): "Cortex-A715",
    (0x41, 0xD4E): "Cortex-X3",
    (0x41, 0xD4F): "Neoverse-V2",
    (0x41, 0xD80): "Cortex-A520",
    (0x41, 0xD81): "Cortex-A720",
    (0x41, 0xD82): "Cortex-X4",
    (0x41, 0xD84): "Neoverse-V3",
    (0x41, 0xD85): "Cortex-X925",
    (0x41, 0xD87): "Cortex-A725",
    (0x4E, 0x004): "NVIDIA Carmel",
    (0x51, 0x001): "Qualcomm Oryon",
    (0xC0, 0xAC3): "Ampere-1",
    (0xC0, 0xAC4): "Ampere-1A",
}
_ARM_MAKERS = {0x41: "Arm", 0x46: "Fujitsu", 0x48: "HiSilicon", 0x4E: "NVIDIA", 0x51: "Qualcomm", 0x61: "Apple"}


def read_cpu(root: Path, allowed: int) -> Cpu:
    """`allowed` is how many cores the scheduler lets this process run on."""
    cores = [_fields(block) for block in (read_text(root / "proc/cpuinfo") or "").split("\n\n")]
    return Cpu(_name(root, cores), _usable(root, allowed), _features(cores), _fast(root))


def _usable(root: Path, allowed: int) -> int:
    """A part of a core is not counted: a thread that is held back makes all others wait for it."""
    quota, held = cpu_quota(root), cpuset_cores(root)
    limits = [allowed, *([] if held is None else [held]), *([] if quota is None else [int(quota)])]
    return max(1, min(limits))


def _fast(root: Path) -> int | None:
    """Intel kernels list both kinds; Arm kernels say of each core how strong it is."""
    fast, slow = (read_count(root / f"sys/devices/cpu_{kind}/cpus") for kind in ("core", "atom"))
    if fast and slow:
        return fast
    strengths = [n for path in _strengths(root) if (n := read_number(path)) is not None]
    strong = sum(2 * strength > max(strengths) for strength in strengths)
    return strong if 0 < strong < len(strengths) else None


def _strengths(root: Path) -> Iterable[Path]:
    return (root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpu_capacity")


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in block.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _name(root: Path, cores: list[dict[str, str]]) -> str:
    named = next((core["model name"] for core in cores if core.get("model name")), None)
    if named is not None:
        return " ".join(named.split())
    parts = list(dict.fromkeys(part for core in cores if (part := _arm_core(core)) is not None))
    board = (read_text(root / "proc/device-tree/model") or "").rstrip("\x00")
    if parts:
        return " + ".join(parts) + (f" ({board})" if board else "")
    return board or "unknown processor"


def _arm_core(core: dict[str, str]) -> str | None:
    try:
        maker, part = int(core["CPU implementer"], 16), int(core["CPU part"], 16)
    except (KeyError, ValueError):
        return None
    return _ARM_CORES.get((maker, part)) or f"{_ARM_MAKERS.get(maker, f'maker {maker:#x}')} core {part:#x}"


def _features(cores: list[dict[str, str]]) -> tuple[str, ...]:
    """What every core can do: cores of two kinds share one process."""
    flags = [set(words.split()) for core in cores if (words := core.get("flags") or core.get("Features"))]
    common = set.intersection(*flags) if flags else set()
    return tuple(feature for feature in _FEATURES if feature in common)
