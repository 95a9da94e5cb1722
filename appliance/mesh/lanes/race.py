"""All ways to a peer tried side by side: each a moment after the one before, or at once when all before it failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.trouble import LaneError, Reason, reason_of
from appliance.tasks import TaskGroup

STAGGER = 0.2

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Via:
    """Another member in place of an address: it helps."""

    node: str


Way = Address | Via


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a way did not lead to the peer."""

    way: Way
    reason: Reason
    text: str


@dataclass(frozen=True, slots=True)
class Won(Generic[T]):
    way: Way
    result: T
    failures: tuple[Failure, ...]


class AllFailed(LaneError):
    def __init__(self, failures: tuple[Failure, ...]) -> None:
        self.failures = failures
        text = "; ".join(failure.text for failure in failures) or "no address of that box is known"
        super().__init__(_worst(failures), text)


def briefly(_: Way) -> float:
    return STAGGER


async def race(
    ways: Sequence[Way],
    dial: Callable[[Way], Awaitable[T]],
    give_back: Callable[[T], None],
    lead: Callable[[Way], float] = briefly,
) -> Won[T]:
    """The first that leads there. What another one brought too late is given back.

    `lead` is how many seconds those before it have for themselves.
    """
    runs = _Race(dial, give_back)
    try:
        for at, way in enumerate(ways):
            if at and await runs.decided(lead(way)):
                break
            runs.start(way)
        else:
            await runs.decided(None)
        return runs.outcome()
    finally:
        await runs.close()


class _Race(Generic[T]):
    def __init__(self, dial: Callable[[Way], Awaitable[T]], give_back: Callable[[T], None]) -> None:
        self._dial, self._give_back = dial, give_back
        self._tasks = TaskGroup()
        self._running = 0
        self._failures: list[Failure] = []
        self._won: tuple[Way, T] | None = None
        self._moved = asyncio.Event()

    def start(self, way: Way) -> None:
        self._running += 1
        self._tasks.start(f"dial {way}", self._try(way))

    async def _try(self, way: Way) -> None:
        try:
            result = await self._dial(way)
        except (LaneError, OSError) as error:
            self._failures.append(Failure(way, reason_of(error), str(error)))
        else:
            if self._won is None:
                self._won = way, result
            else:
                self._give_back(result)
        finally:
            self._running -= 1
            self._moved.set()

    async def decided(self, seconds: float | None) -> bool:
        """Waits for a winner; False when the next one may start: the time is over, or all that run failed."""
        try:
            async with asyncio.timeout(seconds):
                while self._won is None and self._running:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            return False
        return self._won is not None

    def outcome(self) -> Won[T]:
        if self._won is None:
            raise AllFailed(tuple(self._failures))
        (way, result), self._won = self._won, None
        return Won(way, result, tuple(self._failures))

    async def close(self) -> None:
        await self._tasks.close()
        if self._won is not None:
            self._give_back(self._won[1])


def _worst(failures: tuple[Failure, ...]) -> Reason:
    """What tells most: somebody who answered and said no before somebody who was silent."""
    order = (Reason.TRUST, Reason.VERSION, Reason.WRONG_NODE, Reason.BUSY, Reason.TLS, Reason.REFUSED)
    reasons = {failure.reason for failure in failures}
    for reason in order:
        if reason in reasons:
            return reason
    return failures[0].reason if failures else Reason.UNREACHABLE
