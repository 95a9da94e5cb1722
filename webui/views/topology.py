"""What the topology page shows to everybody: the picture and the tables that say the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.run_loop import Outlook
from webui.svg.picture import MOST_LINES, Picture, draw
from webui.views.mesh_links import LinkView, css_class, link_views
from webui.views.mesh_models import ModelView, model_views
from webui.views.mesh_nodes import NodeView, node_views
from webui.views.mesh_parts import PartView
from webui.views.mesh_words import LANE_WORDS

MOST_ROWS = 250
MOST_IN_CELL = 4


@dataclass(frozen=True, slots=True)
class NodeRow:
    node: NodeView
    models: tuple[PartView, ...]
    more: str | None


@dataclass(frozen=True, slots=True)
class Topology:
    sentence: str
    description: str  # of the picture, for those who do not see it
    nodes: tuple[NodeView, ...]
    links: tuple[LinkView, ...]
    models: tuple[ModelView, ...]
    picture: Picture
    legend: tuple[tuple[str, str], ...]  # classes of lines that are there, and what they mean
    notes: tuple[str, ...]  # below the picture
    node_rows: tuple[NodeRow, ...]
    nodes_left_out: str | None
    link_rows: tuple[LinkView, ...]
    links_left_out: str | None


def topology(outlook: Outlook) -> Topology:
    nodes = node_views(outlook)
    links = link_views({node.id: node for node in nodes}, outlook.snapshot.links, nodes[0].id)
    picture = draw(nodes, links)
    return Topology(
        sentence=_sentence(nodes),
        description=_description(nodes, links),
        nodes=nodes,
        links=links,
        models=model_views(nodes, outlook.decision.serving),
        picture=picture,
        legend=_legend(links),
        notes=tuple(_notes(picture, len(nodes), len(links))),
        node_rows=tuple(_row(node) for node in nodes[:MOST_ROWS]),
        nodes_left_out=_left_out(len(nodes)),
        link_rows=links[:MOST_ROWS],
        links_left_out=_left_out(len(links)),
    )


def _sentence(nodes: tuple[NodeView, ...]) -> str:
    if len(nodes) == 1:
        return "This is the only box so far."
    present = sum(node.tone != "gone" for node in nodes)
    silent = sum(node.tone in ("warn", "bad") for node in nodes[1:])
    if present == 1:
        return "All other boxes have left."
    if not silent:
        return f"{present} boxes work together."
    return f"{present} boxes; {silent} of them do not answer." if silent > 1 else f"{present} boxes; 1 does not answer."


def _description(nodes: tuple[NodeView, ...], links: tuple[LinkView, ...]) -> str:
    if len(nodes) == 1:
        return "One box, with what it has and serves. The tables below say the same."
    return (
        f"{len(nodes)} boxes with what they have and serve, this box in the middle; {len(links)} links between them. "
        "The tables below say the same."
    )


def _legend(links: tuple[LinkView, ...]) -> tuple[tuple[str, str], ...]:
    present = {link.css for link in links}
    return tuple((css_class(lane), words) for lane, words in LANE_WORDS.items() if css_class(lane) in present)


def _notes(picture: Picture, nodes: int, links: int) -> Iterator[str]:
    if links > MOST_LINES:
        yield "The lines are the links of this box. Choose a box to see its own."
    if picture.left_out:
        yield f"The picture shows {nodes - picture.left_out} of {nodes:,} boxes."


def _row(node: NodeView) -> NodeRow:
    left = len(node.models) - MOST_IN_CELL
    return NodeRow(node, node.models[:MOST_IN_CELL], f"and {left} more" if left > 0 else None)


def _left_out(count: int) -> str | None:
    return f"The table shows the first {MOST_ROWS} of {count:,}." if count > MOST_ROWS else None
