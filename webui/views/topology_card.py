"""The card beside the picture: one box or one model, as each viewer chose it."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.mesh.plain import plain
from appliance.run_loop import Outlook
from webui.svg.picture import Lines, lines_of
from webui.views.connect import connection
from webui.views.mesh_links import LinkView
from webui.views.mesh_models import ModelView
from webui.views.mesh_nodes import NodeView
from webui.views.mesh_words import address_key
from webui.views.topology import Topology
from webui.views.words import Meter

MOST_LINKS = 12
NO_LINES = Lines((), ())

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a viewer looks at, as it stands in the address, and the host under which he reaches this box."""

    node: str | None = None
    model: str | None = None
    host: str = "localhost"

    @property
    def made(self) -> bool:
        return self.node is not None or self.model is not None


@dataclass(frozen=True, slots=True)
class NodeLink:
    other: NodeView
    lane: str
    numbers: str


@dataclass(frozen=True, slots=True)
class NodeCard:
    node: NodeView
    shown_id: str
    facts: Facts
    meters: tuple[Meter, ...]
    links: tuple[NodeLink, ...]
    links_left_out: str | None


@dataclass(frozen=True, slots=True)
class ModelCard:
    model: ModelView
    facts: Facts
    address: str | None  # where programs ask for it on this box


@dataclass(frozen=True, slots=True)
class SideCard:
    """One of the two; neither when what was chosen is not there any more."""

    node: NodeCard | None = None
    model: ModelCard | None = None
    key: str | None = None  # of what is marked in picture and tables
    lines: Lines = NO_LINES


def side_card(topology: Topology, outlook: Outlook, selection: Selection) -> SideCard:
    if selection.node is not None:
        node = next((n for n in topology.nodes if address_key(n.id) == selection.node), None)
        return _chosen_node(topology, node) if node else SideCard()
    if selection.model is not None:
        model = next((m for m in topology.models if address_key(m.id) == selection.model), None)
        return SideCard(model=_model_card(model, outlook, selection.host), key=model.key) if model else SideCard()
    return SideCard(node=_node_card(topology.nodes[0], topology.links))


def _chosen_node(topology: Topology, node: NodeView) -> SideCard:
    lines = lines_of(topology.picture, node, topology.links)
    return SideCard(node=_node_card(node, topology.links), key=node.key, lines=lines)


def _node_card(node: NodeView, links: tuple[LinkView, ...]) -> NodeCard:
    facts = (
        ("Round trip", node.rtt),
        ("Version", node.version),
        ("Build", node.flavor),
        ("Started", node.started),
        ("Last heard of", node.seen if node.tone in ("warn", "bad", "gone") else None),
    )
    own = [NodeLink(link.end(node), link.lane, _numbers(link)) for link in links if link.touches(node)]
    return NodeCard(
        node=node,
        shown_id=plain(node.id) or "(none)",
        facts=tuple((label, value) for label, value in facts if value),
        meters=(*node.gpus, *((node.memory,) if node.memory else ())),
        links=tuple(own[:MOST_LINKS]),
        links_left_out=_left_out(len(own) - MOST_LINKS),
    )


def _numbers(link: LinkView) -> str:
    loss = None if link.loss in (None, "none") else f"{link.loss} lost"
    return ", ".join(filter(None, (link.rtt, link.rate, loss)))


def _left_out(count: int) -> str | None:
    return f"and {count} more" if count > 0 else None


def _model_card(model: ModelView, outlook: Outlook, host: str) -> ModelCard:
    routed = model.id in outlook.decision.routes.routes
    address = connection(host, outlook.snapshot.node.api_port, model.name).base_url if routed else None
    context = f"{model.context:,} tokens" if model.context else None
    facts = (("How", ", ".join(filter(None, model.kinds))), ("Context", context))
    return ModelCard(model, tuple((label, value) for label, value in facts if value), address)
