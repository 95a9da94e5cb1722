"""The line in front of an engine, as requests live through it."""

from __future__ import annotations

import asyncio

import pytest

from appliance.proxy import lines as module
from appliance.proxy.lines import STALLED_LOOKS, Lines, Place
from appliance.proxy.meter import Ticket
from appliance.tasks import TaskGroup

MODEL = "m"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def ticket() -> Ticket:
    return Ticket("/v1/chat/completions", 0.0)


def enter(lines: Lines, caller: str = "a", *, places: int = 1, batch: bool = False) -> Place:
    return lines.enter(MODEL, places, caller, ticket(), batch=batch)


async def test_places_first_then_the_line() -> None:
    """Whoever finds a place free has it at once; the others know where they stand."""
    lines = Lines()
    places = [enter(lines, places=2) for _ in range(4)]
    assert [(p.granted, p.first) for p in places] == [(True, 0), (True, 0), (False, 1), (False, 2)]
    assert (lines.waiting(MODEL), lines.waiting("other")) == (2, 0)


async def test_leaving_wakes_the_next() -> None:
    """At once, without waiting for the next look around."""
    lines, tasks = Lines(), TaskGroup()
    first, second = enter(lines), enter(lines)
    looking = tasks.start("look", second.look())
    first.leave()
    first.leave()  # twice does no harm
    assert (await looking, second.granted, lines.waiting(MODEL)) == (True, True, 0)


async def test_a_wake_up_before_the_look_is_not_lost() -> None:
    """A turn that comes while nobody looks is seen by the next look, without waiting."""
    lines = Lines()
    first, second = enter(lines), enter(lines)
    first.leave()
    assert await second.look()


async def test_being_woken_is_no_turn() -> None:
    """One whose client has left is woken to leave."""
    lines, tasks = Lines(), TaskGroup()
    enter(lines)
    second = enter(lines)
    looking = tasks.start("look", second.look())
    await asyncio.sleep(0)  # it looks by now
    second.wake()
    assert not await looking


async def test_positions_move_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look tells where one stands now, and what that means in seconds."""
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    clock = Clock()
    lines = Lines(clock)
    places = [enter(lines) for _ in range(4)]
    clock.now = 3.0
    places[0].leave()
    assert not await places[3].look()
    assert (places[3].first, places[3].position, places[3].expected, places[3].waited) == (3, 2, 6.0, 3.0)


async def test_a_full_line() -> None:
    """It is full when as many wait as may; free places count as room."""
    lines = Lines()
    assert not lines.full(MODEL, 0)
    first = enter(lines)
    assert (lines.full(MODEL, 0), lines.full(MODEL, 1)) == (True, False)
    enter(lines)
    assert (lines.full(MODEL, 1), lines.room_in(MODEL) > 0) == (True, True)
    first.leave()
    assert not lines.full(MODEL, 1)


async def test_a_client_that_reads_nothing_loses_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before some looks, and not while its engine still owes it something."""
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    lines = Lines(Clock())
    stuck, busy = enter(lines, places=2), enter(lines, places=2)
    stuck.ticket.sent = busy.ticket.sent = 100
    busy.ticket.waiting = True
    waiting = [enter(lines, places=2) for _ in range(2)]
    looks = 0
    while not await waiting[0].look():
        looks += 1
    assert (looks, waiting[1].granted) == (STALLED_LOOKS, False)


async def test_more_places_serve_more() -> None:
    """An engine that starts again with more slots is told to those who wait by the next who comes."""
    lines = Lines()
    places = [enter(lines) for _ in range(3)]
    enter(lines, places=3)
    assert [place.granted for place in places] == [True, True, True]
