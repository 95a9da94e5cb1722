"""Asks to be let in by an address: both boxes show six digits, a person at either side compares them and says so.

The asking box comes in only when both did: the other by approving, this one by `confirm`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from appliance.mesh.identity.errors import Reason as Why
from appliance.mesh.identity.handshake import NONCE_BYTES, Peer
from appliance.mesh.identity.joining import Admitted, Answer, Joined, Promise, Reveal, Revealed, Wait, asking, joined
from appliance.mesh.identity.messages import Refusal
from appliance.mesh.identity.pairing import LASTS, Asking
from appliance.mesh.lanes.address import Address, parse_address
from appliance.mesh.lanes.lanes import Lanes
from appliance.mesh.lanes.trouble import LaneError
from appliance.mesh.lanes.visit import Visit
from appliance.mesh.plain import plain
from appliance.mesh.service.outcome import TROUBLES, Refused, refused, said_no
from appliance.mesh.service.papers import Papers, now_ms
from appliance.mesh.service.visiting import ask
from appliance.mesh.types import Role
from appliance.tasks import TaskGroup

LOOK_EVERY = 0.4  # seconds between two questions whether it was approved
LONGEST_NAME = 64
_ODD = Refused("garbage", "The other box gave an answer that does not belong here.")


class Step(StrEnum):
    COMPARE = "compare"  # the digits are there
    CONFIRMED = "confirmed"  # by this side
    JOINED = "joined"
    ENDED = "ended"  # the text says why


@dataclass(frozen=True, slots=True)
class Application:
    """For the page."""

    address: str
    node: str
    mesh_name: str
    digits: str
    step: Step = Step.COMPARE
    approved: bool = False  # by the other side
    ended: Refused | None = None

    @property
    def open(self) -> bool:
        return self.step in (Step.COMPARE, Step.CONFIRMED)


@dataclass(frozen=True, slots=True)
class Guest:
    """Who asks, and what becomes of it when both sides agreed."""

    papers: Papers
    name: str
    role: Role
    enter: Callable[[Joined, str, tuple[Address, ...]], Awaitable[Refused | None]]
    changed: Callable[[], None]


class Applying:
    """One request at a time; a new one takes the place of the one before."""

    def __init__(self) -> None:
        self.application: Application | None = None
        self._asking: Asking | None = None
        self._confirmed = asyncio.Event()
        self._tasks = TaskGroup()

    async def begin(self, lanes: Lanes, guest: Guest, text: str) -> Application | Refused:
        """Until both sides show the digits."""
        await self.cancel()
        self.application, self._confirmed = None, asyncio.Event()
        try:
            address = parse_address(text)
            visit = await lanes.visit((address,), None)
        except LaneError as error:
            return refused(error)
        try:
            found = await self._exchanged(visit, guest, address)
        except TROUBLES as error:
            found = refused(error)
        if isinstance(found, Refused):
            visit.close()
            return found
        self.application, self._asking, promise = found
        self._tasks.start("ask to join", self._wait(lanes, guest, address, visit, promise))
        guest.changed()
        return self.application

    async def _exchanged(
        self, visit: Visit, guest: Guest, address: Address
    ) -> tuple[Application, Asking, Promise] | Refused:
        peer, nonce = visit.peer, os.urandom(NONCE_BYTES)
        if not isinstance(peer, Peer):
            return _ODD
        mine, question = asking(guest.papers.public, peer.key, nonce, guest.name, guest.role)
        promise = await ask(visit, question)
        if not isinstance(promise, Promise):
            return _no(promise)
        mine = mine.promised(promise.commitment)
        revealed = await ask(visit, Reveal(nonce))
        if not isinstance(revealed, Revealed):
            return _no(revealed)
        mine = mine.revealed(revealed.nonce)
        shown = Application(str(address), peer.node, plain(promise.name, LONGEST_NAME), mine.digits)
        return shown, mine, promise

    def confirm(self) -> Refused | None:
        """Somebody at this box has seen that both show the same digits."""
        if self.application is None or not self.application.open or self._asking is None:
            return Refused(
                "unknown", "This box does not ask to join at the moment. Ask first, then compare the digits."
            )
        self._asking = self._asking.confirm()
        self.application = replace(self.application, step=Step.CONFIRMED)
        self._confirmed.set()
        return None

    async def cancel(self) -> None:
        await self._tasks.close()
        if self.application is not None and self.application.open:
            ended = Refused("cancelled", "The request was taken back at this box.")
            self.application = replace(self.application, step=Step.ENDED, ended=ended)

    async def _wait(self, lanes: Lanes, guest: Guest, address: Address, visit: Visit, promise: Promise) -> None:
        """Ends the application, one way or the other. `cancel` cancels this task and ends it as well."""
        node = visit.peer.node
        try:
            async with asyncio.timeout(LASTS / 1000):
                admitted = await self._admitted(lanes, address, visit)
                if isinstance(admitted, Admitted):
                    self._shown(guest, approved=True)
                    await self._confirmed.wait()
        except TimeoutError:
            admitted = Refused("expired", "Nobody answered within ten minutes. Ask again.")
        if isinstance(admitted, Admitted):
            ended = await self._enter(guest, admitted, promise, node, address)
        else:
            ended = admitted
        if ended is None:
            self._shown(guest, step=Step.JOINED)
        else:
            self._shown(guest, step=Step.ENDED, ended=ended)

    async def _admitted(self, lanes: Lanes, address: Address, visit: Visit) -> Admitted | Refused:
        node = visit.peer.node
        try:
            while True:
                try:
                    answer = await ask(visit, Wait())
                    if isinstance(answer, Admitted):
                        return answer
                    if not isinstance(answer, Refusal) or answer.reason != Why.WAITING:
                        return _no(answer)
                except LaneError:
                    visit.close()
                    visit = await _again(lanes, address, node) or visit
                await asyncio.sleep(LOOK_EVERY)
        except TROUBLES as error:
            return refused(error)
        finally:
            visit.close()

    @staticmethod
    async def _enter(guest: Guest, admitted: Admitted, promise: Promise, node: str, address: Address) -> Refused | None:
        try:
            got = joined(admitted, guest.papers.public, promise.mesh, now_ms())
        except TROUBLES as error:
            return refused(error)
        return await guest.enter(got, node, (address,))

    def _shown(
        self, guest: Guest, *, step: Step | None = None, approved: bool | None = None, ended: Refused | None = None
    ) -> None:
        if self.application is not None:
            now = self.application
            self.application = replace(
                now,
                step=now.step if step is None else step,
                approved=now.approved if approved is None else approved,
                ended=ended,
            )
        guest.changed()


async def _again(lanes: Lanes, address: Address, node: str) -> Visit | None:
    """The connection broke; the request is still on the desk over there."""
    try:
        return await lanes.visit((address,), node)
    except LaneError:
        return None


def _no(answer: Answer) -> Refused:
    return said_no(answer) if isinstance(answer, Refusal) else _ODD
