"""The steps of the first set-up."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.hardware.types import Inventory
from appliance.models.suggestions import suggested
from webui.views.words import size_text

_STEPS = (
    ("claim", "Password"),
    ("box", "Name"),
    ("hardware", "Hardware"),
    ("model", "Model"),
    ("done", "Done"),
)


@dataclass(frozen=True, slots=True)
class Step:
    label: str
    path: str | None  # a step that one may go back to
    current: bool


def steps(current: str) -> tuple[Step, ...]:
    names = [name for name, _ in _STEPS]
    here = names.index(current)
    return tuple(
        Step(label, f"/setup/{name}" if 0 < number < here else None, number == here)
        for number, (name, label) in enumerate(_STEPS)
    )


@dataclass(frozen=True, slots=True)
class FirstModel:
    ref: str
    title: str
    about: str
    size: str


def first_models(inventory: Inventory | None) -> tuple[FirstModel, ...]:
    """A few that this box has the memory for; that of the largest accelerator when there is one."""
    return tuple(FirstModel(s.ref, s.title, s.about, size_text(s.size)) for s in suggested(_room(inventory)))


def _room(inventory: Inventory | None) -> int:
    if inventory is None:
        return 0
    own = [gpu.memory_total or 0 for gpu in inventory.gpus if not gpu.unified_memory]
    return max(own, default=0) or inventory.memory.available
