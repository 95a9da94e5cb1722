"""AMD and Intel GPUs, by what their kernel drivers show under /sys/class/drm. No library is needed.

A GPU that sleeps is not asked for what would wake it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from appliance.hardware.energy import EnergyMeter
from appliance.hardware.files import read_bytes, read_number, read_text
from appliance.hardware.pci_names import AMD, AMD_INTEGRATED, INTEL, NAMES, NVIDIA
from appliance.hardware.types import Gpu, GpuReading

_CARD = re.compile(r"card(\d+)")
_BUS_ID = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
_METRICS_OF_INTEGRATED = frozenset({2, 3})  # format revisions of gpu_metrics; discrete GPUs write 1


@dataclass(frozen=True, slots=True)
class Card:
    """One card of the kernel: its own folder, and that of the device behind it."""

    folder: Path
    device: Path
    vendor: int
    model: int
    bus_id: str


def read_gpus(root: Path, meter: EnergyMeter | None = None) -> GpuReading:
    makers: dict[int, Callable[[Card], Gpu]] = {AMD: _amd, INTEL: partial(_intel, meter=meter or EnergyMeter())}
    return GpuReading(tuple(makers[card.vendor](card) for card in list_cards(root) if card.vendor in makers))


def nvidia_cards(root: Path) -> tuple[str, ...]:
    """Bus ids of NVIDIA cards, whether or not their driver can be reached from here."""
    return tuple(card.bus_id for card in list_cards(root) if card.vendor == NVIDIA)


def list_cards(root: Path) -> Iterator[Card]:
    """In the order of their bus ids; what is no PCI device is left out."""
    try:
        folders = [entry for entry in (root / "sys/class/drm").iterdir() if _CARD.fullmatch(entry.name)]
    except OSError:
        return
    cards = (_card(folder) for folder in folders)
    yield from sorted((card for card in cards if card is not None), key=lambda card: card.bus_id)


def _card(folder: Path) -> Card | None:
    device = (folder / "device").resolve()
    vendor, model = read_number(device / "vendor", 16), read_number(device / "device", 16)
    if vendor is None or model is None or not _BUS_ID.fullmatch(device.name):
        return None
    return Card(folder, device, vendor, model, device.name)


def _amd(card: Card) -> Gpu:
    device, awake = card.device, _awake(card)
    integrated = card.model in AMD_INTEGRATED or (awake and _writes_integrated_metrics(card))
    busy = read_number(device / "gpu_busy_percent") if awake else None
    unique = read_text(device / "unique_id")
    return Gpu(
        id=f"pci:{card.bus_id}",
        name=read_text(device / "product_name") or _name(card, "AMD GPU"),
        vendor="amd",
        memory_total=_memory(device, "total", integrated=integrated),
        memory_used=_memory(device, "used", integrated=integrated),
        driver=_driver(card),
        utilisation=None if busy is None else min(busy, 100) / 100,
        temperature=_sensor(card, ("temp1_input",), 1000) if awake else None,
        power=_sensor(card, ("power1_average", "power1_input"), 1_000_000) if awake else None,
        unified_memory=integrated,
        uuid=f"GPU-{unique}" if unique else None,
        bus_id=card.bus_id,
    )


def _intel(card: Card, meter: EnergyMeter) -> Gpu:
    memory, awake = _intel_memory(card), _awake(card)
    integrated = not memory and card.bus_id.split(":")[-2] == "00"  # a discrete one sits behind a bridge
    return Gpu(
        id=f"pci:{card.bus_id}",
        name=_name(card, "Intel GPU"),
        vendor="intel",
        memory_total=memory,
        driver=_driver(card),
        temperature=_sensor(card, ("temp1_input", "temp2_input"), 1000) if awake else None,
        power=_intel_power(card, meter) if awake else None,
        unified_memory=integrated,
        bus_id=card.bus_id,
    )


def _intel_power(card: Card, meter: EnergyMeter) -> float | None:
    """Most of its drivers count energy only: of the card, or of the chip where the card is not measured."""
    told = _sensor(card, ("power1_average", "power1_input"), 1_000_000)
    used = _sensor(card, ("energy1_input", "energy2_input"), 1)
    return meter.watts(card.bus_id, int(used)) if told is None and used is not None else told


def _awake(card: Card) -> bool:
    return read_text(card.device / "power/runtime_status") != "suspended"


def _writes_integrated_metrics(card: Card) -> bool:
    header = read_bytes(card.device / "gpu_metrics") or b""
    return len(header) > 2 and header[2] in _METRICS_OF_INTEGRATED


def _memory(device: Path, what: str, *, integrated: bool) -> int | None:
    """An integrated GPU has a share set aside for it and may take more of the machine's memory."""
    kinds = ("vram", "gtt") if integrated else ("vram",)
    known = [n for kind in kinds if (n := read_number(device / f"mem_info_{kind}_{what}")) is not None]
    return sum(known) if known else None


def _intel_memory(card: Card) -> int | None:
    tiles = [read_number(path) for path in sorted(card.device.glob("tile*/physical_vram_size_bytes"))]
    return sum(n for n in tiles if n) or read_number(card.folder / "lmem_total_bytes")


def _sensor(card: Card, names: tuple[str, ...], per_unit: int) -> float | None:
    for folder in sorted(card.device.glob("hwmon/hwmon*")):
        for name in names:
            value = read_number(folder / name)
            if value is not None:
                return value / per_unit
    return None


def _driver(card: Card) -> str | None:
    link = card.device / "driver"
    return link.resolve().name if link.exists() else None


def _name(card: Card, otherwise: str) -> str:
    return NAMES.get((card.vendor, card.model)) or f"{otherwise} {card.vendor:04x}:{card.model:04x}"
