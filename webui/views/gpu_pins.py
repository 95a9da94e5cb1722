"""The part of a model's form that holds it to certain GPUs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.hardware.types import Gpu
from appliance.node.snapshot import Snapshot
from appliance.placement.pinning import meant
from appliance.settings.schema import ModelSettings

FIELD = "gpu:"  # begins the names of the boxes to tick


@dataclass(frozen=True, slots=True)
class PinChoice:
    field: str
    element: str
    id: str
    name: str
    chosen: bool
    blocked: bool  # it cannot be chosen now
    note: str | None


def pin_choices(own: ModelSettings, snapshot: Snapshot, typed: Mapping[str, str] | None = None) -> list[PinChoice]:
    """The GPUs that are here, and those that are chosen and gone. `typed` is what could not be saved."""
    gpus = snapshot.inventory.gpus if snapshot.inventory else ()
    chosen = own.gpus if typed is None else pinned(typed)
    here = {gpu.id for gpu in meant(chosen, snapshot.inventory)} if snapshot.inventory else set()
    known = {gpu.id for gpu in gpus} | {f"uuid:{gpu.uuid}" for gpu in gpus if gpu.uuid}
    rows = [(gpu.id, gpu.name, gpu.id in here, not gpu.pinnable, _note(gpu)) for gpu in gpus]
    rows += [(wanted, "A GPU that is not here", True, False, None) for wanted in chosen if wanted not in known]
    return [
        PinChoice(FIELD + gpu_id, f"pin-{number}", gpu_id, name, ticked, blocked and not ticked, note)
        for number, (gpu_id, name, ticked, blocked, note) in enumerate(rows)
    ]


def pinned(typed: Mapping[str, str]) -> list[str]:
    return [name.removeprefix(FIELD) for name in typed if name.startswith(FIELD)]


def _note(gpu: Gpu) -> str | None:
    return None if gpu.pinnable else gpu.reason
