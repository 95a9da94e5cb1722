"""What connections share: lanes of time, and how many may come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from appliance.proxy.errors import ApiError
from appliance.proxy.wire.desk import Desk, Lane, Limits


class Guest:
    def __init__(self, address: str = "10.0.0.1", *, slow: bool = False) -> None:
        self.address, self.slow = address, slow
        self.told: list[object] = []

    def refuse(self, error: ApiError) -> None:
        self.told.append(error.status)

    def out_of_time(self, lane: Lane) -> None:
        self.told.append(lane)

    def too_slow(self, now: float) -> bool:
        return self.slow

    def wind_down(self) -> None:
        self.told.append("wind down")

    def abort(self) -> None:
        self.told.append("abort")


async def app(*_: object) -> Awaitable[Any] | None:
    return None


def test_who_waits_too_long_is_told_in_order() -> None:
    """Only those whose time is up, each once."""
    lane, guests = Lane(10.0), [Guest(), Guest(), Guest()]
    for number, guest in enumerate(guests):
        lane.enter(guest, float(number))
    lane.leave(guests[0])
    lane.look(11.5)
    lane.look(11.5)
    assert [len(guest.told) for guest in guests] == [0, 1, 0]


def test_entering_again_does_not_buy_time() -> None:
    """A head that drips in has as long as one that does not."""
    lane, guest = Lane(10.0), Guest()
    lane.enter(guest, 0.0)
    lane.enter(guest, 9.0)
    lane.look(10.0)
    assert guest.told == [lane]


async def test_one_address_cannot_take_all_places() -> None:
    """429 for one too many of an address, 503 for one too many of all, and a place that was left is free."""
    desk = Desk(app, Limits(connections=3, connections_of_one=2))
    first = Guest()
    desk.admit(first)
    desk.admit(Guest())
    with pytest.raises(ApiError) as of_one:
        desk.admit(extra := Guest())
    desk.dismiss(extra)
    desk.admit(Guest("10.0.0.2"))
    with pytest.raises(ApiError) as of_all:
        desk.admit(last := Guest("10.0.0.3"))
    desk.dismiss(last)
    desk.dismiss(first)
    desk.admit(Guest())
    assert (of_one.value.status, of_all.value.status, desk.guests) == (429, 503, 3)


async def test_an_upload_that_drips_is_refused() -> None:
    """408; one that flows is left alone."""
    desk, drips, flows = Desk(app, Limits()), Guest(slow=True), Guest()
    desk.uploading |= {drips, flows}
    desk.look(0.0)
    assert (drips.told, flows.told) == ([408], [])


async def test_the_end_has_patience_for_a_while() -> None:
    """All are told to end; who has not by then is cut off."""
    desk, guest = Desk(app, Limits()), Guest()
    desk.admit(guest)
    await desk.close(0.01)
    assert guest.told == ["wind down", "abort"]


async def test_one_connections_trouble_leaves_the_limits_of_all(caplog: pytest.LogCaptureFixture) -> None:
    """A mistake of ours at one of them stands in the log, and the next look looks at the others."""

    class Broken(Guest):
        def out_of_time(self, lane: Lane) -> None:
            raise RuntimeError("a mistake of ours")

    desk, seen = Desk(app, Limits(look_seconds=0.001)), asyncio.Event()

    class Waiting(Guest):
        def out_of_time(self, lane: Lane) -> None:
            seen.set()

    for guest in (Broken(), Waiting()):
        desk.idle.enter(guest, -1e9)
    desk.tasks.start("watch", desk.watch())
    async with asyncio.timeout(5):
        await seen.wait()
    await desk.tasks.close()
    assert "a look at the connections failed" in caplog.text
