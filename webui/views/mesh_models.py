"""The models that are served anywhere, and by which boxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from appliance.mesh.types import PeerModel
from appliance.node.serving import ServingEntry
from webui.views.mesh_nodes import NodeView
from webui.views.mesh_parts import PartView, part_view

MOST_PLACES = 12

_BEST_FIRST = ("good", "busy", "warn", "bad")


@dataclass(frozen=True, slots=True)
class PlaceView:
    node: NodeView
    part: PartView


@dataclass(frozen=True, slots=True)
class ModelView:
    id: str
    key: str
    href: str
    name: str
    state: str
    tone: str
    kinds: tuple[str, ...]
    context: int | None
    places: tuple[PlaceView, ...]
    places_left_out: str | None


def model_views(nodes: Iterable[NodeView], serving: Iterable[ServingEntry]) -> tuple[ModelView, ...]:
    """By name. A box that has not said yet what it computes of a split is taken from the plan of its host."""
    by_id = {node.id: node for node in nodes}
    places: dict[str, dict[str, PartView]] = {}
    for node in by_id.values():
        for part in node.models:
            places.setdefault(part.id, {})[node.id] = part
    for entry in serving:
        for node_id, part in _planned(entry):
            if node_id in by_id:
                places.setdefault(entry.model, {}).setdefault(node_id, part)
    found = (_model(parts, by_id) for parts in places.values())
    return tuple(sorted(found, key=lambda model: (model.name.casefold(), model.id)))


def _planned(entry: ServingEntry) -> Iterable[tuple[str, PartView]]:
    for share in entry.nodes:
        yield share.node, part_view(PeerModel(entry.model, entry.state.value, share.share, entry.kind, host=False))


def _model(parts: Mapping[str, PartView], nodes: Mapping[str, NodeView]) -> ModelView:
    places = sorted((PlaceView(nodes[node], part) for node, part in parts.items()), key=lambda p: not p.part.host)
    best = min(places, key=lambda place: (not place.part.host, _BEST_FIRST.index(place.part.tone))).part
    return ModelView(
        id=best.id,
        key=best.key,
        href=best.href,
        name=best.name,
        state=best.state,
        tone=best.tone,
        kinds=tuple(dict.fromkeys(part.kind for part in parts.values())),
        context=next((place.part.context for place in places if place.part.context), None),
        places=tuple(places[:MOST_PLACES]),
        places_left_out=f"and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else None,
    )
