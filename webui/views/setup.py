"""The steps of the first set-up."""

from __future__ import annotations

from dataclasses import dataclass

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
