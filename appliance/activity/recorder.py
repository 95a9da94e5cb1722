"""Follows requests as they end, looks at the machine every five seconds, and has it all stored once a minute."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from appliance.activity.engines import running_tasks
from appliance.activity.series import FINE, History
from appliance.activity.slots import ShareMeter, SlotMeter, Tasks
from appliance.activity.store import ActivityStore
from appliance.activity.totals import Totals
from appliance.activity.types import Ended, Reading
from appliance.hardware.types import Inventory
from appliance.node.snapshot import Child, ChildState, RequestLoad

log = logging.getLogger("meshbox.activity")

LATEST = 200
STORE_SECONDS = 60.0
LONGEST_LOOK = 3.0 * FINE  # a machine that slept was not watched meanwhile


@dataclass(frozen=True, slots=True)
class Sources:
    """What there is to look at."""

    load: Callable[[], RequestLoad]
    peak: Callable[[], int]  # the most requests at once since it was last asked
    waiting_for: Callable[[str], int]  # requests that wait for the engine of a model
    children: Callable[[], Mapping[str, Child]]
    inventory: Callable[[], Inventory | None]
    processor_seconds: Callable[[int], float | None]  # of a process; reads a file
    keep_days: Callable[[], int]
    settle: Callable[[], None] = lambda: None  # has requests told that ended just now


class Recorder:
    def __init__(
        self,
        sources: Sources,
        store: ActivityStore,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources, self._store, self._clock, self._ticks = sources, store, clock, ticks
        self._slots, self._shares = SlotMeter(), ShareMeter()
        self._looked = self._stored = ticks()
        self._changed = asyncio.Event()
        self._history = History()
        self.totals = Totals()
        self._latest: deque[Ended] = deque(maxlen=LATEST)
        self.version = 0  # grows with each look
        self.speed = 0.0  # tokens a second, all answers together

    @property
    def history(self) -> History:
        self._sources.settle()
        return self._history

    @property
    def latest(self) -> deque[Ended]:
        """The newest first."""
        self._sources.settle()
        return self._latest

    def request_ended(self, ended: Ended) -> None:
        self.requests_ended((ended,))

    def requests_ended(self, requests: Sequence[Ended]) -> None:
        """In the order in which they did."""
        for ended in requests:
            self._latest.appendleft(ended)
            self.totals.add(ended)
        self._history.add_requests(requests)

    async def open(self) -> None:
        self.history.keep_days(self._sources.keep_days(), self._clock())
        await self._store.load(self.history, self._clock())

    async def run(self) -> None:
        """To be run once."""
        async with aiohttp.ClientSession() as session:
            while True:
                await asyncio.sleep(FINE - self._clock() % FINE)  # a look for each of the finest bins
                try:
                    await self.look(session)
                except Exception:  # the border of a task: one look that fails is not the last
                    log.exception("a look at the machine failed")

    async def look(self, session: aiohttp.ClientSession) -> None:
        """One look; what it shows is booked on the time since the one before."""
        decoded = self._slots.decoded(await self._running(session))
        used = await asyncio.to_thread(_used, self._sources, self._pids())
        now, inventory, load = self._ticks(), self._sources.inventory(), self._sources.load()
        seconds, self._looked = min(now - self._looked, LONGEST_LOOK), now
        reading = Reading(
            seconds=seconds,
            in_flight=self._sources.peak(),
            queued=load.queued,
            decoded=decoded,
            memory=None if inventory is None else float(inventory.memory.total - inventory.memory.available),
            processor=self._shares.share(used, seconds, inventory.cpu.cores if inventory else 0),
            gpus=inventory.gpus if inventory else (),
        )
        self._book(reading)
        if now - self._stored >= STORE_SECONDS:
            await self.save()

    async def save(self) -> None:
        self._stored = self._ticks()
        await self._store.save(self.history)

    async def watch(self) -> AsyncIterator[int]:
        """Now and after each look; a slow reader misses what lies between, never the last."""
        while True:
            changed, version = self._changed, self.version
            yield version
            if version == self.version:
                await changed.wait()

    def _book(self, reading: Reading) -> None:
        at = self._clock()
        self.history.keep_days(self._sources.keep_days(), at)
        self.history.add_reading(at, reading)
        self.speed = self.history.speed(at)
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def _running(self, session: aiohttp.ClientSession) -> dict[str, Tasks | None]:
        """Only of engines that are at work: the others are left in peace."""
        asked = {
            model: child.endpoint
            for model, child in self._sources.children().items()
            if child.state is ChildState.READY and child.endpoint and self._sources.waiting_for(model)
        }
        told = await asyncio.gather(*(running_tasks(session, endpoint) for endpoint in asked.values()))
        return dict(zip(asked, told, strict=True))

    def _pids(self) -> list[int]:
        return [child.pid for child in self._sources.children().values() if child.pid is not None]


def _used(sources: Sources, pids: Sequence[int]) -> dict[int, float]:
    found = {pid: sources.processor_seconds(pid) for pid in pids}
    return {pid: seconds for pid, seconds in found.items() if seconds is not None}
