"""One member a second is asked whether it is there; when it is silent, others try it too."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.mesh.membership.health import Health
from appliance.mesh.membership.types import Chance, Timing

MOST_ERRANDS = 256
SMALL = 32  # members; in such a mesh the one that was silent for longest comes next, in a larger one all in turn
_SLOWEST = 2.0  # seconds that an answer may take over a slow link


@dataclass(slots=True)
class Probe:
    target: str
    sent: float
    helped_at: float  # others are asked then
    fails_at: float
    helpers: tuple[str, ...] = ()
    nacks: set[str] = field(default_factory=set)
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Errand:
    """A probe for somebody else."""

    target: str
    origin: str
    number: int  # of the origin's probe
    sent: float
    ends: float


@dataclass(frozen=True, slots=True)
class AskHelpers:
    number: int
    target: str
    helpers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Silent:
    target: str


@dataclass(frozen=True, slots=True)
class TellNack:
    origin: str
    number: int


@dataclass(frozen=True, slots=True)
class Answered:
    target: str
    rtt: float | None
    tell: Errand | None = None  # whoever asked for it


class Prober:
    def __init__(self, timing: Timing, health: Health, rng: Chance, now: float, heard: Callable[[str], float]) -> None:
        """`heard`: when a member last said anything."""
        self._timing = timing
        self._health = health
        self._rng = rng
        self._heard = heard
        self._looked: dict[str, float] = {}
        self.ring: list[str] = []
        self._known: set[str] = set()
        self._at = 0
        self._number = rng.randrange(1 << 31)
        self._probes: dict[int, Probe] = {}
        self._errands: dict[int, Errand] = {}
        self.next_at = now + rng.random() * timing.probe_every

    def include(self, node: str, now: float) -> None:
        """At a chance place, so that not all boxes come to a new one at the same moment."""
        if node in self._known:
            return
        if not self.ring:
            self.next_at = max(self.next_at, now + self._rng.random() * self._timing.probe_every)
        self._known.add(node)
        self.ring.insert(self._rng.randrange(len(self.ring) + 1), node)

    def exclude(self, node: str) -> None:
        if node in self._known:
            self._known.remove(node)
            self._looked.pop(node, None)
            place = self.ring.index(node)
            del self.ring[place]
            self._at -= place < self._at
        self._probes = {number: probe for number, probe in self._probes.items() if probe.target != node}

    def due(self, now: float) -> str | None:
        """Whose turn it is, once a period."""
        if now < self.next_at:
            return None
        period = self._timing.probe_every * self._health.patience
        self.next_at = max(self.next_at + period, now + period / 2)
        if not self.ring:
            return None
        node = min(self.ring, key=self._last_sign) if len(self.ring) <= SMALL else self._next()
        self._looked[node] = now
        return node

    def _last_sign(self, node: str) -> float:
        return max(self._heard(node), self._looked.get(node, -math.inf))

    def _next(self) -> str:
        if self._at >= len(self.ring):
            self._rng.shuffle(self.ring)
            self._at = 0
        self._at += 1
        return self.ring[self._at - 1]

    def is_probing(self, node: str) -> bool:
        return any(probe.target == node for probe in self._probes.values())

    def start(self, node: str, rtt: float | None, now: float) -> int:
        """The number that the answer has to carry."""
        patience = self._health.patience
        wait = self._wait(rtt) * patience
        fails = now + max(self._timing.probe_every * patience, 2 * wait)
        number = self._new_number()
        self._probes[number] = Probe(node, now, now + wait, fails)
        return number

    def help(self, target: str, origin: str, number: int, rtt: float | None, now: float) -> int | None:
        if len(self._errands) >= MOST_ERRANDS:
            return None
        own = self._new_number()
        self._errands[own] = Errand(target, origin, number, now, now + self._wait(rtt) * 0.8)
        return own

    def answered(self, number: int, sender: str, now: float) -> Answered | None:
        """What an answer belongs to; None when nobody asked for it or another one should have given it."""
        errand = self._errands.get(number)
        if errand is not None and errand.target == sender:
            del self._errands[number]
            return Answered(sender, now - errand.sent, errand)
        probe = self._probes.get(number)
        if probe is None or sender not in {probe.target, *probe.helpers}:
            return None
        del self._probes[number]
        self._health.better()
        return Answered(probe.target, now - probe.sent if sender == probe.target else None)

    def nack(self, number: int, sender: str) -> None:
        probe = self._probes.get(number)
        if probe is not None and sender in probe.helpers:
            probe.nacks.add(sender)

    def overdue(self, now: float, pick: Callable[[str], tuple[str, ...]]) -> list[AskHelpers | Silent | TellNack]:
        """What is to be done about those who have not answered; `pick` chooses the helpers."""
        found: list[AskHelpers | Silent | TellNack] = []
        for own, errand in list(self._errands.items()):
            if now >= errand.ends:
                del self._errands[own]
                found.append(TellNack(errand.origin, errand.number))
        for number, probe in list(self._probes.items()):
            if now >= probe.fails_at:
                del self._probes[number]
                self._judge(probe)
                found.append(Silent(probe.target))
            elif now >= probe.helped_at and not probe.asked:
                probe.asked, probe.helpers = True, pick(probe.target)
                found.append(AskHelpers(number, probe.target, probe.helpers))
        return found

    def _judge(self, probe: Probe) -> None:
        """Helpers of whom nothing is heard either: then it may well be this box that is cut off or slow."""
        if probe.helpers and not probe.nacks:
            self._health.worse()

    def granted(self, seconds: float) -> None:
        """This box slept; answers may lie unread."""
        for probe in self._probes.values():
            probe.helped_at += seconds
            probe.fails_at += seconds

    def next_wake(self) -> float:
        times = [self.next_at if self.ring else math.inf]
        times += [probe.fails_at if probe.asked else probe.helped_at for probe in self._probes.values()]
        times += [errand.ends for errand in self._errands.values()]
        return min(times)

    def _wait(self, rtt: float | None) -> float:
        return min(max(self._timing.answer_within, 4 * (rtt or 0.0)), _SLOWEST)

    def _new_number(self) -> int:
        self._number = (self._number + 1) & 0xFFFFFFFF
        return self._number
