"""Limits of a key: requests in any minute, tokens on a day, requests at once. Pure: the time is an argument."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from appliance.keys.types import DAY_SECONDS, NOTHING_USED, Instant, Limits, Use

MINUTE = 60.0
KEPT_DAYS = 31
BUSY_SECONDS = 1.0  # after which it is worth to ask again when too many requests run
_EXACT = 0.001  # seconds; whoever comes back at the second he was told must not be a rounding error too early


class Limit(StrEnum):
    REQUESTS = "requests_per_minute"
    TOKENS = "tokens_per_day"
    CONCURRENCY = "concurrency"


@dataclass(frozen=True, slots=True)
class Refusal:
    limit: Limit
    most: int
    wait: float  # seconds until it is worth to ask again

    @property
    def retry_after(self) -> int:
        return max(1, math.ceil(self.wait - _EXACT))


@dataclass(frozen=True, slots=True)
class Room:
    """How much of one limit is left, and in how many seconds all of it is there again."""

    most: int
    left: int
    reset: float


class Window:
    """When the requests of the last minute began: in no sixty seconds begin more than allowed, wherever one starts
    to count. It holds no more entries than the limit has."""

    def __init__(self) -> None:
        self._begun: deque[float] = deque()

    def count(self, now: float) -> int:
        while self._begun and self._begun[0] + MINUTE - now < _EXACT:
            self._begun.popleft()
        return len(self._begun)

    def wait(self, most: int, now: float) -> float:
        """Seconds until one more may begin."""
        count = self.count(now)
        return self._begun[count - most] + MINUTE - now if count >= most else 0.0

    def reset(self, now: float) -> float:
        return self._begun[-1] + MINUTE - now if self.count(now) else 0.0

    def add(self, now: float) -> None:
        self._begun.append(now)


class Account:
    """What was used with one key."""

    def __init__(self, days: Mapping[int, Use] | None = None, used_at: float | None = None) -> None:
        self.days = dict(days or {})
        self.used_at = used_at
        self.running = 0
        self.refused = 0  # since the start
        self.total = NOTHING_USED  # since the start
        self._minute = Window()

    def today(self, now: Instant) -> Use:
        return self.days.get(now.day, NOTHING_USED)

    def start(self, limits: Limits, now: Instant) -> Refusal | None:
        """Lets a request begin; whoever gets None calls `end` once it is over."""
        refusal = self._refusal(limits, now)
        if refusal is not None:
            self.refused += 1
            return refusal
        if limits.requests_per_minute is not None:
            self._minute.add(now.ticks)
        self.running += 1
        self.used_at = now.wall
        self._book(Use(requests=1), now)
        return None

    def end(self, tokens_in: int, tokens_out: int, now: Instant) -> None:
        """Tokens count for the day on which they were told."""
        self.running -= 1
        if tokens_in or tokens_out:
            self._book(Use(0, tokens_in, tokens_out), now)

    def rooms(self, limits: Limits, now: Instant) -> Mapping[Limit, Room]:
        """Of the limits that refill."""
        rooms: dict[Limit, Room] = {}
        if (most := limits.requests_per_minute) is not None:
            left = max(0, most - self._minute.count(now.ticks))
            rooms[Limit.REQUESTS] = Room(most, left, self._minute.reset(now.ticks))
        if (most := limits.tokens_per_day) is not None:
            used = self.today(now).tokens
            rooms[Limit.TOKENS] = Room(most, max(0, most - used), until_tomorrow(now) if used else 0.0)
        return rooms

    def _refusal(self, limits: Limits, now: Instant) -> Refusal | None:
        """By the limit that takes longest to refill."""
        if (most := limits.tokens_per_day) is not None and self.today(now).tokens >= most:
            return Refusal(Limit.TOKENS, most, until_tomorrow(now))
        if (most := limits.requests_per_minute) is not None and (wait := self._minute.wait(most, now.ticks)) > 0:
            return Refusal(Limit.REQUESTS, most, wait)
        if (most := limits.concurrency) is not None and self.running >= most:
            return Refusal(Limit.CONCURRENCY, most, BUSY_SECONDS)
        return None

    def _book(self, use: Use, now: Instant) -> None:
        self.total = self.total.plus(use)
        if now.day not in self.days:
            self.days = {day: used for day, used in self.days.items() if now.day - day < KEPT_DAYS}
        self.days[now.day] = self.today(now).plus(use)


def until_tomorrow(now: Instant) -> float:
    return DAY_SECONDS - now.wall % DAY_SECONDS
