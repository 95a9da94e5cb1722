"""Which member publishes the listing of a mesh, and when (pure).

One of them does. The others look at the directory now and then: when nobody's listing is renewed any more, or its
author is no member that is there, each waits for a moment of its own, looks once more, and the first takes over. Should
two publish after all, the one with the larger id stops. Only listings by members count here: a stranger's keeps nobody
silent. The clock is this machine's own, so that no other clock has to be right.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from appliance.mesh.discovery.listing import TTL_S, Listing

REPUBLISH_S = 60.0
LOOK_S = 30.0
RETRY_S = 10.0
BACK_OFF_S = (3.0, 10.0)


class Chance(Protocol):
    def uniform(self, a: float, b: float, /) -> float: ...


class Action(StrEnum):
    LOOK = "look"  # then call `looked`
    PUBLISH = "publish"  # then call `published`
    DELETE = "delete"


class Phase(StrEnum):
    OFF = "off"
    WATCHING = "watching"  # another member publishes, or that is not known yet
    WAITING = "waiting"  # nobody does: about to take over
    PUBLISHING = "publishing"


@dataclass(frozen=True, slots=True)
class _Renewal:
    created: int
    seen_at: float  # when this one was first seen here


class Publisher:
    """`tick` at least once a second; it answers with what is to be done now."""

    def __init__(self, node: str, chance: Chance) -> None:
        self._node, self._chance = node, chance
        self.phase = Phase.OFF
        self.holder: str | None = None  # the member that publishes, as far as is known
        self._look_at = self._publish_at = self._take_over_at = 0.0
        self._withdraw = False  # our listing is out there and another one counts
        self._renewals: dict[str, _Renewal] = {}

    def tick(self, now: float, present: AbstractSet[str], *, wanted: bool) -> tuple[Action, ...]:
        """`present` are the other members that are there; `wanted`: this mesh is to be published."""
        if not wanted:
            return self._ended()
        if self.phase is Phase.OFF:
            self.phase, self._look_at = Phase.WATCHING, now
        if self.phase is Phase.WATCHING and self.holder is not None and self.holder not in present:
            self._wait(now)
        return self._due(now)

    def publish_now(self, now: float) -> None:
        """A person asked for it here."""
        self.phase, self.holder = Phase.PUBLISHING, self._node
        self._publish_at, self._look_at, self._withdraw = now, now + LOOK_S, False

    def published(self, now: float, *, accepted: bool) -> None:
        self._publish_at = now + (REPUBLISH_S if accepted else RETRY_S)

    def looked(self, now: float, listings: Iterable[Listing], present: AbstractSet[str]) -> None:
        """What the directory has of this mesh. A look that failed is not reported: the next one comes by itself."""
        fresh = self._fresh(now, listings) & {*present, self._node}
        others = fresh - {self._node}
        match self.phase:
            case Phase.PUBLISHING if others and min(others) < self._node:
                self._yield_to(min(others))
            case Phase.WATCHING | Phase.WAITING if others:
                self.phase, self.holder = Phase.WATCHING, min(others)
            case Phase.WATCHING if fresh:  # our own, from before a restart
                self.publish_now(now)
            case Phase.WATCHING:
                self._wait(now)
            case Phase.WAITING if now >= self._take_over_at:
                self.publish_now(now)

    def _due(self, now: float) -> tuple[Action, ...]:
        due = []
        if self.phase is Phase.PUBLISHING and now >= self._publish_at:
            self._publish_at = now + RETRY_S  # until `published` says otherwise
            due.append(Action.PUBLISH)
        if now >= self._look_at:
            self._look_at = now + (RETRY_S if self.phase is Phase.WAITING else LOOK_S)
            due.append(Action.LOOK)
        if self._withdraw_now():
            due.append(Action.DELETE)
        return tuple(due)

    def _wait(self, now: float) -> None:
        self.phase, self.holder = Phase.WAITING, None
        self._take_over_at = self._look_at = now + self._chance.uniform(*BACK_OFF_S)

    def _yield_to(self, holder: str) -> None:
        self.phase, self.holder, self._withdraw = Phase.WATCHING, holder, True

    def _ended(self) -> tuple[Action, ...]:
        published, self.phase, self.holder = self.phase is Phase.PUBLISHING, Phase.OFF, None
        self._renewals.clear()
        return (Action.DELETE,) if published or self._withdraw_now() else ()

    def _withdraw_now(self) -> bool:
        pending, self._withdraw = self._withdraw, False
        return pending

    def _fresh(self, now: float, listings: Iterable[Listing]) -> frozenset[str]:
        """Whose listing was renewed within its life, by our clock."""
        renewals = {}
        for each in listings:
            before = self._renewals.get(each.node)
            renewals[each.node] = before if before and before.created == each.created else _Renewal(each.created, now)
        self._renewals = renewals
        return frozenset(node for node, renewal in renewals.items() if now - renewal.seen_at < TTL_S)
