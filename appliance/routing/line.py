"""The line before one engine: who is answered next when more ask than it has places. Pure; the time is an argument.

Fair between callers: next is whoever has had the least of the engine's time so far, so that one who asks a hundred
times does not push back another who asks once. Interactive requests come before batch work. And nobody starves: every
fourth place goes to whoever has waited longest, once that wait is long; it is booked on its caller all the same.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

FIRST_GUESS = 2.0  # seconds that an answer takes, until one was measured
LEAST = 0.001  # seconds; an answer that took no time would make no difference between callers
WEIGHT = 0.2  # of a new measurement in what an answer usually takes
LONG_WAIT = 15.0  # seconds after which a request counts as old
TURN_OF_THE_OLD = 4  # each so-manyth place is given to the oldest
MOST_RETRY = 600.0  # seconds; nobody is sent away for longer


@dataclass(eq=False, slots=True)
class Turn:
    """One request's place in the line, and then at the engine."""

    caller: str
    batch: bool
    number: int
    came: float
    started: float | None = None  # when it was its turn


@dataclass(eq=False, slots=True)
class _Caller:
    used: float  # seconds of the engine's time, for answers that have ended
    waiting: deque[Turn] = field(default_factory=deque)
    batch: deque[Turn] = field(default_factory=deque)
    running: dict[Turn, float] = field(default_factory=dict)  # since when

    def had(self, now: float, at_least: float = 0.0) -> float:
        """Seconds of the engine's time until now; each running answer counts for some at least."""
        return self.used + sum(max(now - since, at_least) for since in self.running.values())

    def line_of(self, turn: Turn) -> deque[Turn]:
        return self.batch if turn.batch else self.waiting

    @property
    def idle(self) -> bool:
        return not (self.running or self.waiting or self.batch)


class FairLine:
    def __init__(self) -> None:
        self._callers: dict[str, _Caller] = {}
        self._waiting: dict[int, Turn] = {}  # the oldest first
        self._running: dict[int, Turn] = {}
        self._came = self._given = 0
        self._usual, self._measured = FIRST_GUESS, False
        self._room_at = 0.0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def running(self) -> int:
        return len(self._running)

    def come(self, caller: str, now: float, *, batch: bool = False) -> Turn:
        """Puts a request at the end of the line; `grant` says when it is its turn."""
        self._came += 1
        turn = Turn(caller, batch, self._came, now)
        self._caller(caller, now).line_of(turn).append(turn)
        self._waiting[turn.number] = turn
        return turn

    def start_at_once(self, caller: str, now: float, *, batch: bool = False) -> Turn:
        """`come` and `grant` in one, when nobody waits and a place is free."""
        self._came += 1
        self._given += 1
        turn = Turn(caller, batch, self._came, now, now)
        self._running[turn.number] = turn
        self._caller(caller, now).running[turn] = now
        return turn

    def _caller(self, name: str, now: float) -> _Caller:
        known = self._callers.get(name)
        if known is None:  # one who comes anew has no claim for the time before
            known = self._callers[name] = _Caller(min((c.had(now) for c in self._callers.values()), default=0.0))
        return known

    def grant(self, places: int, now: float) -> list[Turn]:
        """Whose turn it is now, when the engine has so many places. To be asked after every change."""
        granted: list[Turn] = []
        while self._waiting and len(self._running) < places:
            single = len(self._waiting) == 1  # the usual case; a choice costs more
            granted.append(self._start(next(iter(self._waiting.values()) if single else self.order(now)), now))
        return granted

    def leave(self, turn: Turn, now: float) -> None:
        """It was answered, or gives up; what it really took is booked."""
        caller = self._callers[turn.caller]
        if turn.started is None:
            del self._waiting[turn.number]
            caller.line_of(turn).remove(turn)
        else:
            took = max(LEAST, now - turn.started)
            del self._running[turn.number], caller.running[turn]
            caller.used += took
            self._learn(took)
        if caller.idle:
            del self._callers[turn.caller]

    def order(self, now: float) -> Iterator[Turn]:
        """All who wait, in the order of their turns as things stand."""
        plan = _Plan(self._callers, now, self._usual)
        oldest = iter(self._waiting.values())
        for given in range(self._given + 1, self._given + len(self._waiting) + 1):
            old = None
            if given % TURN_OF_THE_OLD == 0:
                old = next((turn for turn in oldest if turn.number not in plan.taken), None)
            yield plan.take(old) if old is not None and now - old.came >= LONG_WAIT else plan.next()

    def seconds_until(self, position: int, places: int, now: float) -> float:
        """How long the one at that position (1 is next) has to wait, as far as the speed measured so far tells."""
        return position * self._pace(now) / max(1, places)

    def room_in(self, places: int, now: float) -> float:
        """In how many seconds one who finds the line full should come again; each is told a time of its own."""
        each = self._pace(now) / max(1, places)
        most = min(MOST_RETRY, each * (len(self._waiting) + len(self._running)))  # by then all who are here are gone
        self._room_at = min(max(self._room_at, now) + each, now + max(each, most))
        return self._room_at - now

    def _start(self, turn: Turn, now: float) -> Turn:
        caller = self._callers[turn.caller]
        del self._waiting[turn.number]
        caller.line_of(turn).remove(turn)
        self._running[turn.number] = turn
        self._given += 1
        turn.started = caller.running[turn] = now
        return turn

    def _learn(self, took: float) -> None:
        self._usual = self._usual + WEIGHT * (took - self._usual) if self._measured else took
        self._measured = True

    def _pace(self, now: float) -> float:
        """Seconds that an answer takes; answers that still run and have taken longer count as well."""
        ages = [now - turn.started for turn in self._running.values() if turn.started is not None]
        return max(self._usual, sum(ages) / len(ages)) if ages else self._usual


_Head = tuple[bool, float, int, Turn, Iterator[Turn]]  # batch, used, number: the smallest is next


class _Plan:
    """Takes one after the other out of the line, without touching it."""

    def __init__(self, callers: dict[str, _Caller], now: float, usual: float) -> None:
        self.taken: set[int] = set()
        self._usual = usual
        self._used = {name: caller.had(now, at_least=usual) for name, caller in callers.items()}
        lines = [iter(line) for caller in callers.values() for line in (caller.waiting, caller.batch)]
        self._heads = [head for line in lines if (head := self._head(line)) is not None]
        heapq.heapify(self._heads)

    def take(self, turn: Turn) -> Turn:
        self.taken.add(turn.number)
        self._used[turn.caller] += self._usual
        return turn

    def next(self) -> Turn:
        while True:
            _, used, number, turn, line = self._heads[0]
            if number not in self.taken and used == self._used[turn.caller]:
                return self.take(turn)  # the next look finds it taken
            head = self._head(line) if number in self.taken else self._with_use(turn, line)
            if head is None:
                heapq.heappop(self._heads)
            else:
                heapq.heapreplace(self._heads, head)

    def _head(self, line: Iterator[Turn]) -> _Head | None:
        turn = next(line, None)
        return None if turn is None else self._with_use(turn, line)

    def _with_use(self, turn: Turn, line: Iterator[Turn]) -> _Head:
        return turn.batch, self._used[turn.caller], turn.number, turn, line
