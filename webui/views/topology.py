"""What the topology page shows to everybody: the picture and the tables that say the same."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.run_loop import Outlook
from webui.svg.picture import Picture, draw
from webui.views.mesh_links import LinkView, link_views
from webui.views.mesh_models import ModelView, model_views
from webui.views.mesh_nodes import NodeView, node_views

MOST_ROWS = 250


@dataclass(frozen=True, slots=True)
class Topology:
    sentence: str
    description: str  # of the picture, for those who do not see it
    nodes: tuple[NodeView, ...]
    links: tuple[LinkView, ...]
    models: tuple[ModelView, ...]
    picture: Picture
    node_rows: tuple[NodeView, ...]
    nodes_left_out: str | None
    link_rows: tuple[LinkView, ...]
    links_left_out: str | None


def topology(outlook: Outlook) -> Topology:
    nodes = node_views(outlook)
    links = link_views({node.id: node for node in nodes}, outlook.snapshot.links, nodes[0].id)
    return Topology(
        sentence=_sentence(nodes),
        description=_description(nodes, links),
        nodes=nodes,
        links=links,
        models=model_views(nodes, outlook.decision.serving),
        picture=draw(nodes, links),
        node_rows=nodes[:MOST_ROWS],
        nodes_left_out=_left_out(len(nodes)),
        link_rows=links[:MOST_ROWS],
        links_left_out=_left_out(len(links)),
    )


def _sentence(nodes: tuple[NodeView, ...]) -> str:
    if len(nodes) == 1:
        return "This is the only box so far."
    silent = sum(node.tone in ("warn", "bad") for node in nodes[1:])
    if not silent:
        return f"{len(nodes)} boxes work together."
    return f"{len(nodes)} boxes; 1 of them does not answer." if silent == 1 else _many_silent(len(nodes), silent)


def _many_silent(count: int, silent: int) -> str:
    return f"{count} boxes; {silent} of them do not answer."


def _description(nodes: tuple[NodeView, ...], links: tuple[LinkView, ...]) -> str:
    if len(nodes) == 1:
        return "One box, with what it has and serves. The tables below say the same."
    return (
        f"{len(nodes)} boxes with what they have and serve, this box in the middle; {len(links)} links between them. "
        "The tables below say the same."
    )


def _left_out(count: int) -> str | None:
    return f"The table shows the first {MOST_ROWS} of {count:,}." if count > MOST_ROWS else None
