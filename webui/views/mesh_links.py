"""The links between boxes, each pair once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from appliance.mesh.types import Lane, Link
from webui.views.mesh_nodes import NodeView
from webui.views.mesh_words import LANE_WORDS, loss_text, rate_text, rtt_text


@dataclass(frozen=True, slots=True)
class LinkView:
    one: NodeView
    other: NodeView
    lane: str
    css: str  # class of its line
    rtt: str | None
    rate: str | None
    loss: str | None

    @property
    def own(self) -> bool:
        return self.one.here

    def end(self, node: NodeView) -> NodeView:
        """The other end, seen from `node`."""
        return self.other if self.one.id == node.id else self.one

    def touches(self, node: NodeView) -> bool:
        return node.id in (self.one.id, self.other.id)


def link_views(nodes: Mapping[str, NodeView], links: Iterable[Link], own: str) -> tuple[LinkView, ...]:
    """Those of this box first. What both ends report is taken from this box, or else from the first that said it."""
    pairs: dict[frozenset[str], Link] = {}
    for link in links:
        pair = frozenset((link.source, link.target))
        known = len(pair) == 2 and link.source in nodes and link.target in nodes
        if known and (pair not in pairs or link.source == own):
            pairs[pair] = link
    views = (_view(link, nodes, own) for link in pairs.values())
    return tuple(sorted(views, key=lambda view: not view.own))


def css_class(lane: Lane | None) -> str:
    return lane.value if lane else "none"


def _view(link: Link, nodes: Mapping[str, NodeView], own: str) -> LinkView:
    one, other = nodes[link.source], nodes[link.target]
    if other.id == own:
        one, other = other, one
    relay = nodes.get(link.via) if link.via is not None else None
    return LinkView(
        one,
        other,
        lane=f"through {relay.full_name}" if relay else LANE_WORDS[link.lane],
        css=css_class(link.lane),
        rtt=rtt_text(link.rtt_ms),
        rate=rate_text(link.mb_s),
        loss=loss_text(link.loss),
    )
