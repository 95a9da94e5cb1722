"""Which model this box should start by itself: one that is wanted and that nobody serves, or one that is far hotter
than another. All boxes see the same and decide the same, so that one of them moves and not all; the next in order moves
only when the first did not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from appliance.mesh.membership.demand import Demand
from appliance.mesh.membership.facts import Facts
from appliance.mesh.membership.table import Member
from appliance.mesh.types import PeerState

SETTLE = 1.5  # seconds that a model has to be unserved, so that all know it
TURN = 4.0  # then the next one in order; later in a large mesh, where news take longer
HOT = 3  # times as many requests for each server as the coldest model has
BUSY = 10  # requests for each server
STEADY = 30.0  # seconds that a model has to be that hot
REST = 120.0  # seconds between two moves of one box after heat
LISTED_ONLY = "available"
COMING = frozenset({"planned", "fetching", "loading", "probing", "recovering"})
SERVING = frozenset({"ready", "sleeping"})


class Reason(StrEnum):
    UNSERVED = "unserved"
    HOT = "hot"


@dataclass(frozen=True, slots=True)
class NodeView:
    """What matters of one box that is there."""

    node: str
    serves: Mapping[str, str] = field(default_factory=dict)  # model -> state
    fits: frozenset[str] = frozenset()  # on its disk, and with room beside what it serves


@dataclass(frozen=True, slots=True)
class View:
    nodes: tuple[NodeView, ...]  # this box among them
    demand: Mapping[str, Demand]


@dataclass(frozen=True, slots=True)
class Memory:
    """What was noticed before: since when a model is unserved, since when one is hot, and when this box moved."""

    unserved: Mapping[str, float] = field(default_factory=dict)
    hot: Mapping[str, float] = field(default_factory=dict)
    moved: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Promotion:
    model: str
    reason: Reason


def decide_promotions(own: str, view: View, memory: Memory, now: float) -> tuple[tuple[Promotion, ...], Memory]:
    """At most one: after it the view is another one."""
    unserved, hot = _unserved(view, now), _hot(view, now)
    noticed = Memory(_since(memory.unserved, unserved, now), _since(memory.hot, hot, now), memory.moved)
    for model in unserved:
        if _my_turn(own, model, view, now - noticed.unserved[model] - SETTLE):
            return (Promotion(model, Reason.UNSERVED),), noticed
    if now - memory.moved < REST:
        return (), noticed
    for model in hot:
        if _my_turn(own, model, view, now - noticed.hot[model] - STEADY):
            return (Promotion(model, Reason.HOT),), Memory(noticed.unserved, noticed.hot, now)
    return (), noticed


def _unserved(view: View, now: float) -> list[str]:
    """Wanted, and nobody serves it or is about to."""
    there = {model for node in view.nodes for model, state in node.serves.items() if state in SERVING | COMING}
    wanted = [demand for demand in view.demand.values() if demand.active(now) and demand.model not in there]
    return [demand.model for demand in sorted(wanted, key=lambda demand: (-demand.recent, demand.model))]


def _hot(view: View, now: float) -> list[str]:
    """Far more asked for, by server, than the coldest; not while another server of it is coming."""
    servers: dict[str, int] = {}
    coming: set[str] = set()
    for node in view.nodes:
        for model, state in node.serves.items():
            servers[model] = servers.get(model, 0) + (state in SERVING)
            coming |= {model} if state in COMING else set()
    heat = {model: _recent(view, model) / count for model, count in servers.items() if count}
    coldest = min(heat.values(), default=0.0)
    found = [m for m, rate in heat.items() if rate >= BUSY and rate >= HOT * coldest and m not in coming]
    hot = [model for model in found if len(heat) > 1 and view.demand[model].active(now)]
    return sorted(hot, key=lambda model: (-heat[model], model))


def _recent(view: View, model: str) -> int:
    demand = view.demand.get(model)
    return 0 if demand is None else demand.recent


def _since(before: Mapping[str, float], models: list[str], now: float) -> dict[str, float]:
    return {model: before.get(model, now) for model in models}


def _my_turn(own: str, model: str, view: View, waited: float) -> bool:
    """One after the other, the idle ones first, else in an order that the names draw."""
    able = [node for node in view.nodes if model in node.fits and model not in node.serves]
    order = [node.node for node in sorted(able, key=lambda node: (bool(node.serves), _lot(model, node.node)))]
    turn = max(TURN, 0.7 * len(view.nodes).bit_length())
    return own in order and waited >= order.index(own) * turn


def _lot(model: str, node: str) -> bytes:
    return hashlib.blake2b(f"{model}\0{node}".encode(), digest_size=8).digest()


def view_of(own: NodeView, members: Mapping[str, Member], demand: Mapping[str, Demand]) -> View:
    """`own` is what this box knows of itself for sure; of others, what their records say."""
    there = [
        _node_view(node, member.record.facts)
        for node, member in members.items()
        if member.state in {PeerState.ALIVE, PeerState.SUSPECT}
    ]
    return View((own, *there), demand)


def _node_view(node: str, facts: Facts) -> NodeView:
    free = _free(facts)
    listed = {model.id: model for model in facts.models}
    serves = {name: model.state for name, model in listed.items() if model.state != LISTED_ONLY}
    fits = (name for name, model in listed.items() if model.state == LISTED_ONLY and 0 < model.need <= free)
    return NodeView(node, serves, frozenset(fits))


def _free(facts: Facts) -> int:
    """Of its accelerators, or of its memory when it has none that say."""
    told = [(gpu.total, gpu.used or 0) for gpu in facts.gpus if gpu.total]
    return _left(told) if told else _left([(facts.memory.total, facts.memory.used)])


def _left(pairs: Iterable[tuple[int, int]]) -> int:
    return sum(max(0, total - used) for total, used in pairs)
