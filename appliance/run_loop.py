"""The one loop: events in, reduce, decide, commands out, and everyone who watches is told.

Events that wait are folded together before one decision, so a burst costs one round.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from appliance.node.commands import Command
from appliance.node.decide import Decision, decide
from appliance.node.events import Event
from appliance.node.reduce import reduce
from appliance.node.snapshot import Snapshot

log = logging.getLogger(__name__)

ROUND_SECONDS = 1.0  # a round comes at least so often: what a missed event left undone is done then


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is and what was decided, as everyone outside the loop reads it."""

    revision: int
    snapshot: Snapshot
    decision: Decision


class RunLoop:
    def __init__(self, snapshot: Snapshot, dispatch: Callable[[Command], None], clock: Callable[[], float]) -> None:
        self._dispatch = dispatch
        self._clock = clock
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._changed = asyncio.Event()
        self.outlook = Outlook(0, snapshot, decide(snapshot, clock()))

    def post(self, event: Event) -> None:
        """Takes an event; never blocks, may be called from any coroutine of the loop's thread."""
        self._events.put_nowait(event)

    async def run(self) -> None:
        while True:
            self._round(await self._waiting_events())

    async def _waiting_events(self) -> list[Event]:
        try:
            async with asyncio.timeout(ROUND_SECONDS):  # wait_for may swallow a cancellation when an event is there
                events = [await self._events.get()]
        except TimeoutError:
            return []
        while not self._events.empty():
            events.append(self._events.get_nowait())
        return events

    def _round(self, events: list[Event]) -> None:
        snapshot = self.outlook.snapshot
        for event in events:
            snapshot = reduce(snapshot, event)
        decision = decide(snapshot, self._clock())
        self._publish(snapshot, decision)
        for command in decision.commands:
            try:
                self._dispatch(command)
            except Exception:
                log.exception("command %s failed", command)

    def _publish(self, snapshot: Snapshot, decision: Decision) -> None:
        if snapshot == self.outlook.snapshot and decision == self.outlook.decision:
            return
        self.outlook = Outlook(self.outlook.revision + 1, snapshot, decision)
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed_within(self, seconds: float) -> None:
        """Returns with the next change, or when the time is over."""
        changed = self._changed
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await changed.wait()

    async def watch(self) -> AsyncIterator[Outlook]:
        """Yields the outlook now and after each change; a slow reader misses what lies between, never the last."""
        while True:
            changed, outlook = self._changed, self.outlook
            yield outlook
            if outlook is self.outlook:
                await changed.wait()
