"""The event feed: whole at first, then each change once, and honest about what is lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from appliance.api.feed import KEPT, EventFeed
from appliance.node.events import LoadMeasured
from appliance.node.snapshot import RequestLoad
from appliance.run_loop import RunLoop
from appliance.tasks import TaskGroup
from tests.builders import make_snapshot


@dataclass(frozen=True)
class Told:
    event: str
    in_flight: int
    id: str


class Listener:
    def __init__(self, feed: EventFeed, last_id: str | None = None) -> None:
        self._frames = feed.listen(last_id)

    async def next(self) -> Told:
        fields = dict(line.split(": ", 1) for line in (await anext(self._frames)).decode().strip().splitlines())
        return Told(fields["event"], json.loads(fields["data"])["requests"]["in_flight"], fields["id"])


class Source:
    """A run loop whose load the test sets; `change` returns when the feed has told of it."""

    def __init__(self) -> None:
        self._loop = RunLoop(make_snapshot(), lambda _: None, lambda: 0.0)
        self.feed = EventFeed(self._loop, lambda: 0.0)
        self.tasks = TaskGroup()
        self._witness = Listener(self.feed)

    async def start(self) -> None:
        self.tasks.start("loop", self._loop.run())
        self.tasks.start("feed", self.feed.run())
        await self._witness.next()

    async def change(self, in_flight: int) -> Told:
        self._loop.post(LoadMeasured(RequestLoad(in_flight)))
        return await self._witness.next()


@pytest.fixture
async def source() -> AsyncIterator[Source]:
    one = Source()
    await one.start()
    yield one
    await one.tasks.close()


async def test_a_listener_is_told_everything_and_then_each_change(source: Source) -> None:
    """In order, each once."""
    listener = Listener(source.feed)
    assert (await listener.next()).event == "status"
    for number in (1, 2):
        await source.change(number)
    assert [(told.event, told.in_flight) for told in (await listener.next(), await listener.next())] == [
        ("requests", 1),
        ("requests", 2),
    ]


async def test_all_listeners_share_what_was_encoded_once(source: Source) -> None:
    """The same bytes, not equal ones: a hundred open pages cost one encoding."""
    one, other = source.feed.listen(None), source.feed.listen(None)
    await anext(one)
    await anext(other)
    await source.change(1)
    assert await anext(one) is await anext(other)


async def test_who_comes_back_is_told_what_he_missed(source: Source) -> None:
    """From the last event that he saw."""
    first = await source.change(1)
    await source.change(2)
    told = await Listener(source.feed, first.id).next()
    assert (told.event, told.in_flight) == ("requests", 2)


@pytest.mark.parametrize(
    "last_id", ["", "nonsense", "-", "0-0", "{run}-99", "{run}--1", "{run}-" + "9" * 5000, "{run}-²"]
)
async def test_an_id_that_means_nothing_begins_anew(source: Source, last_id: str) -> None:
    """Of another run, of the future, or made up."""
    run = (await source.change(1)).id.partition("-")[0]
    told = await Listener(source.feed, last_id.replace("{run}", run)).next()
    assert (told.event, told.in_flight) == ("status", 1)


async def test_who_was_away_too_long_begins_anew(source: Source) -> None:
    """What he missed is not kept any more; a part of it would mislead him."""
    first = await source.change(1)
    for number in range(2, KEPT + 3):
        await source.change(number)
    assert (await Listener(source.feed, first.id).next()).event == "status"


async def test_a_listener_too_slow_to_follow_begins_anew(source: Source) -> None:
    """He gets the whole state once, and then the changes from there; there is no silent gap."""
    slow = Listener(source.feed)
    await slow.next()
    for number in range(1, KEPT + 3):
        await source.change(number)
    told = await slow.next()
    assert (told.event, told.in_flight) == ("status", KEPT + 2)
    await source.change(7)
    told = await slow.next()
    assert (told.event, told.in_flight) == ("requests", 7)
