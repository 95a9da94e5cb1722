"""The ways between two boxes measured, and tested from both ends."""

from __future__ import annotations

import pytest

from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.choice import Measured, choose_lane
from appliance.mesh.lanes.limits import Limits
from appliance.mesh.lanes.purpose import Measure
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.lanes.verdict import Code, Side, verdict
from appliance.mesh.types import Lane
from tests.app.mesh.harness import HERE, box
from tests.app.mesh.test_lanes import without_udp

SECONDS = 15.0
SHORT = Limits(handshake_seconds=1.0)


async def test_both_lanes_are_measured() -> None:
    """Round trips on both and the rate over TLS; TLS is chosen for bulk."""
    async with box() as a, box() as b:
        a.knows(b)
        await a.lanes.voice(b.node)
        measured = await a.lanes.measure(b.node, 1 << 20)
        assert measured.quic_ms is not None
        assert measured.tls_ms is not None
        assert measured.mb_s is not None
        assert measured.mb_s > 1
        assert choose_lane(measured).lane is Lane.TLS


async def test_a_relayed_pair_is_measured_as_relayed() -> None:
    """What passes through a member is named so."""
    async with box() as relay, box(relays=[relay]) as a, box() as b:
        for each in (a, b):
            each.knows(relay)
        await b.lanes.voice(relay.node)
        measured = await a.lanes.measure(b.node, 1 << 18)
        assert measured.relayed_by == relay.node
        assert choose_lane(measured).lane is Lane.RELAY


async def test_nothing_to_measure() -> None:
    """Where no way leads, nothing is claimed."""
    async with box() as a, box() as b:
        assert await a.lanes.measure(b.node) == Measured()


async def test_a_measurement_is_bounded() -> None:
    """A peer that asks for a terabyte gets a little, and one measurement at a time."""
    async with box() as a, box() as b:
        a.knows(b)
        stream = await a.lanes.direct(b.node, Measure(1 << 40))
        second = await a.lanes.direct(b.node, Measure(1 << 20))
        assert await second.read() == b""
        came = 0
        while data := await stream.read():
            came += len(data)
        assert came <= 32 << 20


async def test_two_boxes_that_reach_each_other() -> None:
    """The test says that all is well."""
    async with box() as a, box() as b:
        a.knows(b)
        seen = await a.lanes.selftest.run(b.node, [a.address], [b.address])
        assert [each.code for each in verdict(seen)] == [Code.FINE]
        assert a.lanes.quic.link(b.node) is not None


async def test_a_closed_udp_port_is_named() -> None:
    """The peer does not get through to us by UDP: our port, our side."""
    async with box(limits=SHORT) as a, box(limits=SHORT) as b:
        a.knows(b)
        without_udp(a)
        seen = await a.lanes.selftest.run(b.node, [a.address], [b.address])
        ours = [each for each in verdict(seen) if each.side is Side.OURS]
        assert [each.code for each in ours] == [Code.UDP_CLOSED]
        assert f"{a.address.port}/udp" in ours[0].text


async def test_a_closed_tcp_port_is_named() -> None:
    """An address at which nothing listens is told with its side."""
    nobody = Address(HERE, 9)
    async with box(limits=SHORT) as a, box(limits=SHORT) as b:
        a.knows(b)
        seen = await a.lanes.selftest.run(b.node, [nobody], [b.address])
        assert seen.back[0].tcp is Reason.REFUSED


async def test_a_peer_without_a_way_cannot_be_tested() -> None:
    """The error says what was tried."""
    async with box(limits=SHORT) as a, box() as b:
        a.lanes.know(b.node, [Address(HERE, 9)])
        with pytest.raises(LaneError):
            await a.lanes.selftest.run(b.node, [a.address], [])


async def test_garbage_as_a_test_is_refused() -> None:
    """A question that makes no sense, or too many addresses, is refused in words."""
    async with box() as a, box() as b:
        a.knows(b)
        with pytest.raises(LaneError) as caught:
            await a.lanes.ask(b.node, "check", b"\xff\xff", SECONDS)
        assert caught.value.reason is Reason.MALFORMED
