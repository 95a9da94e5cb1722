"""From what is to what shall be: serving entries, routes, issues, and the commands that close the gap.

Every round compares all that is wanted with all that is, so a lost event or a failed command heals by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.node.commands import Command, EndEngine, RunEngine
from appliance.node.issues import Issue, find_issues
from appliance.node.peer_routes import with_peers
from appliance.node.routes import routing_table
from appliance.node.serving import ServingEntry, ServingState, wanted_entries
from appliance.node.snapshot import ChildState, NodeState, Snapshot
from appliance.routing.table import RoutingTable


@dataclass(frozen=True, slots=True)
class Decision:
    state: NodeState
    serving: tuple[ServingEntry, ...]
    routes: RoutingTable
    own_routes: RoutingTable  # what this box answers itself, for requests that come from other boxes
    issues: tuple[Issue, ...]
    commands: tuple[Command, ...]


def decide(snapshot: Snapshot, now: float) -> Decision:
    serving = wanted_entries(snapshot, now)
    own = routing_table(serving, snapshot)
    return Decision(
        state=_node_state(snapshot, serving),
        serving=serving,
        routes=with_peers(own, snapshot.peers.values(), snapshot.node.id),
        own_routes=own,
        issues=find_issues(snapshot, serving, now),
        commands=() if snapshot.draining else tuple(_commands(snapshot, serving)),
    )


def _commands(snapshot: Snapshot, serving: tuple[ServingEntry, ...]) -> Iterator[Command]:
    wanted = {entry.model: entry.spec for entry in serving if entry.spec is not None}
    for model, child in snapshot.children.items():
        if model not in wanted and child.state is not ChildState.STOPPING:
            yield EndEngine(model)
    for model, spec in wanted.items():
        running = snapshot.children.get(model)
        if running is None or running.spec != spec:
            yield RunEngine(spec)


def _node_state(snapshot: Snapshot, serving: tuple[ServingEntry, ...]) -> NodeState:
    if snapshot.draining:
        return NodeState.DRAINING
    if snapshot.library is None or snapshot.inventory is None:
        return NodeState.STARTING
    states = {entry.state for entry in serving}
    if ServingState.READY in states:
        return NodeState.SERVING
    if ServingState.SLEEPING in states:
        return NodeState.SERVING  # a request wakes it
    return NodeState.LOADING if states - {ServingState.FAILED} else NodeState.STANDBY
