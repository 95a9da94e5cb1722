"""The membership machine with a real clock and real connections.

What it wants to send while there is no connection is held for a moment: the first words to a box are what makes it
known there, and the machine says them again only after seconds.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from appliance.mesh.lanes.lanes import Lanes
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.membership.facts import Facts
from appliance.mesh.membership.follower import Follower
from appliance.mesh.membership.membership import Membership
from appliance.mesh.membership.table import Member
from appliance.mesh.membership.types import Out, Send, Timing, Trust
from appliance.mesh.types import Role
from appliance.tasks import TaskGroup

GOSSIP = "gossip"
MOST_HELD = 16  # messages for one box
HELD_FOR = 3.0  # seconds
_PAUSES = (0.5, 0.5, 0.5, 0.6, 1.0, 2.0)

Machine = Membership | Follower


@dataclass(frozen=True, slots=True)
class Hears:
    """What the driver tells of."""

    changes: Callable[[list[Out]], None]  # all but what was to be sent
    stepped: Callable[[], None]  # after each step
    turned_away: Callable[[str, LaneError], None]  # a node to which no connection came about, and why


class Driver:
    def __init__(self, lanes: Lanes, machine: Machine, hears: Hears) -> None:
        self._lanes, self.machine, self._hears = lanes, machine, hears
        self._loop = asyncio.get_running_loop()
        self._tasks = TaskGroup()
        self._refused: dict[str, deque[tuple[float, bytes]]] = {}  # for boxes that did not take our certificate
        self._held: dict[str, deque[tuple[float, bytes]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        self._over = False

    @property
    def members(self) -> Mapping[str, Member]:
        return self.machine.members

    async def stop(self) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        await self._tasks.close()

    # Steps of the machine:

    def join(self, contacts: Iterable[str]) -> None:
        if isinstance(self.machine, Follower):
            self._carry(self.machine.follow(contacts, self._loop.time()))
        else:
            self._carry(self.machine.join(contacts, self._loop.time()))

    def describe(self, facts: Facts) -> None:
        if isinstance(self.machine, Membership):
            self._carry(self.machine.describe(facts, self._loop.time()))

    def publish(self, topic: str, data: bytes) -> None:
        if isinstance(self.machine, Membership):
            self._carry(self.machine.publish(topic, data, self._loop.time()))

    def drop(self, topic: str, data: bytes) -> None:
        if isinstance(self.machine, Membership):
            self.machine.drop(topic, data)

    def published(self) -> frozenset[tuple[str, bytes]]:
        return frozenset(self.machine.topic_items) if isinstance(self.machine, Membership) else frozenset()

    def evict(self, node: str) -> None:
        self._held.pop(node, None)
        self._refused.pop(node, None)
        if node in self.members:
            self._carry(self.machine.evict(node, self._loop.time()))

    def leave(self) -> None:
        if isinstance(self.machine, Membership):
            self._carry(self.machine.leave(self._loop.time()))

    def wanted(self, model: str, requests: int = 1) -> None:
        if isinstance(self.machine, Membership):
            self.machine.wanted(model, self._loop.time(), requests)
            self._set_timer()

    def received(self, sender: str, data: bytes) -> None:
        self._carry(self.machine.receive(data, sender, self._loop.time()))

    def came_or_went(self, node: str, *, there: bool) -> None:
        if there:
            self._say_held(node)
        elif isinstance(self.machine, Membership):
            self._carry(self.machine.lost(node, self._loop.time()))

    def set_wall(self) -> None:
        if isinstance(self.machine, Membership):
            self.machine.set_wall(time.time(), self._loop.time())

    # What comes out of them:

    def _carry(self, outs: list[Out]) -> None:
        if self._over:
            return
        for out in outs:
            if isinstance(out, Send):
                self._send(out.to, out.data)
        changes: list[Out] = [out for out in outs if not isinstance(out, Send)]
        if changes:
            self._hears.changes(changes)
        self._hears.stepped()
        self._set_timer()

    def _set_timer(self) -> None:
        """One that rings too early costs less than one that is set anew with each message."""
        at = self.machine.next_wake()
        if self._over or math.isinf(at) or (self._timer is not None and self._rings_at <= at):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = at
        self._timer = self._loop.call_at(at, self._rings)

    def _rings(self) -> None:
        self._timer = None
        if self.machine.next_wake() <= self._loop.time():
            self._carry(self.machine.tick(self._loop.time()))
        else:
            self._set_timer()

    def _send(self, node: str, data: bytes) -> None:
        if self._lanes.tell(node, GOSSIP, data):
            return
        known = node in self._held
        held = self._held.setdefault(node, deque(maxlen=MOST_HELD))
        held.append((self._loop.time(), data))
        if not known:
            self._tasks.start(f"meet {node}", self._meet(node))

    async def _meet(self, node: str) -> None:
        try:
            await self._lanes.voice(node)
        except LaneError as error:
            if error.reason is Reason.TRUST:
                self._refused[node] = self._held.pop(node, deque())
            self._hears.turned_away(node, error)
        else:
            self._say_held(node)
        finally:
            self._held.pop(node, None)

    def again(self, node: str) -> None:
        """That box takes the new certificate: what it did not hear is said once more."""
        messages = self._refused.pop(node, None)
        if messages:
            self._tasks.start(f"meet {node} again", self._meet_again(node, messages))

    async def _meet_again(self, node: str, messages: deque[tuple[float, bytes]]) -> None:
        """The lanes remember a vain try for two seconds."""
        for pause in _PAUSES:
            try:
                await self._lanes.voice(node)
            except LaneError:
                await asyncio.sleep(pause)
                continue
            for _, data in messages:
                self._lanes.tell(node, GOSSIP, data)
            return

    def _say_held(self, node: str) -> None:
        held, oldest = self._held.get(node, ()), self._loop.time() - HELD_FOR
        for at, data in [*held]:
            if at >= oldest:
                self._lanes.tell(node, GOSSIP, data)
        if held:
            self._held[node].clear()


def machine_for(node: str, role: Role, trust: Trust, timing: Timing) -> Machine:
    now = asyncio.get_running_loop().time()
    rng = random.Random()  # noqa: S311 - whom to ask next is no secret
    if role is Role.CLIENT:
        return Follower(node, trust, rng=rng, now=now, timing=timing)
    wall = time.time()
    incarnation = int(wall * 1000)  # later than in any life before
    return Membership(node, trust, rng=rng, now=now, wall=wall, incarnation=incarnation, timing=timing)
