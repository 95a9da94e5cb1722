"""Two boxes that cannot reach each other are led together by a third, which both reach.

    asker  --Relay(target)-->  relay  --question "meet"-->  target
    asker                      relay  <--Meet(ticket)--     target dials the relay
    asker  ==== TLS of its own, from end to end ====        target

The relay moves bytes it cannot read. It does so for members, a few at a time, at a bounded pace, and never through a
second relay: a relayed connection may not ask for another one.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from appliance.mesh.lanes.contract import Peer
from appliance.mesh.lanes.dialler import Dialler
from appliance.mesh.lanes.limits import Limits
from appliance.mesh.lanes.listener import Listener
from appliance.mesh.lanes.purpose import Answer, Meet, Purpose, Relay, decode_answer, encode
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.tasks import TaskGroup

MEET = "meet"
TICKET = 16
GO = b"go"
SECONDS = 6.0  # from asking the target until it has come

Direct = Callable[[str, Purpose], Awaitable[Stream]]
Ask = Callable[[str, str, bytes, float], Awaitable[bytes]]


@dataclass(slots=True)
class _Expected:
    target: str
    came: asyncio.Future[Stream]
    over: asyncio.Event = field(default_factory=asyncio.Event)


class RelayService:
    """What this node does for others. `ask` may use direct connections only."""

    def __init__(self, ask: Ask, limits: Limits) -> None:
        self._ask, self._limits = ask, limits
        self._expected: dict[bytes, _Expected] = {}
        self._for: Counter[str] = Counter()
        self.moved = 0  # bytes

    @property
    def pairs(self) -> int:
        return self._for.total()

    async def relay(self, stream: Stream) -> None:
        """The handler of `Relay`."""
        if not isinstance(stream.purpose, Relay):
            return
        asker = stream.peer.node
        if self.pairs >= self._limits.relays or self._for[asker] >= self._limits.relays_per_peer:
            await _say(stream, LaneError(Reason.BUSY, "that box relays for too many already"))
            return
        self._for[asker] += 1
        try:
            await self._lead_together(stream, stream.purpose.target)
        finally:
            self._for -= Counter((asker,))

    async def _lead_together(self, stream: Stream, target: str) -> None:
        ticket = os.urandom(TICKET)
        expected = _Expected(target, asyncio.get_running_loop().create_future())
        self._expected[ticket] = expected
        try:
            try:
                async with asyncio.timeout(SECONDS):
                    await self._ask(target, MEET, ticket, SECONDS)
                    other = await expected.came
            except (LaneError, TimeoutError) as error:
                await _say(stream, LaneError(Reason.UNREACHABLE, f"the relay did not reach {target}: {error}"))
                return
            await _say(stream)
            await self._splice(stream, other)
        finally:
            self._expected.pop(ticket, None)
            expected.came.cancel()
            expected.over.set()

    async def meet(self, stream: Stream) -> None:
        """The handler of `Meet`: the one who was asked to come is here."""
        if not isinstance(stream.purpose, Meet):
            return
        expected = self._expected.get(stream.purpose.ticket)
        if expected is None or expected.target != stream.peer.node or expected.came.done():
            return
        if await stream.read_frame() == GO and not expected.came.done():
            expected.came.set_result(stream)
            await expected.over.wait()

    async def _splice(self, one: Stream, other: Stream) -> None:
        """Until either ends; then both do."""
        tasks = TaskGroup()
        try:
            ways = [
                tasks.start("relay there", self._move(one, other)),
                tasks.start("relay back", self._move(other, one)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await tasks.close()
            one.close()
            other.close()

    async def _move(self, source: Stream, sink: Stream) -> None:
        loop = asyncio.get_running_loop()
        pace, due = self._limits.relay_bytes_per_second, loop.time()
        try:
            while data := await source.read():
                await sink.write(data)
                self.moved += len(data)
                due = max(due, loop.time() - 0.1) + len(data) / pace
                if due > loop.time():
                    await asyncio.sleep(due - loop.time())
        except LaneError:
            return


class RelayUser:
    """How this node is reached and reaches others through a relay. `direct` opens streams without one."""

    def __init__(self, direct: Direct, dialler: Dialler, listener: Listener, limits: Limits) -> None:
        self._direct, self._dialler, self._listener, self._limits = direct, dialler, listener, limits
        self._tasks = TaskGroup()
        self._coming: Counter[str] = Counter()

    async def close(self) -> None:
        await self._tasks.close()

    async def through(self, relay: str, node: str, purpose: Purpose) -> Stream:
        outer = await self._direct(relay, Relay(node))
        try:
            async with asyncio.timeout(2 * SECONDS):
                await _led_together(outer)
                inner = await self._dialler.over(outer.transport, node, purpose)
        except TimeoutError as error:
            outer.abort()
            raise LaneError(Reason.LATE, f"the relay {relay} did not answer in time") from error
        except BaseException:
            outer.abort()
            raise
        inner.relayed_by = relay
        return inner

    async def asked_to_come(self, peer: Peer, ticket: bytes) -> bytes:
        """The answer to the question `meet`: this node goes there and waits to be led together."""
        if self._coming[peer.node] >= self._limits.relays_per_peer:
            raise LaneError(Reason.BUSY, "that box is on its way to the relay too often already")
        if len(ticket) != TICKET:
            raise LaneError(Reason.MALFORMED, "that is no ticket")
        self._coming[peer.node] += 1
        self._tasks.start(f"to the relay {peer.node}", self._come(peer.node, ticket))
        return b""

    async def _come(self, relay: str, ticket: bytes) -> None:
        try:
            stream = await self._direct(relay, Meet(ticket))
            stream.transport.pause_reading()  # what comes next belongs to the TLS of the other end
            await stream.write_frame(GO)
            self._listener.arrived(stream.transport, relayed_by=relay)
        except LaneError:
            return  # the relay tells the asker that nobody came
        finally:
            self._coming -= Counter((relay,))


async def _say(stream: Stream, error: LaneError | None = None) -> None:
    said = Answer() if error is None else Answer(error.reason.value, str(error))
    await stream.write_frame(encode(said))


async def _led_together(outer: Stream) -> None:
    frame = await outer.read_frame()
    if not frame:
        raise LaneError(Reason.CLOSED, "the relay ended the connection")
    answer = decode_answer(frame)
    if answer.refused:
        raise LaneError(Reason.UNREACHABLE, answer.text)
