"""Connections to other boxes."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from appliance.mesh.lanes.purpose import Purpose
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.tunnel.asking import AT_ONCE, PAUSE_SECONDS, Asking


class Lane:
    """A lane whose answers are decided by the test."""

    def __init__(self) -> None:
        self.tries = self.open = self.most = 0
        self.fails: LaneError | None = None
        self.go = asyncio.Event()
        self.go.set()
        self.handed_over: list[asyncio.Protocol] = []

    async def reach(self, node: str, purpose: Purpose) -> Stream:
        self.tries += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await self.go.wait()
            if self.fails is not None:
                raise self.fails
        finally:
            self.open -= 1
        return cast("Stream", self)

    def detach(self, protocol: asyncio.Protocol) -> None:
        self.handed_over.append(protocol)


async def test_a_connection_is_handed_over() -> None:
    """To who asked for it; nothing is kept."""
    lane, protocol = Lane(), asyncio.Protocol()
    asking = Asking(lane.reach)
    await asking.connect("peer", protocol)
    assert lane.handed_over == [protocol]
    assert not asking._boxes


async def test_a_box_that_cannot_be_reached_is_left_alone_for_a_moment() -> None:
    """Whoever asks meanwhile is told at once why; then it is tried again."""
    lane, now = Lane(), [100.0]
    asking = Asking(lane.reach, lambda: now[0])
    lane.fails = LaneError(Reason.SILENT, "nobody answers there")
    for _ in range(3):
        with pytest.raises(ConnectionError, match="nobody answers there"):
            await asking.connect("peer", asyncio.Protocol())
    assert lane.tries == 1
    now[0] += PAUSE_SECONDS
    lane.fails = None
    await asking.connect("peer", asyncio.Protocol())
    assert (lane.tries, len(asking._boxes)) == (2, 0)


async def test_a_box_that_is_back_is_tried_at_once() -> None:
    """What was in vain before tells nothing any more."""
    lane = Lane()
    asking = Asking(lane.reach, lambda: 100.0)
    lane.fails = LaneError(Reason.REFUSED, "nothing listens there")
    with pytest.raises(ConnectionError):
        await asking.connect("peer", asyncio.Protocol())
    lane.fails = None
    asking.forget("peer")
    await asking.connect("peer", asyncio.Protocol())
    assert lane.tries == 2


async def test_what_passes_at_once_counts_for_one_only() -> None:
    """A box that has too many connections just now is no box that cannot be reached."""
    lane = Lane()
    asking = Asking(lane.reach, lambda: 100.0)
    lane.fails = LaneError(Reason.BUSY, "too many")
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await asking.connect("peer", asyncio.Protocol())
    assert lane.tries == 2


async def test_few_are_opened_at_once() -> None:
    """Each costs the other box signatures; the rest wait, and come through."""
    lane = Lane()
    lane.go.clear()
    asking = Asking(lane.reach)
    async with asyncio.TaskGroup() as group:
        for _ in range(5 * AT_ONCE):
            group.create_task(asking.connect("peer", asyncio.Protocol()))
        while lane.open < AT_ONCE:  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0)
        lane.go.set()
    assert (lane.most, len(lane.handed_over)) == (AT_ONCE, 5 * AT_ONCE)
