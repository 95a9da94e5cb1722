"""Where requests can go: the routing table, from what is served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from appliance.models.types import Ability, Capability, Level, Model
from appliance.node.serving import ServingEntry, ServingState
from appliance.node.snapshot import Child, ChildState, Snapshot
from appliance.node.wish import wished
from appliance.routing.table import Route, RouteState, RoutingTable

_SENSES = {Capability.VISION: "image", Capability.AUDIO: "audio"}


def routing_table(entries: tuple[ServingEntry, ...], snapshot: Snapshot) -> RoutingTable:
    served = {entry.model: _route(entry, snapshot) for entry in entries}
    routes = {route.model: route for route in _on_demand(snapshot)} | served
    return RoutingTable(MappingProxyType(dict(sorted(routes.items()))), _aliases(routes, snapshot))


def _on_demand(snapshot: Snapshot) -> Iterator[Route]:
    """Models that only lie on the disk: a request loads them."""
    if snapshot.library is None or not snapshot.settings.serving.on_demand:
        return
    for model in snapshot.library.models:
        route = Route(model.id, RouteState.AVAILABLE, model.abilities, modalities=_modalities(model))
        yield replace(route, reach=_reach(model, snapshot))


def _skills(model: Model | None) -> frozenset[Capability]:
    claims = model.profile.claims if model is not None and model.profile is not None else ()
    return frozenset(claim.capability for claim in claims if claim.level is Level.SURE)


def _modalities(model: Model | None) -> tuple[str, ...]:
    """What it takes beside text, as far as that is sure."""
    profile = model.profile if model is not None and model.projector else None
    sure = [sense for sense in _SENSES if profile is not None and profile.level(sense) is Level.SURE]
    return ("text", *(_SENSES[sense] for sense in sure))


def _reach(model: Model | None, snapshot: Snapshot) -> int | None:
    """As its file has it and its owner wants it; memory may leave less."""
    if model is None:
        return None
    wanted = wished(model.id, snapshot.settings.serving).context
    return min(wanted or model.context_length, model.context_length)


def _aliases(routes: Mapping[str, Route], snapshot: Snapshot) -> Mapping[str, str]:
    """Further names of what is served. A model's own name is never another's alias."""
    per_model = snapshot.settings.serving.per_model
    own = [(alias, model) for model in routes if model in per_model for alias in per_model[model].aliases]
    library = snapshot.library.models if snapshot.library else ()
    also = [(name, model.id) for model in library if model.id in routes for name in model.also]
    return MappingProxyType({alias: model for alias, model in reversed([*own, *also]) if alias not in routes})


def _route(entry: ServingEntry, snapshot: Snapshot) -> Route:
    model = snapshot.library.find(entry.model) if snapshot.library else None
    child = entry.child
    abilities: frozenset[Ability] = child.spec.abilities if child else model.abilities if model else frozenset()
    senses = _modalities(model) if entry.spec is None or entry.spec.projector else ("text",)
    route = Route(entry.model, RouteState.LOADING, abilities, modalities=senses, progress=entry.progress)
    route = replace(route, awaited=entry.model in snapshot.called, skills=_skills(model))
    route = replace(route, parameters=model.parameters if model is not None else None, started=_started(child))
    route = replace(route, reach=_reach(model, snapshot))
    if entry.state is ServingState.READY and child is not None:
        return replace(
            route, state=RouteState.READY, endpoint=child.endpoint, context=child.context, slots=child.spec.slots
        )
    if entry.state is ServingState.SLEEPING:
        return replace(route, state=RouteState.SLEEPING)
    if entry.state is ServingState.FAILED and entry.failure is not None:
        return replace(route, state=RouteState.FAILED, reason=entry.failure.detail)
    return route


def _started(child: Child | None) -> float | None:
    if child is None:
        return None
    return child.since if child.state is ChildState.STARTING else child.retry_at
