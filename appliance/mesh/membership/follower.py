"""The mesh as a client sees it: it takes what one member knows, is told of changes by it, and turns to another one when
that is gone. It is no member, nobody probes it, and what it is told about others costs it nothing but a look."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from appliance.mesh.membership.digest import bucket_of
from appliance.mesh.membership.outbox import Outbox
from appliance.mesh.membership.syncing import Syncer
from appliance.mesh.membership.table import Member, Table, topic_item
from appliance.mesh.membership.types import (
    Chance,
    MemberChanged,
    Out,
    RecordChanged,
    Stats,
    Timing,
    TopicArrived,
    Trust,
)
from appliance.mesh.membership.wire import Compare, LaterVersion, Listing, Malformed, Message, News, Update, decode
from appliance.mesh.types import PeerState

ASK_EVERY = 5.0
GONE_AFTER = 6.0  # without an answer, while asking every second
_ASK_AGAIN = 1.0
_LAN = Timing()


class Follower:
    def __init__(self, node: str, trust: Trust, *, rng: Chance, now: float, timing: Timing = _LAN) -> None:
        self.node = node
        self.stats = Stats()
        self.source: str | None = None  # the member that is followed
        self._outbox = Outbox()
        self._table = Table(node, trust, self.stats)
        self._syncer = Syncer(self._table, self._outbox, timing)
        self._rng = rng
        self._contacts: set[str] = set()
        self._heard = now
        self._next_at = math.inf

    @property
    def members(self) -> Mapping[str, Member]:
        return self._table.members

    @property
    def known(self) -> int:
        return self._table.digest.total

    def follow(self, contacts: Iterable[str], now: float) -> list[Out]:
        self._contacts.update(set(contacts) - {self.node})
        if self.source is None:
            self._turn(now)
        return self._outbox.drain()

    def evict(self, node: str, now: float) -> list[Out]:
        self._contacts.discard(node)
        self._lose(node, PeerState.LEFT)
        if node == self.source:
            self._turn(now)
        return self._outbox.drain()

    def next_wake(self) -> float:
        return self._next_at

    def tick(self, now: float) -> list[Out]:
        if now >= self._next_at:
            if now - self._heard > GONE_AFTER:
                self._turn(now)
            else:
                self._ask(now)
        return self._outbox.drain()

    def receive(self, data: bytes, sender: str, now: float) -> list[Out]:
        self.stats.received += 1
        if sender != self.source or not self._table.trust.allowed(sender):
            self.stats.strangers += 1
            return []
        try:
            self._handle(decode(data), sender, now)
        except Malformed:
            self.stats.malformed += 1
        except LaterVersion:
            self.stats.later += 1
        return self._outbox.drain()

    def _handle(self, message: Message, sender: str, now: float) -> None:
        self._heard = now
        if isinstance(message, Compare):  # the mesh is so large that it has to be asked in smaller pieces
            self._outbox.send(sender, Compare(message.bits, self._table.digest.sums(message.bits), watch=True))
        elif isinstance(message, Listing):
            self._next_at = now + (_ASK_AGAIN if message.stamps else ASK_EVERY)
            self._compare(message)
            self._syncer.want(message.stamps, sender, now)
        elif isinstance(message, News):
            for blob in message.blobs:
                self._blob(blob, now)
            for update in message.updates:
                self._update(update)
            self._syncer.want(message.stamps, sender, now)

    def _blob(self, blob: bytes, now: float) -> None:
        item = topic_item(blob)
        if item is not None:
            if self._table.add_topic(*item) is not None:
                self._outbox.add(TopicArrived(*item))
            return
        offered = self._table.offer(blob, now)
        self._syncer.arrived(offered.record.node)
        if offered.verdict.taken:
            if offered.was is None:
                self._outbox.add(MemberChanged(offered.record.node, PeerState.ALIVE, None))
            self._outbox.add(RecordChanged(offered.record.node))

    def _update(self, update: Update) -> None:
        if update.state > 1 and self._table.founded(update) is not None:
            self._lose(update.node, PeerState.DEAD if update.state == 2 else PeerState.LEFT)

    def _compare(self, message: Listing) -> None:
        """Whom the source does not list where all are listed, it does not have."""
        listed = {stamp.key for stamp in message.stamps}
        buckets = set(message.buckets)
        for node in [n for n in self.members if n not in listed and bucket_of(n, message.bits) in buckets]:
            self._lose(node, PeerState.DEAD)

    def _lose(self, node: str, state: PeerState) -> None:
        """Not kept: whoever is followed next may know better."""
        member = self._table.evict(node)
        if member is not None:
            self._outbox.add(MemberChanged(node, state, member.state))

    def _turn(self, now: float) -> None:
        """To another member, or the same again when there is no other."""
        candidates = sorted({*self._contacts, *self.members} - {self.source or ""})
        if candidates:
            self.source = self._rng.choice(candidates)
        self._heard = now
        if self.source is not None:
            self._ask(now)

    def _ask(self, now: float) -> None:
        self._next_at = now + _ASK_AGAIN
        if self.source is not None:
            self._syncer.start(self.source, now, watch=True)
