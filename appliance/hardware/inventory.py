"""An inventory as lines for a person and as JSON for a program."""

from __future__ import annotations

from dataclasses import asdict

from appliance.hardware.types import Gpu, Inventory


def to_json(inventory: Inventory) -> dict[str, object]:
    """Plain values only: sizes in bytes, temperature in degrees Celsius, power in watts, use from 0 to 1."""
    return {
        "cpu": {**asdict(inventory.cpu), "features": list(inventory.cpu.features)},
        "memory": asdict(inventory.memory),
        "gpus": [asdict(gpu) for gpu in inventory.gpus],
        "notes": list(inventory.notes),
        "gone": [asdict(gpu) for gpu in inventory.gone],
    }


def describe(inventory: Inventory) -> list[str]:
    cpu, memory = inventory.cpu, inventory.memory
    return [
        f"Processor  {cpu.name}, {_count(cpu.cores, 'usable core')}" + _in_brackets(cpu.features),
        *((f"           {cpu.fast_cores} of this machine's cores are of the fast kind",) if cpu.fast_cores else ()),
        f"Memory     {_gib(memory.total)}, {_gib(memory.available)} available",
        *(f"GPU        {_gpu(gpu)}" for gpu in inventory.gpus),
        *(("GPU        none",) if not inventory.gpus else ()),
        *(f"Gone       {gpu.id}  {gpu.name}" for gpu in inventory.gone),
        *(f"Note       {note}" for note in inventory.notes),
    ]


def _gpu(gpu: Gpu) -> str:
    parts = [
        f"{gpu.id}  {gpu.name}",
        _gpu_memory(gpu),
        "shares the machine's memory" if gpu.unified_memory else None,
        f"a part of {gpu.partition_of}" if gpu.partition_of else None,
        f"driver {gpu.driver}" if gpu.driver else None,
        None if gpu.utilisation is None else f"{gpu.utilisation:.0%} busy",
        None if gpu.temperature is None else f"{gpu.temperature:.0f} °C",
        None if gpu.power is None else f"{gpu.power:.0f} W",
        None if gpu.pinnable else f"cannot be pinned: {gpu.reason}",
    ]
    return ", ".join(part for part in parts if part)


def _gpu_memory(gpu: Gpu) -> str | None:
    if gpu.memory_total is None:
        return None if gpu.unified_memory else "memory unknown"
    used = "" if gpu.memory_used is None else f" ({_gib(gpu.memory_used)} used)"
    return _gib(gpu.memory_total) + used


def _in_brackets(words: tuple[str, ...]) -> str:
    return f" ({', '.join(words)})" if words else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"
