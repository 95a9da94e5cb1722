"""Pings of a QUIC connection: how far the other end is, and that it is there at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from appliance.mesh.lanes.rtt import Rtt
from appliance.mesh.lanes.trouble import LaneError, Reason

KEEPING = 0  # the number of pings whose answer nobody waits for; it is measured all the same


class Pulse:
    """`send` sends a ping of that number. `heard_at` is set by the connection at each datagram."""

    def __init__(self, send: Callable[[int], None]) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self.heard_at = self._loop.time()
        self.rtt = Rtt()
        self._waiting: dict[int, tuple[float, asyncio.Future[float]]] = {}
        self._next = KEEPING + 1
        self._beat_at: float | None = None
        self._keeper: asyncio.TimerHandle | None = None

    async def ping(self, seconds: float) -> float:
        """Seconds there and back."""
        number, self._next = self._next, self._next + 1
        answer: asyncio.Future[float] = self._loop.create_future()
        self._waiting[number] = self._loop.time(), answer
        self._send(number)
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError as error:
            raise LaneError(Reason.SILENT, "the peer went silent") from error
        finally:
            self._waiting.pop(number, None)

    def beat(self) -> None:
        self._beat_at = self._loop.time()
        self._send(KEEPING)

    def answered(self, number: int) -> None:
        if number == KEEPING and self._beat_at is not None:
            self.rtt.add(self._loop.time() - self._beat_at)
            self._beat_at = None
        sent, answer = self._waiting.get(number, (0.0, None))
        if answer is not None and not answer.done():
            seconds = self._loop.time() - sent
            self.rtt.add(seconds)
            answer.set_result(seconds)

    def keep(self, interval: float) -> None:
        """From now on silence does not last longer than that."""
        silence = self._loop.time() - self.heard_at
        if silence >= interval:
            self.beat()
            silence = 0.0
        self._keeper = self._loop.call_later(interval - silence, self.keep, interval)

    def stop(self, error: LaneError) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
        for _, answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(LaneError(Reason.CLOSED, str(error)))
