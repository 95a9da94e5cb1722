"""The cards of the picture: one for each box, with what it has and serves. Positions count from the card's corner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webui.svg.layout import FEW, Place, Size
from webui.svg.text import shorten
from webui.views.mesh_nodes import NodeView
from webui.views.mesh_parts import PartView
from webui.views.words import Meter

KEPT_OF_NAME = 2  # at its end, where names that belong together have their number
MOST_BARE = 8  # bars side by side
BAR_LEFT = 112.0

_MAKERS = frozenset({"nvidia", "geforce", "amd", "radeon", "intel", "corporation"})


@dataclass(frozen=True, slots=True)
class Style:
    """How much a card shows."""

    name: str
    width: float
    gap_x: float
    gap_y: float
    columns: int
    gpus: int  # bars with a name; 0: one row of bars without names
    models: int

    @property
    def room(self) -> float:
        """For a name, in letters."""
        return (self.width - 39) / (8.3 if self.name == "full" else 7.8)


FULL = Style("full", 192, 84, 60, 3, gpus=3, models=3)
COMPACT = Style("compact", 160, 30, 40, 4, gpus=0, models=2)
SMALL = Style("small", 114, 14, 24, 6, gpus=0, models=1)


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    fill: float  # width of the part in use
    title: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class ModelLine:
    y: float
    part: PartView
    name: str
    share: str | None
    share_x: float


@dataclass(frozen=True, slots=True)
class Card:
    node: NodeView
    x: float
    y: float
    name: str
    state: str
    bars: tuple[Bar, ...]
    models: tuple[ModelLine, ...]
    more: str | None
    more_y: float
    title: str
    round: float  # of its corners: a box that computes nothing has an own shape
    inset: float  # what the round shape takes from its content


def style_for(count: int) -> Style:
    return FULL if count <= FEW else COMPACT if count <= 20 else SMALL


def card_height(node: NodeView, style: Style) -> float:
    """Of the card that this box needs; all get the height of the tallest."""
    bars = min(len(node.gpus) or 1, style.gpus + 1) if style.gpus else 1
    models = min(len(node.models), style.models) + (len(node.models) > style.models)
    row = 20 if style.gpus else 14
    return _head(style) + bars * row + max(models, 1) * 18 + 6


def _head(style: Style) -> float:
    return 50 if style.gpus else 42


def draw_card(node: NodeView, place: Place, style: Style, size: Size) -> Card:
    bars = _bars(node, style)
    top = _head(style) + (len(bars) * 20 if style.gpus else 14)
    listed = node.models[: style.models]
    models = tuple(_model_line(part, top + 18 * row, style) for row, part in enumerate(listed))
    return Card(
        node=node,
        x=place.x,
        y=place.y,
        name=_name(node, style),
        state=f"{node.state} · {node.rtt}" if node.rtt and style.gpus else node.state,
        bars=bars,
        models=models,
        more=_more(node, len(listed)),
        more_y=top + 18 * len(listed) + 9,
        title=_title(node),
        round=round(min(size.height, 60) / 2, 1) if node.client else 10,
        inset=8 if node.client else 0,
    )


def _name(node: NodeView, style: Style) -> str:
    """What tells boxes of one name apart is not cut away."""
    mark = len(node.full_name) - len(node.name)
    return shorten(node.full_name, style.room - (1 if node.client else 0), max(mark, KEPT_OF_NAME))


def _more(node: NodeView, listed: int) -> str | None:
    left = len(node.models) - listed
    if left:
        return f"and {left} more"
    if node.client:
        return "only asks"
    return None if node.models or node.gone else "serves no model"


def _title(node: NodeView) -> str:
    models = ", ".join(f"{part.name}, {part.state}, {part.share}" for part in node.models[:8])
    where = "This box" if node.here else node.role
    return ". ".join(filter(None, (f"{node.full_name}: {node.state}", where, models)))


def _bars(node: NodeView, style: Style) -> tuple[Bar, ...]:
    if node.client or node.gone:
        return ()
    meters = node.gpus or ((node.memory,) if node.memory else ())
    return _named_bars(meters, style) if style.gpus else _bare_bars(meters[:MOST_BARE], style)


def _named_bars(meters: Sequence[Meter], style: Style) -> tuple[Bar, ...]:
    shown = meters[: style.gpus]
    width = style.width - BAR_LEFT - 12
    bars = [
        Bar(BAR_LEFT, 50 + 20 * row, width, _fill(meter, width), f"{meter.label}: {meter.text}", _brief(meter.label))
        for row, meter in enumerate(shown)
    ]
    if len(meters) > len(shown):
        rest = meters[len(shown) :]
        title = "; ".join(f"{meter.label}: {meter.text}" for meter in rest[:16])
        used = [meter.percent for meter in rest if meter.percent is not None]
        fill = width * sum(used) / len(used) / 100 if used else 0
        bars.append(Bar(BAR_LEFT, 50 + 20 * len(shown), width, round(fill, 1), title, f"{len(rest)} more"))
    return tuple(bars)


def _bare_bars(meters: Sequence[Meter], style: Style) -> tuple[Bar, ...]:
    """Side by side."""
    room = style.width - 20
    width = round((room - 3 * (len(meters) - 1)) / max(len(meters), 1), 1)
    return tuple(
        Bar(round(10 + number * (width + 3), 1), 42, width, _fill(meter, width), f"{meter.label}: {meter.text}")
        for number, meter in enumerate(meters)
    )


def _brief(gpu: str) -> str:
    """The part of an accelerator's name that tells it from others."""
    words = gpu.split()
    while len(words) > 2 and words[0].casefold().removesuffix("(r)") in _MAKERS:
        words.pop(0)
    return shorten(" ".join(words), 16)


def _fill(meter: Meter, width: float) -> float:
    return round(width * (meter.percent or 0) / 100, 1)


def _model_line(part: PartView, y: float, style: Style) -> ModelLine:
    share = None if part.share == "whole" else part.share
    room = (style.width - (60 if share else 32)) / 6.7
    return ModelLine(y, part, shorten(part.name, room), share, style.width - 10)
