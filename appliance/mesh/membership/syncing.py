"""Two boxes make equal what they know: sums first, then what lies where the sums differ, then the records."""

from __future__ import annotations

from collections import OrderedDict

from appliance.mesh.membership.digest import bits_for, bucket_of
from appliance.mesh.membership.outbox import Outbox
from appliance.mesh.membership.table import STATES, Table
from appliance.mesh.membership.types import Timing
from appliance.mesh.membership.wire import (
    MOST_STAMPS,
    MOST_UPDATES,
    Compare,
    Listing,
    News,
    Stamp,
    Update,
    Want,
    pages,
    parcels,
)

MOST_GIVEN = 512 * 1024  # bytes of records for one question
_ASK_AGAIN = 1.0
_MOST_ASKED = 8192


class Syncer:
    def __init__(self, table: Table, outbox: Outbox, timing: Timing) -> None:
        self._table = table
        self._outbox = outbox
        self._timing = timing
        self._asked: OrderedDict[str, float] = OrderedDict()
        self._next_at = float("-inf")

    def start(self, peer: str, now: float, *, watch: bool = False) -> None:
        self._table.stats.syncs += 1
        self._next_at = now + max(self._timing.sync_every, self._table.here / 64)
        bits = bits_for(self._table.entries())
        self._outbox.send(peer, Compare(bits, self._table.digest.sums(bits), watch))

    def differs(self, peer: str, total: int, now: float, *, busy: bool) -> None:
        """Somebody knows something else. While news travel that is no surprise, and they will arrive by themselves."""
        overdue = now >= self._next_at + 3 * self._timing.sync_every
        if total != self._table.digest.total and now >= self._next_at and (overdue or not busy):
            self.start(peer, now)

    def compare(self, message: Compare, sender: str) -> None:
        """Answered even if nothing differs when a client asks: it sees that this box is there."""
        buckets = self._table.digest.differing(message.bits, message.sums)
        if not buckets and not message.watch:
            return
        found: dict[int, list[Stamp]] = {bucket: [] for bucket in buckets}
        for stamp in self._table.stamps():
            found.get(bucket_of(stamp.key, message.bits), []).append(stamp)
        finer = bits_for(self._table.entries())
        if sum(map(len, found.values())) > MOST_STAMPS and message.bits < finer:
            # a newcomer to a large mesh: so few buckets hold too much for one list
            self._outbox.send(sender, Compare(finer, self._table.digest.sums(finer)))
        else:
            self._list(message.bits, found, sender)

    def _list(self, bits: int, found: dict[int, list[Stamp]], sender: str) -> None:
        """As much as fits; the rest comes next time."""
        buckets: list[int] = []
        stamps: list[Stamp] = []
        for bucket, held in found.items():
            if len(stamps) + len(held) <= MOST_STAMPS:
                buckets.append(bucket)
                stamps += held
        self._outbox.send(sender, Listing(bits, tuple(buckets), tuple(stamps)))

    def listing(self, message: Listing, sender: str, now: float, *, give: bool = True) -> None:
        """Asks for what is newer there, gives what is newer here, names who is gone."""
        theirs = {stamp.key: stamp for stamp in message.stamps}
        self.want(message.stamps, sender, now)
        if not give:
            return
        buckets = set(message.buckets)
        newer = [
            stamp.key
            for stamp in self._table.stamps()
            if bucket_of(stamp.key, message.bits) in buckets and _newer(stamp, theirs.get(stamp.key))
        ]
        self._give(newer, sender)

    def want(self, stamps: tuple[Stamp, ...], sender: str, now: float) -> None:
        """Asks the sender for what is lacking, unless it was asked for a moment ago."""
        lacking = [stamp.key for stamp in stamps if self._table.lacks(stamp) and self._asked.get(stamp.key, 0.0) <= now]
        for key in lacking:
            self._asked[key] = now + _ASK_AGAIN
        while len(self._asked) > _MOST_ASKED:
            self._asked.popitem(last=False)
        if lacking:
            self._outbox.send(sender, Want(tuple(lacking)))
        self.tell_gone(stamps, sender)

    def tell_gone(self, stamps: tuple[Stamp, ...], sender: str) -> None:
        """Who is listed as alive there and known to be gone here."""
        found = []
        for stamp in stamps:
            member = self._table.members.get(stamp.key)
            if member is not None and member.gone and stamp.incarnation <= member.record.incarnation:
                state = STATES.index(member.state)
                found.append(Update(state, stamp.key, member.record.incarnation, self._table.node))
        for page in pages(found, MOST_UPDATES):
            self._outbox.send(sender, News(updates=page))

    def give(self, message: Want, sender: str) -> None:
        self._give(message.keys, sender)

    def arrived(self, key: str) -> None:
        self._asked.pop(key, None)

    def _give(self, keys: tuple[str, ...] | list[str], sender: str) -> None:
        blobs: list[bytes] = []
        room = MOST_GIVEN
        for key in dict.fromkeys(keys):
            blob = self._table.blob(key)
            room -= len(blob or b"")
            if room < 0:
                break
            if blob is not None:
                blobs.append(blob)
        for parcel in parcels(blobs):
            self._outbox.send(sender, News(blobs=parcel))


def _newer(own: Stamp, theirs: Stamp | None) -> bool:
    return theirs is None or (own.incarnation, own.version) > (theirs.incarnation, theirs.version)
