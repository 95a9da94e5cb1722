"""Where the boxes of the picture stand: this box in the middle, a few around it, many in rows."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

MARGIN = 12.0
ALONE_MARGIN = 96.0
FEW = 8  # so many stand around this box

# In steps of a card and its gap, clockwise from the upper left; any two are a whole step apart in one direction.
_AROUND: dict[int, tuple[tuple[float, float], ...]] = {
    1: ((1, 0),),
    2: ((-1, 0), (1, 0)),
    3: ((0, -1), (0.6, 1), (-0.6, 1)),
    4: ((-0.75, -1), (0.75, -1), (0.75, 1), (-0.75, 1)),
    5: ((-0.6, -1), (0.6, -1), (1, 0), (0, 1), (-1, 0)),
    6: ((-0.6, -1), (0.6, -1), (1, 0), (0.6, 1), (-0.6, 1), (-1, 0)),
    7: ((-0.6, -1), (0.6, -1), (1.05, 0), (1.05, 1), (0, 1), (-1.05, 1), (-1.05, 0)),
}


@dataclass(frozen=True, slots=True)
class Size:
    """Of one card, with the room that links need beside it."""

    width: float
    height: float
    gap_x: float
    gap_y: float


@dataclass(frozen=True, slots=True)
class Place:
    """The upper left corner of a card."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Layout:
    width: float
    height: float
    places: tuple[Place, ...]  # the first is this box


def lay_out(count: int, card: Size, columns: int) -> Layout:
    """Places for `count` cards of one size."""
    if count <= 1:
        return _framed([(0.0, 0.0)], card, ALONE_MARGIN)
    if count <= FEW:
        return _framed([(0.0, 0.0), *_around(count - 1, card)], card, MARGIN)
    return _framed(_rows(count, card, columns), card, MARGIN)


def _around(peers: int, card: Size) -> list[tuple[float, float]]:
    step_x, step_y = card.width + card.gap_x, card.height + card.gap_y
    return [(x * step_x, y * step_y) for x, y in _AROUND[peers]]


def _rows(count: int, card: Size, columns: int) -> list[tuple[float, float]]:
    """Row after row, the last one in the middle; this box takes the cell nearest to the centre."""
    rows = ceil(count / columns)
    cells = [_cell(index, count, columns, card) for index in range(count)]
    centre = min((rows - 1) // 2 * columns + columns // 2, count - 1)
    return [cells.pop(centre), *cells]


def _cell(index: int, count: int, columns: int, card: Size) -> tuple[float, float]:
    row, column = divmod(index, columns)
    in_row = min(columns, count - row * columns)
    indent = (columns - in_row) / 2
    return (column + indent) * (card.width + card.gap_x), row * (card.height + card.gap_y)


def _framed(corners: list[tuple[float, float]], card: Size, margin: float) -> Layout:
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    places = tuple(Place(round(x - left + margin, 1), round(y - top + margin, 1)) for x, y in corners)
    width = max(place.x for place in places) + card.width + margin
    height = max(place.y for place in places) + card.height + margin
    return Layout(round(width, 1), round(height, 1), places)
