"""Leases in a simulated mesh: every box steps them, and who runs what is kept to be judged."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from appliance.mesh.membership.leases import Candidate, Leases, claims_of
from tests.sim.world import Box, World

PLANS = ("split-a", "split-b")
LEASE = 10.0


class Hosting:
    def __init__(self, world: World) -> None:
        self.world = world
        self.hosts: dict[str, frozenset[str]] = {}  # box -> the plans that it runs
        self.together: dict[tuple[str, str, str], float] = {}  # plan and two hosts -> since when they should know
        self.longest = 0.0

    def begin(self, box: Box) -> None:
        self.hosts[box.id] = frozenset()
        self._round(box, Leases(box.id, length=LEASE))

    def of(self, plan: str) -> list[str]:
        return [box.id for box in self.world.running() if plan in self.hosts.get(box.id, ())]

    def complaints(self) -> list[str]:
        found = [f"two run one split for {self.longest:.1f} s and know of each other"] if self.longest > LEASE else []
        for plan in PLANS:
            hosts = self.of(plan)
            if len(hosts) != 1 and len(self.world.running()) > 0:
                found.append(f"{plan} is run by {hosts}")
        return found

    def _round(self, box: Box, leases: Leases) -> None:
        world = self.world
        if not box.up or world.boxes[box.id] is not box:
            return
        if box.asleep_until > world.now:  # what runs, runs on, and its holder does not know
            world.at(box.asleep_until, self._round, box, leases)
            return
        machine, now = box.member, world.local(box)
        here = [node for node, member in machine.members.items() if not member.gone]
        wanted = dict.fromkeys(PLANS, candidates((box.id, *here)))
        step = leases.step(claims_of(machine.members), wanted, now, len(here) + 1)
        self.hosts[box.id] = step.hosting
        if machine.own is not None and machine.own.facts.leases != step.claims:
            world.describe(box.id, msgspec.structs.replace(machine.own.facts, leases=step.claims))
        self._look()
        world.at(world.now + leases.every, self._round, box, leases)

    def _look(self) -> None:
        """Two that run the same and could know it: they see each other, and neither stands still."""
        now, seen = self.world.now, set()
        for plan in PLANS:
            hosts = [self.world.boxes[node] for node in self.of(plan)]
            for one in hosts:
                for other in hosts:
                    if one.id < other.id and self._know(one, other) and self._know(other, one):
                        key = (plan, one.id, other.id)
                        seen.add(key)
                        self.longest = max(self.longest, now - self.together.setdefault(key, now))
        self.together = {key: since for key, since in self.together.items() if key in seen}

    def _know(self, one: Box, other: Box) -> bool:
        member = one.machine.members.get(other.id)
        return one.asleep_until <= self.world.now and member is not None and not member.gone


def memory_of(node: str) -> int:
    return sum(node.encode()) * 7919 % 97


def candidates(nodes: Iterable[str]) -> list[Candidate]:
    return [Candidate(node, memory_of(node)) for node in nodes]
