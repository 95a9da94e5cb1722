"""What a chart shows."""

from __future__ import annotations

from dataclasses import dataclass

from webui.charts.scale import Unit


@dataclass(frozen=True, slots=True)
class Line:
    """One figure over time; None where it is not known. `style` is a class of the stylesheet.

    The legend says the latest value, or what is `said`.
    """

    label: str
    style: str
    values: tuple[float | None, ...]
    said: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    id: str
    title: str
    about: str
    unit: Unit
    start: int  # seconds since 1970
    step: int
    lines: tuple[Line, ...]
    known: tuple[bool, ...]  # whether the box recorded anything in a step
    stacked: bool = False
    top: float | None = None  # where the axis ends, when that does not follow from the values

    @property
    def end(self) -> int:
        return self.start + self.step * len(self.known)
