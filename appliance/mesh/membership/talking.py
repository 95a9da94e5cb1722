"""What every message of another member does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from appliance.mesh.membership.parts import Parts
from appliance.mesh.membership.record import Record, knows_counts_of
from appliance.mesh.membership.table import Member, Verdict, topic_item
from appliance.mesh.membership.types import RecordChanged, TopicArrived
from appliance.mesh.membership.wire import (
    ROOM,
    Ack,
    Compare,
    Listing,
    Message,
    Nack,
    News,
    Ping,
    PingFor,
    Refusal,
    Stamp,
    Update,
    Want,
)
from appliance.mesh.types import PeerState

_OF_CLIENTS = (Compare, Want)  # they take and do not tell
_TELL_AGAIN = 0.5  # seconds: answers to answers must not fill the network


class Talk:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._table = parts.table
        self._prober = parts.standing.prober
        self._handlers: Mapping[type, Callable[[Any, str, float], None]] = {
            Ping: self._ping,
            Ack: self._ack,
            Nack: lambda message, sender, _: self._prober.nack(message.number, sender),
            PingFor: self._ping_for,
            News: self._news,
            Compare: self._compare,
            Listing: parts.syncer.listing,
            Want: lambda message, sender, _: parts.syncer.give(message, sender),
            Refusal: lambda _message, _sender, _now: None,
        }

    def handle(self, message: Message, sender: str, now: float) -> None:
        if type(message) not in _OF_CLIENTS and not self._table.trust.gossips(sender):
            self._table.stats.strangers += 1
            return
        self._handlers[type(message)](message, sender, now)
        member = self._table.members.get(sender)
        if member is None:
            return
        member.heard = now
        if (member.former or member.state is not PeerState.ALIVE) and now - member.told >= _TELL_AGAIN:
            member.told = now
            self._object(member)

    def _object(self, member: Member) -> None:
        """It speaks, so it should hear what is believed of it, and can prove the contrary."""
        if member.gone:
            self._parts.syncer.tell_gone((member.stamp,), member.record.node)
        elif member.state is PeerState.SUSPECT:
            updates = self._parts.standing.doubt_about(member.record.node)
            self._parts.outbox.send(member.record.node, News(updates=updates))
        elif member.former is not None:
            self._remind(member, member.former)

    def _remind(self, member: Member, former: Record) -> None:
        """A box that started anew gets its counts of the life before, until it has them."""
        member.reminders -= 1
        if member.reminders < 0 or knows_counts_of(member.record, former):
            member.former = None
        else:
            self._parts.outbox.send(member.record.node, News(blobs=(former.blob,)))

    def _ping(self, message: Ping, sender: str, now: float) -> None:
        self._hear(message.updates, message.stamps, sender, now)
        batch = self._parts.standing.rumours.take(ROOM - 80)
        total, at = self._table.digest.total, self._parts.wall_ms(now)
        self._parts.outbox.send(sender, Ack(message.number, total, at, batch.updates, batch.stamps))
        self._differs(message.total, sender, now)

    def _ack(self, message: Ack, sender: str, now: float) -> None:
        answered = self._prober.answered(message.number, sender, now)
        if answered is not None and answered.rtt is not None:
            self._measure(sender, answered.rtt, message.at, now)
        if answered is not None and answered.tell is not None:
            relayed = Ack(answered.tell.number, self._table.digest.total, self._parts.wall_ms(now))
            self._parts.outbox.send(answered.tell.origin, relayed)
        self._hear(message.updates, message.stamps, sender, now)
        self._differs(message.total, sender, now)

    def _ping_for(self, message: PingFor, sender: str, now: float) -> None:
        member = self._table.members.get(message.target)
        number = None
        if member is not None and not member.gone:
            number = self._prober.help(message.target, sender, message.number, member.rtt, now)
        if number is None:
            self._parts.outbox.send(sender, Nack(message.number))
        else:
            self._parts.ping(message.target, number, now)

    def _news(self, message: News, sender: str, now: float) -> None:
        for blob in message.blobs:
            item = topic_item(blob)
            if item is not None:
                self._item(*item)
            else:
                self._record(blob, sender, now)
        self._hear(message.updates, message.stamps, sender, now)

    def _compare(self, message: Compare, sender: str, now: float) -> None:
        if message.watch:
            self._parts.standing.watchers.add(sender, now)
        self._parts.syncer.compare(message, sender)

    def _hear(self, updates: tuple[Update, ...], stamps: tuple[Stamp, ...], sender: str, now: float) -> None:
        own = self._table.own
        for update in updates:
            self._parts.standing.hear(update, now)
        if own is not None and any(u.node == own.node and u.incarnation < own.incarnation for u in updates):
            self._parts.outbox.send(sender, News(blobs=(own.blob,)))  # that was disproved long ago
        if stamps:
            self._parts.syncer.want(stamps, sender, now)

    def _record(self, blob: bytes, sender: str, now: float) -> None:
        offered = self._table.offer(blob, now)
        record = offered.record
        self._parts.syncer.arrived(record.node)
        if offered.verdict is Verdict.OWN:
            self._former_self(record, now)
        elif record.node == sender and offered.before and offered.before.incarnation > record.incarnation:
            # the clock of that box went back: it can outdo what it said in a later life
            self._parts.outbox.send(sender, News(blobs=(offered.before.blob,)))
        elif offered.verdict is Verdict.GONE:
            self._parts.syncer.tell_gone((Stamp(record.node, *record.age),), sender)
        if offered.verdict.taken:
            self._parts.demand.learn(record, now, self._parts.wall(now))
            self._parts.standing.arrived(self._table.members[record.node], offered.was, now)
            self._parts.outbox.add(RecordChanged(record.node))

    def _former_self(self, record: Record, now: float) -> None:
        self._parts.demand.learn(record, now, self._parts.wall(now))
        if self._table.own is not None and record.age > self._table.own.age:
            self._parts.own.outdo(record.incarnation)
            self._parts.tell(now)
            self._parts.standing.urgent = True
        self._parts.own.consider(now)

    def _item(self, topic: str, data: bytes) -> None:
        key = self._table.add_topic(topic, data)
        if key is not None:
            self._parts.syncer.arrived(key)
            self._parts.spread_topic(key)
            self._parts.outbox.add(TopicArrived(topic, data))

    def _measure(self, sender: str, rtt: float, at: int, now: float) -> None:
        member = self._table.members.get(sender)
        if member is None:
            return
        member.rtt = rtt if member.rtt is None else member.rtt * 0.75 + rtt * 0.25
        member.skew = at / 1000 + rtt / 2 - self._parts.wall(now)

    def _differs(self, total: int, sender: str, now: float) -> None:
        self._parts.syncer.differs(sender, total, now, busy=len(self._parts.standing.rumours) > 0)
