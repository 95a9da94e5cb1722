"""Links as lines from card to card, and where their labels stand."""

from __future__ import annotations

from dataclasses import dataclass

from webui.svg.layout import Place, Size


@dataclass(frozen=True, slots=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def middle(self) -> tuple[float, float]:
        """All cards have one size, so this is also the middle of what is seen between the two."""
        return round((self.x1 + self.x2) / 2, 1), round((self.y1 + self.y2) / 2, 1)


def line_between(one: Place, other: Place, card: Size) -> Line:
    """From centre to centre; the cards are painted over its ends."""
    right, down = card.width / 2, card.height / 2
    return Line(*(round(x, 1) for x in (one.x + right, one.y + down, other.x + right, other.y + down)))
