"""Meshes that are already there, and questions about them."""

from __future__ import annotations

from itertools import pairwise

from appliance.mesh.membership.facts import Facts
from appliance.mesh.membership.membership import Membership
from appliance.mesh.membership.rumours import Rumours
from appliance.mesh.membership.types import Timing
from appliance.mesh.types import PeerState
from tests.sim.world import Box, World


def name_of(number: int) -> str:
    return f"box{number:05d}"


def mesh(size: int, seed: int = 0, *, settle: float = 3.0, timing: Timing | None = None) -> World:
    """Boxes that know each other, and nothing left to say."""
    world = World(seed, timing)
    boxes = [world.start(name_of(number)) for number in range(size)]
    acquaint(world, boxes)
    world.run(settle)
    return world


def acquaint(world: World, boxes: list[Box]) -> None:
    """All have the records of all, as if they had gossiped for long."""
    for box in boxes:
        world.join(box)
    records = [box.member.own for box in boxes if box.member.own is not None]
    for box in boxes:
        parts, now = box.member._parts, world.local(box)
        for record in records:
            if record.node != box.id:
                parts.table._take(None, record, now)
                parts.standing.prober.include(record.node, now)
        parts.standing.rumours = Rumours()
        world.join(box)


def sees(box: Box, node: str) -> PeerState | None:
    member = box.machine.members.get(node)
    return None if member is None else member.state


def all_see(world: World, node: str, *states: PeerState | None) -> bool:
    return all(sees(box, node) in states for box in world.running() if box.id != node)


def agree(world: World) -> bool:
    """Everybody who runs sees exactly those who run, and knows the same of them."""
    return disagreement(world) == ""


def disagreement(world: World) -> str:
    running = world.running()
    names = {box.id for box in running if isinstance(box.machine, Membership)}
    for box in running:
        here = {node for node, member in box.machine.members.items() if not member.gone}
        if here != names - {box.id}:
            missing, extra = sorted(names - here - {box.id})[:3], sorted(here - names)[:3]
            return f"{box.id} misses {missing} and sees {extra}, which are gone"
    known = {box.machine.known for box in running}
    return "" if len(known) <= 1 else f"{len(known)} versions of what is known"


def introduce(world: World) -> None:
    """Whoever knows nobody of the others that are left, is told of one."""
    left = {box.id for box in world.running()}
    islands: list[set[str]] = []
    for box in world.running():
        member = box.member
        known = {node for node, other in member.members.items() if other.state is not PeerState.LEFT}
        island = {box.id, *(left & (known | set(member.contacts)))}
        for other in [other for other in islands if other & island]:
            islands.remove(other)
            island |= other
        islands.append(island)
    for one, other in pairwise(islands):
        world.join(world.boxes[min(one)], min(other))


def facts_of(box: Box, node: str) -> Facts:
    return box.machine.members[node].record.facts
