"""Who runs the head of a split: the best of its nodes, for as long as it renews a claim that all can see.

There is no vote, for two boxes in a home could not hold one. A claim has an epoch, larger than any that its maker
knows. Whoever sees a claim with a larger epoch than its own stops, so that of two halves of a mesh that meet again one
goes on. A claim that is new runs only after all had time to hear of it; one that was not renewed for a lease counts no
more, neither for others nor for its own maker when that one stood still."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from appliance.mesh.membership.facts import MOST_LEASES, LeaseFact
from appliance.mesh.membership.table import Member
from appliance.mesh.types import PeerState

LENGTH = 10.0
SETTLE = 2.0
_BEATS = 4  # renewals in one lease
_LARGEST = 1 << 40
_MOST_PLANS = 4096


class End(StrEnum):
    NOT_WANTED = "not wanted"  # or this box is not among its nodes any more
    OUTRANKED = "outranked"  # another one has the right to it
    STALE = "stale"  # this box stood still for longer than a lease


@dataclass(frozen=True, slots=True)
class Claim:
    plan: str
    host: str
    epoch: int
    beat: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that could run the head: what was measured there counts, not what it says."""

    node: str
    memory: int


@dataclass(frozen=True, slots=True)
class Step:
    claims: tuple[LeaseFact, ...]  # belongs into the record of this box
    hosting: frozenset[str]  # may run here
    ended: Mapping[str, End] = field(default_factory=dict)


@dataclass(slots=True)
class _Held:
    epoch: int
    since: float
    beat: int = 0
    beaten: float = 0.0
    running: bool = False


def claims_of(members: Mapping[str, Member]) -> list[Claim]:
    """Those of the dead too: whoever is thought dead may still run it until its lease is over."""
    return [
        Claim(lease.plan, node, lease.epoch, lease.beat)
        for node, member in members.items()
        if member.state is not PeerState.LEFT
        for lease in member.record.facts.leases
    ]


def ranked(candidates: Iterable[Candidate]) -> list[str]:
    """The best host first."""
    return [one.node for one in sorted(candidates, key=lambda one: (-one.memory, one.node))]


class Leases:
    def __init__(self, node: str, *, length: float = LENGTH) -> None:
        self._node = node
        self._length = length
        self._held: dict[str, _Held] = {}
        self._seen: dict[tuple[str, str], tuple[int, int, float]] = {}  # (plan, host) -> epoch, beat, when
        self._epochs: dict[str, int] = {}
        self._free_since: dict[str, float] = {}
        self._stepped = math.inf

    @property
    def every(self) -> float:
        """`step` has to be called at least that often."""
        return self._length / (2 * _BEATS)

    def step(
        self, claims: Sequence[Claim], wanted: Mapping[str, Sequence[Candidate]], now: float, members: int = 2
    ) -> Step:
        """`wanted`: the plans, and who of those present could run the head of each."""
        ended = self._stood_still(now)
        live = self._live(claims, now)
        settle = max(SETTLE, 0.5 * members.bit_length())
        for plan in list(self._held):
            reason = self._reason_to_end(plan, wanted.get(plan, ()), live.get(plan, []))
            if reason is not None:
                del self._held[plan]
                ended[plan] = reason
        for plan, candidates in wanted.items():
            if plan not in self._held and plan not in ended:
                self._consider(plan, ranked(candidates), now, taken=bool(live.get(plan)))
        self._free_since = {plan: since for plan, since in self._free_since.items() if plan in wanted}
        for held in self._held.values():
            self._renew(held, settle, now)
        hosting = frozenset(plan for plan, held in self._held.items() if held.running)
        facts = (LeaseFact(plan, held.epoch, held.beat) for plan, held in sorted(self._held.items()))
        return Step(tuple(facts), hosting, ended)

    def _stood_still(self, now: float) -> dict[str, End]:
        """Asleep for long, this box has no lease, and what it last saw of others is no sign that they are gone."""
        gap = max(0.0, now - self._stepped)
        self._stepped = now
        if gap > self._length / 2:
            self._seen = {key: (epoch, beat, now) for key, (epoch, beat, _) in self._seen.items()}
            self._free_since.clear()
        if gap <= self._length:
            return {}
        ended, self._held = dict.fromkeys(self._held, End.STALE), {}
        return ended

    def _live(self, claims: Sequence[Claim], now: float) -> dict[str, list[Claim]]:
        live: dict[str, list[Claim]] = {}
        seen: dict[tuple[str, str], tuple[int, int, float]] = {}
        for claim in claims[:_MOST_PLANS]:
            key = (claim.plan, claim.host)
            before = self._seen.get(key)
            renewed = before is None or before[:2] != (claim.epoch, claim.beat)
            seen[key] = (claim.epoch, claim.beat, now if renewed or before is None else before[2])
            self._epochs[claim.plan] = max(self._epochs.get(claim.plan, 0), claim.epoch)
            if now - seen[key][2] <= self._length:
                live.setdefault(claim.plan, []).append(claim)
        self._seen = seen
        return live

    def _reason_to_end(self, plan: str, candidates: Sequence[Candidate], others: Sequence[Claim]) -> End | None:
        own = (self._held[plan].epoch, self._node)
        if all(candidate.node != self._node for candidate in candidates):
            return End.NOT_WANTED
        if any((other.epoch, other.host) > own for other in others):
            return End.OUTRANKED
        return None

    def _consider(self, plan: str, order: list[str], now: float, *, taken: bool) -> None:
        """The best takes what is free at once; the next one a lease later, if the best does not."""
        if taken or self._node not in order or len(self._held) >= MOST_LEASES:
            self._free_since.pop(plan, None)
            return
        free_since = self._free_since.setdefault(plan, now)
        if now - free_since >= order.index(self._node) * self._length:
            epoch = min(self._epochs.get(plan, 0) + 1, _LARGEST)
            self._epochs[plan] = epoch
            self._held[plan] = _Held(epoch, now, beaten=now)

    def _renew(self, held: _Held, settle: float, now: float) -> None:
        held.running = held.running or now - held.since >= settle
        if now - held.beaten >= self._length / _BEATS:
            held.beat += 1
            held.beaten = now
