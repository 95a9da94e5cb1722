"""The form that limits how much of a GPU models may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.node.snapshot import Snapshot

_MIB_PER_GIB = 1024
MOST_GIB = (1 << 24) // _MIB_PER_GIB


class NoNumber(ValueError):
    """What was typed is no amount of memory."""


@dataclass(frozen=True, slots=True)
class LimitRow:
    id: str
    element: str
    name: str
    value: str
    total: str
    error: str | None
    taken_back: bool


def limit_rows(snapshot: Snapshot, typed: Mapping[str, str], error: str) -> tuple[LimitRow, ...]:
    """`typed` is what could not be saved: the id of a GPU and what was written; `error` says what is wrong with it."""
    caps = snapshot.settings.hardware.memory_caps
    gpus = [gpu for gpu in (snapshot.inventory.gpus if snapshot.inventory else ()) if gpu.pinnable]
    return tuple(
        LimitRow(
            id=gpu.id,
            element=f"limit-{number}",
            name=gpu.name,
            value=typed.get(gpu.id, _gib_text(caps.get(gpu.id))),
            total=_gib_text(gpu.memory_total >> 20) if gpu.memory_total else "",
            error=error if gpu.id in typed else None,
            taken_back=caps.get(gpu.id) == 0,
        )
        for number, gpu in enumerate(gpus)
    )


def read_gib(text: str) -> int | None:
    """MiB, or None for no limit; raises NoNumber."""
    text = text.strip().replace(",", ".")
    if not text:
        return None
    try:
        amount = float(text)
    except ValueError:
        raise NoNumber from None
    if not 0 <= amount <= MOST_GIB:
        raise NoNumber
    return round(amount * _MIB_PER_GIB)


def _gib_text(mib: int | None) -> str:
    return "" if mib is None else f"{mib / _MIB_PER_GIB:.2f}".rstrip("0").rstrip(".")
