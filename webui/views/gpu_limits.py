"""The forms that limit how much memory models may use: that of each GPU, and the machine's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.hardware.trials import PROCESSOR
from appliance.hardware.types import Gpu, Memory
from appliance.node.snapshot import Snapshot

_MIB_PER_GIB = 1024
MOST_GIB = (1 << 24) // _MIB_PER_GIB
_LEAST_MEMORY_GIB = 0.1  # with less, not even the bundled model answers


class NoNumber(ValueError):
    """What was typed is no amount of memory; says what would be."""


@dataclass(frozen=True, slots=True)
class LimitRow:
    id: str
    element: str
    name: str
    value: str
    total: str
    error: str | None
    taken_back: bool
    can_be_taken: bool


def limit_rows(snapshot: Snapshot, typed: Mapping[str, str], error: str) -> tuple[LimitRow, ...]:
    """`typed` is what could not be saved: the id of a device and what was written; `error` says what is wrong."""
    if snapshot.inventory is None:
        return ()
    gpus = [gpu for gpu in snapshot.inventory.gpus if gpu.pinnable]
    return *_gpu_rows(gpus, snapshot, typed, error), _memory_row(snapshot.inventory.memory, snapshot, typed, error)


def _memory_row(memory: Memory, snapshot: Snapshot, typed: Mapping[str, str], error: str) -> LimitRow:
    return LimitRow(
        id=PROCESSOR,
        element="limit-memory",
        name="Memory of this machine",
        value=typed.get(PROCESSOR, _gib_text(snapshot.settings.hardware.machine_memory_mib or None)),
        total=_gib_text(memory.total >> 20) if memory.total else "",
        error=error if PROCESSOR in typed else None,
        taken_back=False,
        can_be_taken=False,
    )


def _gpu_rows(gpus: list[Gpu], snapshot: Snapshot, typed: Mapping[str, str], error: str) -> tuple[LimitRow, ...]:
    caps = snapshot.settings.hardware.memory_caps
    return tuple(
        LimitRow(
            id=gpu.id,
            element=f"limit-{number}",
            name=gpu.name,
            value=typed.get(gpu.id, _gib_text(caps.get(gpu.id))),
            total=_gib_text(gpu.memory_total >> 20) if gpu.memory_total else "",
            error=error if gpu.id in typed else None,
            taken_back=caps.get(gpu.id) == 0,
            can_be_taken=caps.get(gpu.id) != 0,
        )
        for number, gpu in enumerate(gpus)
    )


def read_gib(text: str, device: str) -> int | None:
    """MiB, or None for no limit; raises NoNumber."""
    least = _LEAST_MEMORY_GIB if device == PROCESSOR else 0
    text = text.strip().replace(",", ".")
    if not text:
        return None
    try:
        amount = float(text)
    except ValueError:
        raise NoNumber(_wanted(least)) from None
    if not least <= amount <= MOST_GIB:
        raise NoNumber(_wanted(least))
    return round(amount * _MIB_PER_GIB)


def _wanted(least: float) -> str:
    return f"Write a number of GiB, {least:g} or more, or nothing for no limit."


def _gib_text(mib: int | None) -> str:
    return "" if mib is None else f"{mib / _MIB_PER_GIB:.2f}".rstrip("0").rstrip(".")
