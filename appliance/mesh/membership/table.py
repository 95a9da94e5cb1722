"""Members and topics as this box knows them, and which claims about them are believed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from appliance.mesh.membership.digest import Digest
from appliance.mesh.membership.record import Record, opened
from appliance.mesh.membership.types import Stats, Trust
from appliance.mesh.membership.wire import Malformed, Stamp, Update
from appliance.mesh.types import PeerState

MOST_MEMBERS = 4096
MOST_GONE = 4096
MOST_TOPIC_ITEMS = 1024
LARGEST_TOPIC_ITEM = 8 * 1024
TOPIC = "#"

STATES = (PeerState.ALIVE, PeerState.SUSPECT, PeerState.DEAD, PeerState.LEFT)  # by their number on the wire
_REMINDERS = 5
GONE = frozenset({PeerState.DEAD, PeerState.LEFT})


@dataclass(slots=True)
class Member:
    record: Record
    state: PeerState
    since: float  # in this state
    arrived: float  # when the record came here
    heard: float = float("-inf")  # when it spoke to this box itself
    told: float = float("-inf")  # when it last heard from this box what is believed of it
    rtt: float | None = None  # seconds
    skew: float | None = None  # seconds its wall clock is ahead of ours
    former: Record | None = None  # of a life before, with counts that it may not know any more
    reminders: int = 0  # how often it still gets that

    @property
    def gone(self) -> bool:
        return self.state in GONE

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.record.node, self.record.incarnation, self.record.version)


class Verdict(Enum):
    NEW = "new"
    RETURNED = "returned"
    CHANGED = "changed"
    OLD = "old"
    GONE = "gone"
    OWN = "own"
    REFUSED = "refused"

    @property
    def taken(self) -> bool:
        return self in {Verdict.NEW, Verdict.RETURNED, Verdict.CHANGED}


@dataclass(frozen=True, slots=True)
class Offered:
    verdict: Verdict
    record: Record
    was: PeerState | None = None  # of its node, before
    before: Record | None = None  # what its node said before


class Table:
    def __init__(self, node: str, trust: Trust, stats: Stats) -> None:
        self.node = node
        self.trust = trust
        self.stats = stats
        self.members: dict[str, Member] = {}
        self.topics: dict[str, bytes] = {}
        self.digest = Digest()
        self.own: Record | None = None
        self.here = 0  # members that are not gone

    def tell(self, record: Record) -> None:
        """This box's own record, which replaces the one before."""
        if self.own is not None:
            self.digest.remove(self.node, *self.own.age)
        self.own = record
        self.digest.add(self.node, *record.age)

    def present(self) -> Iterator[Member]:
        return (member for member in self.members.values() if not member.gone)

    def is_here(self, node: str) -> bool:
        member = self.members.get(node)
        return member is not None and not member.gone

    def entries(self) -> int:
        return self.here + len(self.topics) + 1

    def stamps(self) -> Iterator[Stamp]:
        if self.own is not None:
            yield Stamp(self.node, *self.own.age)
        yield from (member.stamp for member in self.present())
        yield from (Stamp(key, 0, 1) for key in self.topics)

    def blob(self, key: str) -> bytes | None:
        if key == self.node:
            return self.own.blob if self.own is not None else None
        if key.startswith(TOPIC):
            return _with_name(key, self.topics[key]) if key in self.topics else None
        member = self.members.get(key)
        return None if member is None else member.record.blob

    def lacks(self, stamp: Stamp) -> bool:
        """Is that something newer than what is here?"""
        if stamp.key.startswith(TOPIC):
            return stamp.key not in self.topics
        if stamp.key == self.node:
            return self.own is not None and (stamp.incarnation, stamp.version) > self.own.age
        member = self.members.get(stamp.key)
        if member is None:
            return True
        known = member.record
        if member.gone:
            return stamp.incarnation > known.incarnation
        return (stamp.incarnation, stamp.version) > known.age

    def offer(self, blob: bytes, now: float) -> Offered:
        """A record from anybody; taken when it is newer than what is here and really its node's."""
        record = opened(blob)
        if record.node == self.node:
            return Offered(Verdict.OWN if record.genuine(self.trust) else self._forged(), record)
        member = self.members.get(record.node)
        was, before = (None, None) if member is None else (member.state, member.record)
        verdict = _compared(member, record)
        if verdict.taken:
            verdict = self._checked(member, record, verdict)
        elif verdict is Verdict.OLD and member is not None:
            self.stats.replayed += record.age < member.record.age
        if verdict.taken:
            self._take(member, record, now)
        return Offered(verdict, record, was, before)

    def _checked(self, member: Member | None, record: Record, verdict: Verdict) -> Verdict:
        belongs = self.trust.allowed(record.node) and self.trust.gossips(record.node)
        if not belongs or (member is None and self.here >= MOST_MEMBERS):
            return Verdict.REFUSED
        return verdict if record.genuine(self.trust) else self._forged()

    def founded(self, update: Update) -> Member | None:
        """The member that an update is about, if its number is the one that this member uses."""
        member = self.members.get(update.node)
        if member is None or update.incarnation != member.record.incarnation:
            self.stats.unfounded += member is None or update.incarnation > member.record.incarnation
            return None
        return member

    def move(self, member: Member, state: PeerState, now: float) -> None:
        was_gone = member.gone
        member.state = state
        member.since = now
        if member.gone and not was_gone:
            self._leaves(member)

    def evict(self, node: str) -> Member | None:
        """As if it had never been here."""
        member = self.members.pop(node, None)
        if member is not None and not member.gone:
            self._leaves(member)
        return member

    def forget(self, before: float) -> None:
        """The gone whose time is over, and the oldest of too many."""
        gone = sorted((member.since, node) for node, member in self.members.items() if member.gone)
        too_many = max(0, len(gone) - MOST_GONE)
        for at, (since, node) in enumerate(gone):
            if since < before or at < too_many:
                del self.members[node]

    def add_topic(self, topic: str, data: bytes) -> str | None:
        """The key of a good item that was not here yet."""
        key = topic_key(topic, data)
        full = len(self.topics) >= MOST_TOPIC_ITEMS or len(data) > LARGEST_TOPIC_ITEM
        if key in self.topics or full or not self.trust.accept(topic, data):
            return None
        self.topics[key] = data
        self.digest.add(key, 0, 1)
        return key

    def drop_topic(self, topic: str, data: bytes) -> None:
        if self.topics.pop(key := topic_key(topic, data), None) is not None:
            self.digest.remove(key, 0, 1)

    def _take(self, member: Member | None, record: Record, now: float) -> None:
        if member is None:
            self.members[record.node] = Member(record, PeerState.ALIVE, now, now)
            self.here += 1
        else:
            if member.gone:
                self.here += 1
            else:
                self.digest.remove(record.node, *member.record.age)
            if record.incarnation > member.record.incarnation:
                member.state, member.since = PeerState.ALIVE, now
                member.former, member.reminders = member.former or member.record, _REMINDERS
            member.record, member.arrived = record, now
        self.digest.add(record.node, *record.age)

    def _leaves(self, member: Member) -> None:
        self.here -= 1
        self.digest.remove(member.record.node, *member.record.age)

    def _forged(self) -> Verdict:
        self.stats.forged += 1
        return Verdict.REFUSED


def _compared(member: Member | None, record: Record) -> Verdict:
    if member is None:
        return Verdict.NEW
    if member.gone:
        return Verdict.RETURNED if record.incarnation > member.record.incarnation else Verdict.GONE
    return Verdict.CHANGED if record.age > member.record.age else Verdict.OLD


def topic_key(topic: str, data: bytes) -> str:
    return f"{TOPIC}{topic[:24]}:{hashlib.blake2b(data, digest_size=12).hexdigest()}"


def _with_name(key: str, data: bytes) -> bytes:
    """An item as it travels among records: no record begins like that."""
    name = key[1 : key.rindex(":")].encode()
    return b"#" + bytes((len(name),)) + name + data


def topic_item(blob: bytes) -> tuple[str, bytes] | None:
    """The item in a blob; None when it is a record."""
    if not blob.startswith(b"#"):
        return None
    end = 2 + (blob[1] if len(blob) > 1 else 255)
    if len(blob) < end:
        raise Malformed("an item without its topic")
    try:
        return blob[2:end].decode(), blob[end:]
    except UnicodeDecodeError as error:
        raise Malformed(str(error)) from error
