"""Boxes on a virtual clock: a heap of things that will happen, and nothing that waits."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from appliance.mesh.membership.facts import Facts
from appliance.mesh.membership.follower import Follower
from appliance.mesh.membership.membership import Membership
from appliance.mesh.membership.types import MemberChanged, Out, Send, Timing, TopicArrived
from appliance.mesh.types import PeerState
from tests.sim.network import Network
from tests.sim.trust import trust_of

MOST_MESSAGES = 1000  # of one box in a second: answers to answers would never end
BIRTH = 1_700_000_000.0  # wall clock when the virtual one is 0


class Storm(Exception):
    """The boxes do nothing but answer each other."""


@dataclass(slots=True)
class Box:
    id: str
    machine: Membership | Follower
    rate: float = 1.0  # of its clock
    skew: float = 0.0  # of its wall clock, seconds
    up: bool = True
    asleep_until: float = -1.0  # it gets nothing done until then; what arrives, waits
    wake: float = math.inf
    life: int = 0
    banned: set[str] = field(default_factory=set)

    @property
    def member(self) -> Membership:
        assert isinstance(self.machine, Membership)
        return self.machine


@dataclass(frozen=True, slots=True)
class Change:
    at: float
    seen_by: str
    node: str
    state: PeerState


class World:
    def __init__(self, seed: int, timing: Timing | None = None) -> None:
        self.rng = random.Random(seed)
        self.now = 0.0
        self.network = Network(random.Random(seed + 1))
        self.timing = timing or Timing()
        self.boxes: dict[str, Box] = {}
        self.changes: list[Change] = []
        self.topics: list[tuple[float, str, bytes]] = []
        self.messages = 0
        self.bytes = 0
        self.each_step: Callable[[Box], None] | None = None
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()
        self._busy = (0, 0)

    # boxes

    def start(self, node: str, *, facts: Facts | None = None, rate: float = 1.0, skew: float = 0.0) -> Box:
        """A new box, or an old one again: what it knew is lost, but for who it is."""
        old = self.boxes.get(node)
        life = old.life + 1 if old else 0
        box = Box(node, None, rate, skew, life=life, banned=old.banned if old else set())  # type: ignore[arg-type]
        wall = self.wall(box)
        machine = Membership(
            node,
            trust_of(node, box.banned),
            rng=random.Random(f"{self.rng.random()}"),
            now=self.local(box),
            wall=wall,
            incarnation=int(wall * 1000),
            timing=self.timing,
        )
        box.machine = machine
        self.boxes[node] = box
        self.carry(box, machine.describe(facts or Facts(name=node), self.local(box)))
        return box

    def follow(self, node: str, contacts: Iterable[str]) -> Box:
        machine = Follower(node, trust_of(node), rng=random.Random(f"{self.rng.random()}"), now=self.now)
        box = Box(node, machine)
        self.boxes[node] = box
        self.carry(box, machine.follow(contacts, self.now))
        return box

    def join(self, box: Box, *contacts: str) -> None:
        self.carry(box, box.member.join(contacts, self.local(box)))

    def crash(self, node: str) -> None:
        self.boxes[node].up = False

    def leave(self, node: str) -> None:
        box = self.boxes[node]
        self.carry(box, box.member.leave(self.local(box)))
        box.up = False

    def freeze(self, node: str, seconds: float) -> None:
        """Its process stands still; the network keeps what comes for it."""
        box = self.boxes[node]
        box.asleep_until = max(box.asleep_until, self.now + seconds)

    def describe(self, node: str, facts: Facts) -> None:
        box = self.boxes[node]
        self.carry(box, box.member.describe(facts, self.local(box)))

    def local(self, box: Box) -> float:
        """Its own monotonic clock."""
        return self.now * box.rate

    def wall(self, box: Box) -> float:
        return BIRTH + self.now + box.skew

    def running(self) -> list[Box]:
        return [box for box in self.boxes.values() if box.up]

    # time

    def at(self, time: float, do: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self._heap, (time, next(self._order), do, arguments))

    def run_until(self, time: float) -> None:
        heap = self._heap
        while heap and heap[0][0] <= time:
            self.now, _, do, arguments = heapq.heappop(heap)
            do(*arguments)
        self.now = max(self.now, time)

    def run(self, seconds: float) -> None:
        self.run_until(self.now + seconds)

    def run_while(self, going: Callable[[], bool], most: float, every: float = 0.05) -> float:
        """How long it went on; `most` if it did not stop."""
        began = self.now
        while self.now - began < most and going():
            self.run(every)
        return self.now - began

    # what happens

    def carry(self, box: Box, outs: list[Out]) -> None:
        for out in outs:
            match out:
                case Send(to, data):
                    self._send(box.id, to, data)
                case MemberChanged(node, state, _):
                    self.changes.append(Change(self.now, box.id, node, state))
                case TopicArrived(_, data):
                    self.topics.append((self.now, box.id, data))
        if self.each_step is not None:
            self.each_step(box)
        self._plan(box)

    def _send(self, source: str, to: str, data: bytes) -> None:
        self.messages += 1
        self.bytes += len(data)
        second = int(self.now)
        self._busy = (second, self._busy[1] + 1 if self._busy[0] == second else 1)
        if self._busy[1] > MOST_MESSAGES * (len(self.boxes) + 10):
            raise Storm(f"{self._busy[1]} messages in second {second}; the last from {source} to {to}: {data!r:.300}")
        for arrival in self.network.arrivals(source, to, self.now):
            self.at(arrival, self._deliver, source, to, data)

    def _deliver(self, source: str, to: str, data: bytes) -> None:
        box = self.boxes.get(to)
        if box is None or not box.up:
            return
        if box.asleep_until > self.now:
            self.at(box.asleep_until, self._deliver, source, to, data)
        else:
            self.carry(box, box.machine.receive(data, source, self.local(box)))

    def _plan(self, box: Box) -> None:
        wake = max(box.machine.next_wake() / box.rate, self.now)
        if wake < box.wake:
            box.wake = wake
            if wake < math.inf:
                self.at(wake, self._wake, box, wake)

    def _wake(self, box: Box, planned: float) -> None:
        if not box.up or box.wake != planned:
            return
        box.wake = math.inf
        if box.asleep_until > self.now:
            box.wake = box.asleep_until
            self.at(box.wake, self._wake, box, box.wake)
        elif box.machine.next_wake() / box.rate <= self.now + 1e-9:
            self.carry(box, box.machine.tick(self.local(box) + 1e-9))
        else:
            self._plan(box)
