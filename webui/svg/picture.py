"""The picture of the mesh: every box a card, every link a line. The more boxes, the smaller and plainer the cards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from webui.svg.cards import Card, card_height, draw_card, style_for
from webui.svg.layout import FEW, Place, Size, lay_out
from webui.svg.lines import Line, line_between
from webui.views.mesh_links import LinkView
from webui.views.mesh_nodes import NodeView

MOST_DRAWN = 120  # boxes; beyond that a picture shows nothing that a table does not show better
MOST_LINES = 28  # every link among eight boxes; with more of them only those of one box
MOST_LABELS = 8


@dataclass(frozen=True, slots=True)
class Label:
    x: float
    y: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    links: tuple[tuple[LinkView, Line], ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    style: str
    width: float
    height: float
    card_width: float
    card_height: float
    alone: bool
    cards: tuple[Card, ...]
    lines: Lines
    places: Mapping[str, Place]
    size: Size
    left_out: int


def draw(nodes: Sequence[NodeView], links: Sequence[LinkView]) -> Picture:
    shown = nodes[:MOST_DRAWN]
    style = style_for(len(shown))
    size = Size(style.width, max(card_height(node, style) for node in shown), style.gap_x, style.gap_y)
    layout = lay_out(len(shown), size, style.columns)
    places = {node.id: place for node, place in zip(shown, layout.places, strict=True)}
    return Picture(
        style=style.name,
        width=layout.width,
        height=layout.height,
        card_width=size.width,
        card_height=size.height,
        alone=len(nodes) == 1,
        cards=tuple(draw_card(node, places[node.id], style, size) for node in shown),
        lines=_lines(_drawn(links), places, size, lambda link: link.own and len(shown) <= FEW),
        places=places,
        size=size,
        left_out=len(nodes) - len(shown),
    )


def lines_of(picture: Picture, node: NodeView, links: Iterable[LinkView]) -> Lines:
    """The links of one box, to be painted over the others when it is chosen."""
    own = [link for link in links if link.touches(node)]
    return _lines(own, picture.places, picture.size, lambda _: len(own) <= MOST_LABELS)


def _drawn(links: Sequence[LinkView]) -> Sequence[LinkView]:
    return links if len(links) <= MOST_LINES else [link for link in links if link.own]


def _lines(
    links: Iterable[LinkView], places: Mapping[str, Place], size: Size, labelled: Callable[[LinkView], bool]
) -> Lines:
    found = tuple(
        (link, line_between(places[link.one.id], places[link.other.id], size))
        for link in links
        if link.one.id in places and link.other.id in places
    )
    labels = (Label(*line.middle, tuple(filter(None, (link.rtt, link.rate)))) for link, line in found if labelled(link))
    seen = (label for label in labels if label.words and not _covered(label, places.values(), size))
    return Lines(found, tuple(seen))


def _covered(label: Label, places: Iterable[Place], size: Size) -> bool:
    """By a card that stands between the two."""
    return any(
        place.x <= label.x <= place.x + size.width and place.y <= label.y <= place.y + size.height for place in places
    )
