"""The parts of the machine and the few moves that all of them make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.mesh.membership.announcing import Announcer
from appliance.mesh.membership.demand import DemandMap
from appliance.mesh.membership.outbox import Outbox
from appliance.mesh.membership.standing import Standing
from appliance.mesh.membership.syncing import Syncer
from appliance.mesh.membership.table import Table
from appliance.mesh.membership.types import Chance, Timing
from appliance.mesh.membership.wire import ROOM, News, Ping, Stamp

FAN = 3  # members that hear at once of what cannot wait
_NEWS_ROOM = 16 * 1024


@dataclass(slots=True)
class Parts:
    table: Table
    outbox: Outbox
    timing: Timing
    rng: Chance
    standing: Standing
    syncer: Syncer
    own: Announcer
    demand: DemandMap
    wall_offset: float

    def wall(self, now: float) -> float:
        return now + self.wall_offset

    def wall_ms(self, now: float) -> int:
        return max(0, round(self.wall(now) * 1000))

    def tell(self, now: float, also: Iterable[str] = ()) -> None:
        """This box's own record, anew; a few get it whole, the others ask for it when they hear of it."""
        record = self.own.tell(now, self.wall(now))
        self.standing.rumours.add(Stamp(record.node, *record.age), self.table.here)
        receivers = {*self.some(FAN), *also}
        if receivers:
            self.outbox.send_all(sorted(receivers), News(blobs=(record.blob,)))

    def check(self, node: str, now: float) -> None:
        """Asks a member whether it is there."""
        self.ping(node, self.standing.prober.start(node, self.table.members[node].rtt, now), now)

    def ping(self, node: str, number: int, now: float) -> None:
        """Says first what the other has to hear: that it is doubted."""
        batch = self.standing.rumours.take(ROOM - 120)
        updates = self.standing.doubt_about(node) + batch.updates
        self.outbox.send(node, Ping(number, self.table.digest.total, self.wall_ms(now), updates, batch.stamps))

    def knock(self, node: str, now: float) -> None:
        """To somebody who may be there or not: who this box is, and what it knows."""
        if self.table.own is not None:
            self.outbox.send(node, News(blobs=(self.table.own.blob,)))
        self.syncer.start(node, now)

    def gossip(self, receivers: int) -> None:
        chosen = self.some(receivers)
        batch = self.standing.rumours.take(_NEWS_ROOM, most=200)
        if chosen and (batch.updates or batch.stamps):
            self.outbox.send_all(chosen, News(batch.updates, batch.stamps))

    def spread_topic(self, key: str) -> None:
        self.standing.rumours.add(Stamp(key, 0, 1), self.table.here)
        self.standing.urgent = True

    def some(self, most: int) -> list[str]:
        """Members by chance."""
        ring = self.standing.prober.ring
        if len(ring) <= most:
            return list(ring)
        return [ring[at] for at in self.rng.sample(range(len(ring)), most)]
