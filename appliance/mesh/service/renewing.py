"""A new certificate for this box: in time, or because another box did not take the one it shows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from appliance.mesh.identity.errors import Untrusted
from appliance.mesh.identity.issuing import due
from appliance.mesh.identity.joining import Joined
from appliance.mesh.identity.returning import readmit
from appliance.mesh.lanes.lanes import Lanes
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.service.outcome import Refused
from appliance.mesh.service.papers import Papers, now_ms
from appliance.mesh.service.visiting import renew
from appliance.mesh.types import Lane
from appliance.tasks import TaskGroup

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds between two tries at one box


@dataclass(frozen=True, slots=True)
class Renews:
    papers: Papers
    lanes: Lanes
    present: Callable[[], Iterable[str]]  # members to ask
    took: Callable[[Joined, str], Awaitable[None]]  # a certificate, and who gave it
    refused: Callable[[str, Refused], None]


@dataclass(slots=True)
class _Pause:
    until: float = 0.0
    length: float = FIRST_PAUSE


class Renewing:
    def __init__(self, renews: Renews) -> None:
        self._renews = renews
        self._tasks = TaskGroup()
        self._pauses: dict[str, _Pause] = {}
        self._at: set[str] = set()

    async def close(self) -> None:
        await self._tasks.close()

    def turned_away(self, node: str, error: LaneError) -> None:
        """Whether it is an old certificate, an old key or a removal, only the question itself tells."""
        if error.reason is Reason.TRUST:
            self.at(node)

    def at(self, node: str) -> None:
        """Not again and again at a box that says no."""
        now = asyncio.get_running_loop().time()
        pause = self._pauses.setdefault(node, _Pause())
        if node not in self._at and now >= pause.until and self._renews.papers.admits(node):
            pause.until, pause.length = now + pause.length, min(2 * pause.length, LONGEST_PAUSE)
            self._at.add(node)
            self._tasks.start(f"renew at {node}", self._at_one(node))

    def look(self) -> None:
        """Now and then."""
        papers = self._renews.papers
        claims = papers.belonging.certificate.claims
        if papers.verdicts.ours is not None:
            return
        if claims.generation == papers.belonging.anchor.generation and not due(claims, now_ms()):
            return
        if papers.belonging.mesh_key is not None:
            self._own()
            return
        for node in self._asked():
            self.at(node)

    def _asked(self) -> list[str]:
        """Those that may renew, and one at a time: the next one comes with the next look."""
        inviters = {
            one.node for one in self._renews.papers.roster.certificates.values() if one.claims.may_invite
        } - self._at
        now = asyncio.get_running_loop().time()
        free = [
            node
            for node in self._renews.present()
            if node in inviters and self._pauses.get(node, _Pause()).until <= now
        ]
        return free[:1]

    def _own(self) -> None:
        """The holder of the mesh key renews its own."""
        papers = self._renews.papers
        belonging = papers.belonging
        issuer, now = belonging.issuer(papers.key), now_ms()
        try:
            given = readmit(papers.roster, belonging.anchor, issuer, belonging.certificate, papers.public, now)
        except Untrusted as error:
            self._renews.refused(papers.node, Refused(error.reason.value, error.text))
            return
        papers.learn((given,))

    async def _at_one(self, node: str) -> None:
        renews = self._renews
        try:
            book = renews.lanes.book
            addresses = tuple(dict.fromkeys((*book.ways(node, Lane.QUIC), *book.ways(node, Lane.TLS))))
            got = await renew(renews.lanes, renews.papers, node, addresses)
            if isinstance(got, Refused):
                renews.refused(node, got)
            else:
                self._pauses.pop(node, None)
                await renews.took(got, node)
        finally:
            self._at.discard(node)
