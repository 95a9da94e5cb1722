"""Who is alive, doubted, dead or gone: carries claims into the table, and news of them out."""

from __future__ import annotations

import math
from collections.abc import Callable

from appliance.mesh.membership.health import Health
from appliance.mesh.membership.outbox import Outbox
from appliance.mesh.membership.probing import Prober
from appliance.mesh.membership.rumours import Rumours
from appliance.mesh.membership.suspicion import Doubt, doubt
from appliance.mesh.membership.table import STATES, Member, Table
from appliance.mesh.membership.types import Chance, MemberChanged, Timing
from appliance.mesh.membership.watching import Watchers
from appliance.mesh.membership.wire import Update
from appliance.mesh.types import PeerState

_CHECKERS = 4.0  # boxes that look for themselves when they hear of a doubt


class Standing:
    def __init__(
        self,
        table: Table,
        outbox: Outbox,
        timing: Timing,
        rng: Chance,
        now: float,
        *,
        accused: Callable[[Update, float], None],
        check: Callable[[str, float], None],
    ) -> None:
        """`accused`: this box itself is said to be gone; `check`: asks a member whether it is there."""
        self._table = table
        self._outbox = outbox
        self._timing = timing
        self._rng = rng
        self.health = Health()
        self.prober = Prober(timing, self.health, rng, now, self._heard)
        self.rumours = Rumours()
        self.watchers = Watchers(outbox, timing)
        self.urgent = False
        self._accused = accused
        self._check = check
        self._doubts: dict[str, Doubt] = {}

    def arrived(self, member: Member, was: PeerState | None, now: float) -> None:
        """A record was taken; `was` is what its node was before."""
        node = member.record.node
        if was is PeerState.SUSPECT and member.state is PeerState.ALIVE:
            del self._doubts[node]
        self.rumours.add(member.stamp, self._table.here)
        self.watchers.note(node, member.stamp, now)
        if member.state is not was and member.state is PeerState.ALIVE:
            self.rumours.drop_doubts(node)
            self.prober.include(node, now)
            self.urgent = True
            self._outbox.add(MemberChanged(node, PeerState.ALIVE, was))

    def hear(self, update: Update, now: float) -> None:
        if update.node == self._table.node:
            self._accused(update, now)
            return
        member = self._table.founded(update)
        if member is None or member.gone:
            return
        state = STATES[update.state]
        if state is PeerState.LEFT or (state is PeerState.DEAD and update.node in self._doubts):
            self.lose(member, state, update.by, now)
        else:
            # dead, but this box knew of no doubt: the subject may be one of another half that is just coming back
            self.suspect(member, update.by, now, sure=state is PeerState.DEAD)

    def suspect(self, member: Member, by: str, now: float, *, sure: bool = False) -> None:
        node = member.record.node
        found = self._doubts.get(node)
        if found is None:
            found = doubt(self._timing, self._table.here + 1, self.health.patience, now)
            self._doubts[node] = found
            was = member.state
            self._table.move(member, PeerState.SUSPECT, now)
            self._outbox.add(MemberChanged(node, PeerState.SUSPECT, was))
            self.urgent = True
            if by != self._table.node and self._rng.random() * self._table.here < _CHECKERS:
                self._check(node, now)
        if sure:
            found.expected = 0
        if by == self._table.node:
            found.check_at = now + self._timing.probe_every
        if found.confirm(by):
            self.rumours.add(Update(1, node, member.record.incarnation, by), self._table.here)

    def lose(self, member: Member, state: PeerState, by: str, now: float) -> None:
        node, was = member.record.node, member.state
        self._doubts.pop(node, None)
        self._table.move(member, state, now)
        self.prober.exclude(node)
        self.rumours.drop_doubts(node)
        update = Update(STATES.index(state), node, member.record.incarnation, by)
        self.rumours.add(update, self._table.here)
        self.watchers.note(node, update, now)
        self.urgent = True
        self._outbox.add(MemberChanged(node, state, was))

    def evict(self, node: str, now: float) -> None:
        """Not of the mesh any more."""
        member = self._table.evict(node)
        self._doubts.pop(node, None)
        self.prober.exclude(node)
        if member is not None:
            self.watchers.note(node, Update(3, node, member.record.incarnation, self._table.node), now)
        if member is not None and not member.gone:
            self._outbox.add(MemberChanged(node, PeerState.LEFT, member.state))

    def doubt_about(self, node: str) -> tuple[Update, ...]:
        """What somebody who is doubted has to hear, so that it can object."""
        member = self._table.members[node]
        if node not in self._doubts:
            return ()
        return (Update(1, node, member.record.incarnation, self._table.node),)

    def _heard(self, node: str) -> float:
        return self._table.members[node].heard

    def tick(self, now: float) -> None:
        for node, found in list(self._doubts.items()):
            if now >= found.deadline:
                self.lose(self._table.members[node], PeerState.DEAD, self._table.node, now)
            elif now >= found.check_at:
                found.check_at = now + self._timing.probe_every
                self._check(node, now)

    def grant(self, seconds: float) -> None:
        """This box was late: what others sent may lie unread."""
        self.prober.granted(seconds)
        for found in self._doubts.values():
            found.granted += seconds

    def next_wake(self) -> float:
        return min(
            (min(found.deadline, found.check_at) for found in self._doubts.values()),
            default=math.inf,
        )
