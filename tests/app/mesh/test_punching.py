"""Two boxes behind routers find each other with the help of a member. The routers are simulated, the boxes are real."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.limits import Limits
from appliance.mesh.lanes.mailbox import Mailbox
from appliance.mesh.lanes.quic.endpoint import Endpoint
from appliance.mesh.lanes.quic.link import Link
from appliance.mesh.lanes.trouble import LaneError
from tests.app.mesh.harness import Box, box

SECONDS = 20.0
Where = tuple[str, int]
SHORT = Limits(handshake_seconds=1.0)


class Internet:
    """Carries datagrams between outer addresses. A router lets in only whom its box has written to."""

    def __init__(self) -> None:
        self.boxes: dict[Where, Endpoint] = {}
        self.strict: set[Where] = set()  # behind a router
        self.moody: set[Where] = set()  # behind one that takes another port for each destination
        self.written: set[tuple[Where, Where]] = set()

    def connect(self, each: Box, where: Where, *, router: bool = False, moody: bool = False) -> None:
        endpoint = each.lanes.quic.endpoint
        self.boxes[where] = endpoint
        if router:
            self.strict.add(where)
        if moody:
            self.moody.add(where)

        def send(data: bytes, address: Where) -> None:
            self.carry(where, data, address)

        endpoint._send = send  # type: ignore[method-assign]
        endpoint._around = replace(endpoint._around, send=send)

    def carry(self, source: Where, data: bytes, target: Where) -> None:
        if source in self.moody:
            outer = (source[0], source[1] + sum(target[0].encode()) % 1000 + 1)
            self.boxes[outer] = self.boxes[source]
            self.strict.add(outer)
            source = outer
        self.written.add((source, target))
        endpoint = self.boxes.get(target)
        if endpoint is not None and (target not in self.strict or (target, source) in self.written):
            endpoint.received(data, source)


@asynccontextmanager
async def three_boxes(*, moody: bool = False) -> AsyncIterator[tuple[Box, Box, Box]]:
    """A helper that everybody reaches, and two boxes behind routers that know it."""
    net = Internet()
    async with box() as helper, box(limits=SHORT, relays=[helper]) as a, box(limits=SHORT) as b:
        places = {"203.0.113.1": helper, "198.51.100.2": a, "192.0.2.3": b}
        for host, each in places.items():
            net.connect(each, (host, 9338), router=each is not helper, moody=moody and each is b)
        for each in (a, b):
            each.lanes.know(helper.node, [Address("203.0.113.1", 9338)])
            await each.lanes.quic.dial(("203.0.113.1", 9338), helper.node)
        yield helper, a, b


async def test_the_routers_do_their_part() -> None:
    """Without help nothing gets through to a box behind a router."""
    async with three_boxes() as (_, a, b):
        with pytest.raises(LaneError):
            await a.lanes.quic.dial(("192.0.2.3", 9338), b.node)


async def test_a_way_is_opened_with_the_help_of_a_member() -> None:
    """A question goes directly from one box behind a router to another."""
    async with three_boxes() as (_, a, b):
        assert await a.lanes.ask(b.node, "echo", b"through", SECONDS) == b"through"
        link = await a.lanes.voice(b.node)
        assert isinstance(link, Link)
        assert link.address == ("192.0.2.3", 9338)


async def test_a_router_that_takes_another_port_each_time() -> None:
    """There no way can be opened: the error names what was tried, and no half-open connection stays."""
    async with three_boxes(moody=True) as (helper, a, b):
        with pytest.raises(LaneError):
            await a.lanes.punching.through(helper.node, b.node)
        assert a.lanes.quic.link(b.node) is None
        assert not isinstance(a.lanes._open_voice(b.node), Mailbox)


async def test_a_helper_without_a_connection_says_so() -> None:
    """Who does not know the target helps nobody."""
    async with three_boxes() as (helper, a, _):
        with pytest.raises(LaneError, match="not connected"):
            await a.lanes.punching.through(helper.node, "a" * 16)


@pytest.mark.parametrize(
    "payload", [b"", b"\xff", b"\x82\xa4host\xa7box.lan\xa4port\x01", b"\x82\xa4host\xa70.0.0.0\xa4port\x01"]
)
async def test_knocking_at_nonsense_is_refused(payload: bytes) -> None:
    """Garbage, names and addresses that mean nothing are not knocked at."""
    async with three_boxes() as (helper, _, b):
        with pytest.raises(LaneError):
            await helper.lanes.ask(b.node, "punched", payload, SECONDS)
