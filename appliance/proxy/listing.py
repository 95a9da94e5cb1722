"""The model list as clients read it: OpenAI's fields, Anthropic's beside them, and ours under `meshbox`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from appliance.node.snapshot import NodeFacts
from appliance.routing.table import AUTO, Route, RouteState, RoutingTable, Target


def model_list(table: RoutingTable, node: NodeFacts) -> dict[str, Any]:
    """Every model that answers or is about to, by name; `auto` last. One that failed is found only by its name."""
    usable = [route for route in table.routes.values() if route.state is not RouteState.FAILED]
    entries = [model_entry(route, node) for route in sorted(usable, key=lambda route: route.model)]
    if usable and (chosen := table.shown(AUTO)) is not None and chosen.state is not RouteState.FAILED:
        entries.append(model_entry(chosen, node, name=AUTO))
    ids = [entry["id"] for entry in entries]
    ends = {"first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None, "has_more": False}
    return {"object": "list", "data": entries, **ends}


def model_entry(route: Route, node: NodeFacts, name: str | None = None) -> dict[str, Any]:
    shown = name or route.model
    started = int(node.started_at)
    return {
        "id": shown,
        "object": "model",
        "created": started,
        "owned_by": "meshbox",
        "type": "model",
        "display_name": shown,
        "created_at": datetime.fromtimestamp(started, UTC).isoformat().replace("+00:00", "Z"),
        "status": route.state.value,
        **_context(route.context),
        "meshbox": _details(route, node),
    }


def _context(context: int | None) -> Mapping[str, Any]:
    """One number under the names that different clients look for."""
    if context is None:
        return {}
    return {"context_length": context, "max_model_len": context, "meta": {"n_ctx": context}}


def _details(route: Route, node: NodeFacts) -> dict[str, Any]:
    nodes = _nodes(route, node)
    return {
        "status": route.state.value,
        "context_length": route.context,
        "modalities": list(route.modalities),
        "abilities": sorted(route.abilities),
        "skills": sorted(route.skills),
        "kind": route.kind,
        "served_by": [one["id"] for one in nodes],
        "nodes": nodes,
        "progress": route.progress,
        "reason": route.reason,
    }


def _nodes(route: Route, node: NodeFacts) -> list[dict[str, Any]]:
    """The boxes that serve it, the one that would be asked first in front; this one has no name here."""
    places = route.targets or (Target(route, route.state),)
    return [
        {
            "id": place.node or node.id,
            "name": place.name or None,
            "status": place.state.value,
            "context_length": place.route.context,
        }
        for place in places
    ]
