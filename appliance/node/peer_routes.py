"""Where else requests can go: what other boxes serve, put beside what this one does.

What a box says of itself is a claim. None of them takes a name over that means something here, none can make the table
endless, and a number that makes no sense counts as not told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from appliance.mesh.plain import plain
from appliance.mesh.types import Peer, PeerModel, PeerState, Role
from appliance.models.types import Ability, Capability
from appliance.routing.places import merged
from appliance.routing.table import AUTO, REMOTE, Route, RouteState, RoutingTable, Target, on_node

MOST_MODELS = 64  # of one box
MOST_SLOTS = 1024
MOST_COUNT = 10**15
LONGEST_NAME = 200

_STATES = {
    "ready": RouteState.READY,
    "sleeping": RouteState.SLEEPING,
    "loading": RouteState.LOADING,
    "probing": RouteState.LOADING,
    "recovering": RouteState.LOADING,
}
_ASKABLE = (RouteState.READY, RouteState.SLEEPING)  # it wakes its model by itself
_THERE = (PeerState.ALIVE, PeerState.SUSPECT)
_USUAL = frozenset({Ability.CHAT, Ability.COMPLETION})
_SENSES = frozenset({"image", "audio"})
_NODE = re.compile(r"[A-Za-z0-9_-]{1,64}")

W = TypeVar("W", bound=StrEnum)


def with_peers(own: RoutingTable, peers: Iterable[Peer], node: str) -> RoutingTable:
    """The table with what other boxes serve; `node` is this one."""
    places: dict[str, list[Target]] = {}
    for peer in peers:
        if peer.id != node and _NODE.fullmatch(peer.id) and peer.state in _THERE and peer.role is Role.NODE:
            for target in _targets(peer):
                places.setdefault(target.route.model, []).append(target)
    for name in own.aliases:
        places.pop(name, None)
    if not places:
        return own
    routes = dict(own.routes) | {model: _route(own.routes.get(model), there) for model, there in places.items()}
    return replace(own, routes=_sorted(routes))


def _route(here: Route | None, there: list[Target]) -> Route:
    return merged(there if here is None else [Target(here, here.state, slots=here.slots), *there])


def _sorted(routes: Mapping[str, Route]) -> Mapping[str, Route]:
    return MappingProxyType(dict(sorted(routes.items())))


def _targets(peer: Peer) -> Iterator[Target]:
    """One for each model, as it was told first."""
    known: set[str] = set()
    for model in peer.models[:MOST_MODELS]:
        state = _STATES.get(model.state)
        if state is None or not model.host or model.id in known or not _is_name(model.id):
            continue
        known.add(model.id)
        yield Target(
            _asked_there(model, state, peer.id),
            state,
            node=peer.id,
            name=plain(peer.name),
            suspect=peer.state is PeerState.SUSPECT,
            slots=_count(model.slots, MOST_SLOTS) or None,
            busy=_count(model.busy, MOST_COUNT) or 0,
            rtt_ms=_milliseconds(peer.rtt_ms),
        )


def _is_name(model_id: str) -> bool:
    return 0 < len(model_id) <= LONGEST_NAME and model_id != AUTO and plain(model_id) == model_id


def _asked_there(model: PeerModel, state: RouteState, node: str) -> Route:
    """What waits there is waited for there: for who asks it is as good as ready."""
    askable = state in _ASKABLE
    return Route(
        model.id,
        RouteState.READY if askable else state,
        abilities=_known(model.abilities, Ability) or _USUAL,
        kind=REMOTE,
        modalities=("text", *sorted(_SENSES & set(model.modalities))),
        endpoint=on_node(node) if askable else None,
        context=_count(model.context, MOST_COUNT) or None,
        skills=_known(model.skills, Capability),
        parameters=_count(model.parameters, MOST_COUNT) or None,
    )


def _known(words: Iterable[str], kind: type[W]) -> frozenset[W]:
    told = set(words)
    return frozenset(one for one in kind if one.value in told)


def _count(number: int | None, most: int) -> int | None:
    """None for what makes no sense."""
    return number if number is not None and 0 <= number <= most else None


def _milliseconds(measured: float | None) -> float:
    return measured if measured is not None and math.isfinite(measured) and measured >= 0 else math.inf
