"""All of it as one machine without clock or socket: a message, or time passing, in; messages and changes out.

    outs = membership.receive(data, sender, now)     # the lane knows for sure who the sender is
    outs = membership.tick(now)                      # at `membership.next_wake()`, or earlier, or later

`now` never goes back (a monotonic clock). Wall clock is `now` plus an offset, which whoever drives the machine sets
anew (`set_wall`) when the clock of the computer was put right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from appliance.mesh.membership.announcing import Announcer
from appliance.mesh.membership.demand import DemandMap
from appliance.mesh.membership.facts import Facts
from appliance.mesh.membership.outbox import Outbox
from appliance.mesh.membership.parts import FAN, Parts
from appliance.mesh.membership.probing import AskHelpers, Silent, TellNack
from appliance.mesh.membership.record import Record
from appliance.mesh.membership.standing import Standing
from appliance.mesh.membership.syncing import Syncer
from appliance.mesh.membership.table import Member, Table
from appliance.mesh.membership.talking import Talk
from appliance.mesh.membership.types import Chance, Out, Stats, Timing, Trust
from appliance.mesh.membership.wire import (
    PROTOCOL,
    LaterVersion,
    Malformed,
    Nack,
    News,
    PingFor,
    Refusal,
    Update,
    decode,
)
from appliance.mesh.types import PeerState

_GOODBYES = 64  # told directly; the others hear it from them
_CLEAN_EVERY = 600.0
_REFUTE_EVERY = 0.3
_MOST_LATE = 10.0  # seconds: a box that slept longer has to find out anew who is there
_LAN = Timing()


class Membership:
    def __init__(
        self,
        node: str,
        trust: Trust,
        *,
        rng: Chance,
        now: float,
        wall: float,
        incarnation: int,
        timing: Timing = _LAN,
    ) -> None:
        """`incarnation` has to be larger than in any life before: the wall clock in ms will do."""
        self.node = node
        self.stats = Stats()
        self.demand = DemandMap(node)
        table, outbox = Table(node, trust, self.stats), Outbox()
        self._parts = Parts(
            table=table,
            outbox=outbox,
            timing=timing,
            rng=rng,
            standing=Standing(table, outbox, timing, rng, now, accused=self._accused, check=self._check),
            syncer=Syncer(table, outbox, timing),
            own=Announcer(table, timing, incarnation, self.demand.facts),
            demand=self.demand,
            wall_offset=wall - now,
        )
        self._talk = Talk(self._parts)
        self._contacts: set[str] = set()
        self._closed = False
        self._gossip_at = now
        self._clean_at = now + _CLEAN_EVERY
        self._retry_at = now + self._pause()
        self._refute_at = -math.inf
        self._planned = math.inf

    # what others may look at

    @property
    def members(self) -> Mapping[str, Member]:
        """Everybody but this box; those who are gone too, for a while."""
        return self._parts.table.members

    @property
    def contacts(self) -> frozenset[str]:
        """Boxes that were named; they are tried while they are no members."""
        return frozenset(self._contacts)

    @property
    def own(self) -> Record | None:
        return self._parts.table.own

    @property
    def health(self) -> int:
        """0: well; more: this box is slow or badly connected, and waits longer before it accuses others."""
        return self._parts.standing.health.score

    @property
    def known(self) -> int:
        """A sum of all that is known here; equal on two boxes when they know the same."""
        return self._parts.table.digest.total

    @property
    def topic_items(self) -> Iterator[tuple[str, bytes]]:
        return ((key[1 : key.rindex(":")], data) for key, data in self._parts.table.topics.items())

    # what this box does

    def describe(self, facts: Facts, now: float) -> list[Out]:
        """What this box says of itself from now on; told soon, or later when it only matters little."""
        self._parts.own.describe(facts, now)
        return self._settled(now)

    def wanted(self, model: str, now: float, requests: int = 1) -> None:
        """Requests for a model came in here."""
        self.demand.note(model, now, self._parts.wall(now), requests)
        self._parts.own.moved(now)
        self._planned = min(self._planned, self._parts.own.next_at)

    def join(self, contacts: Iterable[str], now: float) -> list[Out]:
        """Boxes that may be there. They are tried again for as long as they are not members."""
        fresh = sorted(set(contacts) - self._contacts - {self.node})
        self._contacts.update(fresh)
        if self.own is None:
            self._parts.tell(now)
        for contact in fresh:
            self._parts.knock(contact, now)
        return self._settled(now)

    def leave(self, now: float) -> list[Out]:
        """Goodbye. The machine does nothing any more after that."""
        here = [member.record.node for member in self._parts.table.present()]
        told = here if len(here) <= _GOODBYES else self._parts.rng.sample(here, _GOODBYES)
        if self.own is not None:
            goodbye = Update(3, self.node, self.own.incarnation, self.node)
            self._parts.outbox.send_all(told, News(updates=(goodbye,)))
        outs = self._settled(now)
        self._closed = True
        return outs

    def publish(self, topic: str, data: bytes, now: float) -> list[Out]:
        """Something that everybody has to know, and keeps."""
        key = self._parts.table.add_topic(topic, data)
        if key is not None:
            self._parts.spread_topic(key)
        return self._settled(now)

    def drop(self, topic: str, data: bytes) -> None:
        """No longer of use; `accept` has to refuse it from now on, here and on all others."""
        self._parts.table.drop_topic(topic, data)

    def evict(self, node: str, now: float) -> list[Out]:
        """Removed from the mesh; `allowed` has to say no from now on."""
        self._contacts.discard(node)
        self._parts.standing.evict(node, now)
        self.demand.drop([node])
        return self._settled(now)

    def lost(self, node: str, now: float) -> list[Out]:
        """The lane to a member broke: a reason to look at once."""
        if self._parts.table.is_here(node) and not self._parts.standing.prober.is_probing(node):
            self._parts.check(node, now)
        return self._settled(now)

    def set_wall(self, wall: float, now: float) -> None:
        self._parts.wall_offset = wall - now

    # time

    def next_wake(self) -> float:
        return math.inf if self._closed else self._planned

    def _next_wake(self) -> float:
        standing = self._parts.standing
        return min(
            standing.prober.next_wake(),
            standing.next_wake(),
            standing.watchers.next_wake(),
            self._parts.own.next_at,
            self._gossip_at if len(standing.rumours) and self._parts.table.here else math.inf,
            self._retry_at if self._missing_any() else math.inf,
            self._clean_at,
        )

    def tick(self, now: float) -> list[Out]:
        if self._closed:
            return []
        self._notice_lateness(now)
        if now >= self._parts.own.next_at:
            self._parts.tell(now)
        self._probe(now)
        self._parts.standing.tick(now)
        self._parts.standing.watchers.tick(now)
        if now >= self._gossip_at and self._parts.table.here and len(self._parts.standing.rumours):
            self._gossip_at = now + self._parts.timing.gossip_every
            self._parts.gossip(1)
        if now >= self._retry_at:
            self._retry(now)
        if now >= self._clean_at:
            self._clean(now)
        return self._settled(now)

    def receive(self, data: bytes, sender: str, now: float) -> list[Out]:
        """A message from a member or a client of the mesh; whatever is in it, nothing is raised."""
        if self._closed:
            return []
        self.stats.received += 1
        if not self._parts.table.trust.allowed(sender):
            self.stats.strangers += 1
            return []
        try:
            self._talk.handle(decode(data), sender, now)
        except Malformed:
            self.stats.malformed += 1
        except LaterVersion:
            self.stats.later += 1
            self._parts.outbox.send(sender, Refusal((PROTOCOL,)))
        return self._settled(now)

    def _settled(self, now: float) -> list[Out]:
        """What cannot wait goes out at once."""
        if self._parts.standing.urgent:
            self._parts.standing.urgent = False
            self._gossip_at = now + self._parts.timing.gossip_every
            self._parts.gossip(FAN)
        self._planned = self._next_wake()
        return self._parts.outbox.drain()

    def _notice_lateness(self, now: float) -> None:
        late = now - self._planned
        if late > self._parts.timing.late:
            self._parts.standing.health.worse(1 + int(late))
            self._parts.standing.grant(min(late, _MOST_LATE))

    # who is there

    def _probe(self, now: float) -> None:
        standing = self._parts.standing
        node = standing.prober.due(now)
        if node is not None and not standing.prober.is_probing(node):
            self._parts.check(node, now)
        for step in standing.prober.overdue(now, self._helpers):
            match step:
                case AskHelpers(number, target, helpers):
                    self._parts.outbox.send_all(helpers, PingFor(number, target))
                case TellNack(origin, number):
                    self._parts.outbox.send(origin, Nack(number))
                case Silent(target):
                    self._silent(target, now)

    def _check(self, node: str, now: float) -> None:
        self._parts.check(node, now)

    def _helpers(self, target: str) -> tuple[str, ...]:
        some = self._parts.some(self._parts.timing.helpers + 1)
        return tuple(node for node in some if node != target)[: self._parts.timing.helpers]

    def _silent(self, target: str, now: float) -> None:
        member = self.members.get(target)
        if member is not None and not member.gone:
            self.stats.accused += member.state is PeerState.ALIVE
            self._parts.standing.suspect(member, self.node, now)

    def _accused(self, update: Update, now: float) -> None:
        """Somebody says that this box is gone: a new record proves that it is not."""
        own, announcer = self.own, self._parts.own
        if own is None or not update.incarnation == own.incarnation == announcer.incarnation:
            return
        self.stats.refuted += 1
        self._parts.standing.health.worse()
        announcer.outdo(update.incarnation)
        if now < self._refute_at:  # whoever accuses all the time does not keep all busy
            announcer.next_at = min(announcer.next_at, self._refute_at)
            self._refute_at += _REFUTE_EVERY
            return
        self._refute_at = now + _REFUTE_EVERY
        self._parts.tell(now, [update.by] if update.by in self.members else [])
        self._parts.standing.urgent = True

    # who is missing

    def _missing(self) -> list[str]:
        dead = [node for node, member in self.members.items() if member.state is PeerState.DEAD]
        return sorted({*dead, *(node for node in self._contacts if node not in self.members)})

    def _missing_any(self) -> bool:
        table = self._parts.table
        return len(table.members) > table.here or any(node not in table.members for node in self._contacts)

    def _retry(self, now: float) -> None:
        """One of them, so that halves of a mesh find each other again when they can."""
        missing = self._missing()
        self._retry_at = now + self._pause() * max(1.0, self._parts.table.here / (8 * max(1, len(missing))))
        if missing:
            self._parts.knock(self._parts.rng.choice(missing), now)

    def _pause(self) -> float:
        return self._parts.timing.retry_every * (0.5 + self._parts.rng.random())

    def _clean(self, now: float) -> None:
        self._clean_at = now + _CLEAN_EVERY
        self._parts.table.forget(now - self._parts.timing.forget_after)
        self.demand.forget(now)
