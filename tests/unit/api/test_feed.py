"""The event feed: whole at first, then each change once, and honest about what is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from appliance.api import feed as feed_module
from appliance.api.feed import KEPT, EventFeed
from appliance.api.status import status_document
from appliance.node.events import LoadMeasured
from appliance.node.snapshot import RequestLoad
from appliance.run_loop import Outlook, RunLoop
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

    async def leave(self) -> None:
        await self._frames.aclose()

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


class Counted:
    """A run loop and a feed to which nobody listens yet, and how often the document was made."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.made = 0
        self.loop = RunLoop(make_snapshot(), lambda _: None, lambda: 0.0)
        self.feed = EventFeed(self.loop, lambda: 0.0)
        self.tasks = TaskGroup()
        whole = status_document

        def counted(outlook: Outlook, now: float) -> dict[str, Any]:
            self.made += 1
            return whole(outlook, now)

        patch.setattr(feed_module, "status_document", counted)
        self.tasks.start("loop", self.loop.run())
        self.tasks.start("feed", self.feed.run())

    async def change(self, in_flight: int) -> None:
        """Returns when the run loop knows, and everybody who follows it had his turn."""
        self.loop.post(LoadMeasured(RequestLoad(in_flight)))
        async for outlook in self.loop.watch():
            if outlook.snapshot.requests.in_flight == in_flight:
                break
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def counted(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counted]:
    one = Counted(monkeypatch)
    yield one
    await one.tasks.close()


async def test_nothing_is_worked_out_while_nobody_listens(counted: Counted) -> None:
    """Not at the start, and not when somebody listened once."""
    await counted.change(1)
    assert counted.made == 0
    listener = counted.feed.listen(None)
    await anext(listener)
    await listener.aclose()
    made = counted.made
    for number in range(2, 6):
        await counted.change(number)
    assert counted.made == made


async def test_all_listeners_cost_one_document_for_each_change(counted: Counted) -> None:
    """However many there are; who comes costs one more."""
    listeners = [counted.feed.listen(None) for _ in range(5)]
    for listener in listeners:
        await anext(listener)
    made = counted.made
    assert made == 5
    for number in (1, 2):
        await counted.change(number)
        for listener in listeners:
            await anext(listener)
    assert counted.made == made + 2


async def test_who_comes_back_to_an_empty_room_is_told_what_he_missed(counted: Counted) -> None:
    """All that changed while nobody listened is one change; what is the same again is none."""
    first = Listener(counted.feed)
    last = (await first.next()).id
    await counted.change(1)
    told = await first.next()
    await first.leave()
    for number in (2, 3):
        await counted.change(number)
    back = await Listener(counted.feed, told.id).next()
    assert (back.event, back.in_flight) == ("requests", 3)
    both = Listener(counted.feed, last)
    assert [(await both.next()).in_flight for _ in range(2)] == [1, 3]


async def test_who_comes_new_to_an_empty_room_begins_with_what_is(counted: Counted) -> None:
    """And is told each change from there, none of them twice."""
    early = Listener(counted.feed)
    await early.next()
    await early.leave()
    await counted.change(1)
    listener = Listener(counted.feed)
    assert ((await listener.next()).event, counted.made) == ("status", 2)
    await counted.change(2)
    told = await listener.next()
    assert (told.event, told.in_flight) == ("requests", 2)
