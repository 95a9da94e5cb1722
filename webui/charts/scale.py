"""Round numbers for an axis, and figures in words."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

PARTS = 4  # an axis has about so many
NOT_KNOWN = "not known"
ABSURD = 1e300  # what is more, or no number, is not known
TINY = 1e-9  # what is less is nothing
ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Unit:
    """How a figure is written: in the largest of `sizes` that it reaches, else in the last."""

    sizes: tuple[tuple[float, str], ...]
    least: float = 1.0  # where an axis ends at least
    whole: bool = False  # there are no parts of one

    def text(self, value: float | None) -> str:
        if value is None:
            return NOT_KNOWN
        size, name = self._size(value)
        return f"{number(value / size)} {name}" if name else number(value / size)

    def _size(self, value: float) -> tuple[float, str]:
        for size in self.sizes:
            if abs(value) >= size[0]:
                return size
        return self.sizes[-1]

    def axis(self, highest: float, top: float | None = None) -> Axis:
        """From zero to at least the highest value, or to exactly `top`."""
        reach = max(highest, self.least) if top is None else max(top, TINY)
        size, name = self._size(reach)
        step = _round_step(reach / size, whole=self.whole and size == 1)
        count = math.floor(reach / size / step + 1e-6) if top is not None else math.ceil(reach / size / step - 1e-6)
        ticks = tuple((i * step * size, f"{number(i * step)} {name}".rstrip()) for i in range(count + 1))
        return Axis(reach if top is not None else ticks[-1][0], ticks)


@dataclass(frozen=True, slots=True)
class Axis:
    top: float
    ticks: tuple[tuple[float, str], ...]

    def share(self, value: float) -> float:
        """How far up the value lies, from 0 to 1."""
        return min(max(value / self.top, 0.0), 1.0)


COUNT = Unit(sizes=((1e12, "T"), (1e9, "G"), (1e6, "M"), (1, "")), whole=True, least=4)
RATE = Unit(sizes=((1e12, "T"), (1e9, "G"), (1e6, "M"), (1, "")))
SHARE = Unit(sizes=((0.01, "%"),))
SECONDS = Unit(sizes=((1, "s"), (0.001, "ms")), least=0.1)
BYTES = Unit(sizes=((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")), least=1 << 20)
WATTS = Unit(sizes=((1000, "kW"), (1, "W")), least=10)
WATT_HOURS = Unit(sizes=((1000, "kWh"), (1, "Wh")))
CELSIUS = Unit(sizes=((1, "°C"),), least=60)


def number(value: float) -> str:
    """Three digits that matter, and thousands apart."""
    size = abs(value)
    if size < TINY:
        return "0"
    if size >= 1e15:
        return f"{value:.2e}"
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if size >= 0.01 else f"{value:.2g}"


def finite(values: Iterable[float | None]) -> tuple[float | None, ...]:
    """What cannot be drawn is not known."""
    return tuple([value if value is not None and abs(value) < ABSURD else None for value in values])


def _round_step(reach: float, *, whole: bool) -> float:
    rough = reach / PARTS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * part for part in ROUND if size * part >= rough * (1 - 1e-9))
    return max(1.0, math.ceil(step)) if whole else step
