"""Machines for tests that carry the messages themselves."""

from __future__ import annotations

import random
from dataclasses import replace

from appliance.mesh.membership.facts import Facts
from appliance.mesh.membership.membership import Membership
from appliance.mesh.membership.record import Body, Record, seal
from appliance.mesh.membership.types import MemberChanged, Out, Send
from appliance.mesh.types import PeerState
from tests.sim.trust import trust_of

WALL = 1_700_000_000.0


def machine(
    node: str, now: float = 0.0, incarnation: int = 1000, banned: set[str] | None = None, clients: tuple[str, ...] = ()
) -> Membership:
    trust = replace(trust_of(node, banned), gossips=lambda other: other not in clients)
    found = Membership(node, trust, rng=random.Random(node), now=now, wall=WALL + now, incarnation=incarnation)
    found.describe(Facts(name=node), now)
    found.join([], now)
    return found


def record(node: str, incarnation: int = 1000, version: int = 1, facts: Facts | None = None) -> Record:
    return seal(Body(node, incarnation, version, int(WALL * 1000), facts or Facts(name=node)), trust_of(node))


def exchange(machines: dict[str, Membership], sender: str, outs: list[Out], now: float) -> None:
    """Everything that is said because of it, until nobody has anything more to say."""
    waiting = [(sender, out) for out in outs]
    while waiting:
        source, out = waiting.pop(0)
        if isinstance(out, Send) and out.to in machines:
            waiting += [(out.to, answer) for answer in machines[out.to].receive(out.data, source, now)]


def acquainted(*nodes: str) -> dict[str, Membership]:
    machines = {node: machine(node) for node in nodes}
    for node in nodes[1:]:
        exchange(machines, node, machines[node].join([nodes[0]], 0.0), 0.0)
    for _ in range(4):
        for node in nodes:
            now = machines[node].next_wake()
            exchange(machines, node, machines[node].tick(now), now)
    return machines


def states(outs: list[Out]) -> list[tuple[str, PeerState]]:
    return [(out.node, out.state) for out in outs if isinstance(out, MemberChanged)]


def sent(outs: list[Out]) -> list[Send]:
    return [out for out in outs if isinstance(out, Send)]
