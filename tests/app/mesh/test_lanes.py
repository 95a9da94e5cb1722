"""Both lanes together: the next best way is taken when the best one is closed."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from appliance.mesh.lanes import exchange
from appliance.mesh.lanes import relay as relay_module
from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.contract import Peer
from appliance.mesh.lanes.exchange import Desk
from appliance.mesh.lanes.lanes import Lanes, Wanted
from appliance.mesh.lanes.limits import Limits
from appliance.mesh.lanes.mailbox import Mailbox
from appliance.mesh.lanes.purpose import Messages, Ping, Relay
from appliance.mesh.lanes.quic.link import Link
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.types import Lane
from tests.app.mesh.harness import HERE, Box, box, echo_question, until
from tests.app.mesh.members import Member

SECONDS = 15.0
NOWHERE = Address(HERE, 9)


async def echoed(stream: Stream, data: bytes) -> bool:
    await stream.write(data)
    back = await stream.read_exactly(len(data))
    stream.close()
    return back == data


def without_udp(each: Box) -> None:
    for transport in each.lanes.quic.endpoint._transports.values():
        transport.close()
    each.lanes.quic.endpoint._transports.clear()


async def test_one_port_number_for_both_lanes() -> None:
    """A stream and a question reach the same address."""
    async with box() as a, box() as b:
        a.knows(b)
        assert await echoed(await a.lanes.reach(b.node, Ping()), b"stream")
        assert await a.lanes.ask(b.node, "echo", b"question", SECONDS) == b"question"
        assert isinstance(await a.lanes.voice(b.node), Link)


async def test_both_families_on_one_port_number() -> None:
    """IPv4 and IPv6, each on both lanes."""
    member = Member()
    lanes = Lanes(member.key, member.prover(), Wanted(desk=Desk({"echo": echo_question})))
    port = await lanes.start((HERE, "::1"), 0)
    try:
        for host in (HERE, "::1"):
            async with box() as a:
                await a.lanes.quic.start(("::1",), 0)
                a.lanes.know(lanes.node, [Address(host, port)])
                assert await echoed(await a.lanes.reach(lanes.node, Ping()), b"x")
                assert await a.lanes.ask(lanes.node, "echo", b"y", SECONDS) == b"y"
                assert isinstance(await a.lanes.voice(lanes.node), Link)
    finally:
        await lanes.close()


async def test_an_address_that_leads_nowhere_costs_little() -> None:
    """The right one among wrong ones is found, remembered, and the wrong one has its reason."""
    async with box() as a, box() as b:
        a.lanes.know(b.node, [NOWHERE, b.address])
        assert await echoed(await a.lanes.reach(b.node, Ping()), b"x")
        assert a.lanes.book.ways(b.node, Lane.TLS)[0] == b.address
        failures = a.lanes.book.failures(b.node)[Lane.TLS]
        assert [(each.way, each.reason) for each in failures] == [(NOWHERE, Reason.REFUSED)]


async def test_another_box_took_the_address() -> None:
    """The failure names who answered there."""
    async with box() as a, box() as b, box() as c:
        a.lanes.know(b.node, [c.address])
        with pytest.raises(LaneError, match=c.node) as caught:
            await a.lanes.reach(b.node, Ping())
        assert caught.value.reason is Reason.WRONG_NODE


async def test_questions_go_over_tls_where_udp_does_not_pass() -> None:
    """With UDP closed a question is answered all the same, in both directions."""
    async with box(limits=Limits(handshake_seconds=1.0)) as a, box() as b:
        a.knows(b)
        without_udp(b)
        assert await a.lanes.ask(b.node, "echo", b"over tls", SECONDS) == b"over tls"
        assert isinstance(await a.lanes.voice(b.node), Mailbox)
        assert await b.lanes.ask(a.node, "echo", b"and back", SECONDS) == b"and back"


async def test_a_relay_leads_two_boxes_together() -> None:
    """A stream passes through a member, encrypted from end to end."""
    async with box() as relay, box(relays=[relay]) as a, box() as b:
        for each in (a, b):
            each.knows(relay)
        await b.lanes.ask(relay.node, "echo", b"", SECONDS)  # the relay reaches it on the way that it opened
        stream = await a.lanes.reach(b.node, Ping())
        assert stream.peer.node == b.node
        assert stream.relayed_by == relay.node
        assert await echoed(stream, b"secret" * 100_000)
        assert relay.lanes.relaying.moved > 1_200_000
        assert a.lanes.book.entry(b.node).relayed_by == relay.node
        await until(lambda: relay.lanes.relaying.pairs == 0)


async def test_questions_are_relayed() -> None:
    """A question and its answer pass through a member as well."""
    async with box() as relay, box(relays=[relay]) as a, box() as b:
        for each in (a, b):
            each.knows(relay)
        await b.lanes.ask(relay.node, "echo", b"", SECONDS)
        assert await a.lanes.ask(b.node, "echo", b"hello", SECONDS) == b"hello"
        assert await b.lanes.ask(a.node, "echo", b"back", SECONDS) == b"back"


async def test_a_relay_that_does_not_reach_the_other_says_so() -> None:
    """The asker is told by the relay that nobody came."""
    async with box() as relay, box(relays=[relay]) as a, box() as b:
        a.knows(relay)
        with pytest.raises(LaneError, match="did not reach"):
            await a.lanes.reach(b.node, Ping())


async def test_nothing_is_relayed_twice() -> None:
    """A relayed connection may not ask for another one: no chain, no circle."""
    async with box() as relay, box(relays=[relay]) as a, box() as b:
        for each in (a, b):
            each.knows(relay)
        await b.lanes.ask(relay.node, "echo", b"", SECONDS)
        with pytest.raises(LaneError, match="relayed once"):
            await a.lanes.relayed.through(relay.node, b.node, Relay(relay.node))


async def test_relays_are_bounded() -> None:
    """One more pair than a peer may have is refused; the others go on."""
    async with box(limits=Limits(relays_per_peer=1)) as relay, box(relays=[relay]) as a, box() as b:
        for each in (a, b):
            each.knows(relay)
        await b.lanes.ask(relay.node, "echo", b"", SECONDS)
        first = await a.lanes.reach(b.node, Ping())
        with pytest.raises(LaneError, match="too many"):
            await a.lanes.reach(b.node, Ping())
        assert await echoed(first, b"still")


async def test_a_ticket_is_good_for_its_box_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else who comes with a ticket is not led together with the asker."""
    monkeypatch.setattr(relay_module, "SECONDS", 1.5)
    tickets: list[bytes] = []

    async def keep(peer: Peer, ticket: bytes) -> bytes:
        tickets.append(ticket)
        return b""

    desk = Desk({"meet": keep, "echo": echo_question})
    async with box() as relay, box(relays=[relay]) as a, box(desk=desk) as b, box() as thief:
        for each in (a, b, thief):
            each.knows(relay)
        await b.lanes.ask(relay.node, "echo", b"", SECONDS)
        reaching = asyncio.ensure_future(a.lanes.reach(b.node, Ping()))  # noqa: TID251
        await until(lambda: tickets)
        await thief.lanes.relayed.asked_to_come(_someone(relay.node), tickets[0])
        with pytest.raises(LaneError, match="did not reach"):
            await reaching


async def test_ending_a_peer_ends_everything() -> None:
    """Streams and questions with a removed node are over at once."""
    async with box() as a, box() as b:
        a.knows(b)
        stream = await a.lanes.reach(b.node, Ping())
        await a.lanes.ask(b.node, "echo", b"", SECONDS)
        b.lanes.end(a.node, "it was removed")
        assert await stream.read() == b""
        await until(lambda: a.lanes.quic.link(b.node) is None)


async def test_who_was_removed_during_its_handshake_does_not_get_in() -> None:
    """The certificate was good when it was looked at, and not any more when it would be used."""
    async with box() as a, box() as b:
        a.knows(b)
        known = b.member._gate

        def removed_meanwhile(certificate: object, now: int) -> None:
            known(certificate, now)  # type: ignore[arg-type]
            b.lanes.end(a.node, "it was removed")

        b.member._gate = removed_meanwhile  # type: ignore[method-assign]
        with pytest.raises(LaneError):
            await a.lanes.reach(b.node, Ping())
        with pytest.raises(LaneError):
            await a.lanes.ask(b.node, "echo", b"", SECONDS)
        assert b.lanes.connections.count(a.node) == 0
        assert b.lanes.quic.link(a.node) is None


async def test_a_visit_over_either_lane() -> None:
    """Who is no member yet talks to a box at a typed address, with or without UDP."""
    desk = Desk({"join": echo_question}, open_to_visitors=frozenset({"join"}))
    async with box(limits=Limits(handshake_seconds=1.0)) as a, box(desk=desk) as b:
        for close_udp in (False, True):
            if close_udp:
                without_udp(b)
            visit = await a.lanes.visit([b.address], None)
            assert visit.peer.node == b.node
            assert await visit.voice.ask("join", b"please", SECONDS) == b"please"
            with pytest.raises(LaneError):
                await visit.voice.ask("echo", b"", SECONDS)
            visit.close()


async def test_a_note_opens_the_way_for_the_next_one() -> None:
    """The first note to a box without a connection is lost, and a later one arrives."""
    heard: list[bytes] = []
    desk = Desk(notes={"news": lambda _, payload: heard.append(payload)})
    async with box() as a, box(desk=desk) as b:
        a.knows(b)
        assert not a.lanes.tell(b.node, "news", b"first")
        await until(lambda: a.lanes.tell(b.node, "news", b"second"))
        await until(lambda: heard)
        assert heard[0] == b"second"


async def test_a_vain_attempt_is_not_repeated_at_once() -> None:
    """Who asks again a moment later is told at once why it does not work."""
    async with box() as a, box() as b:
        a.lanes.know(b.node, [])
        for _ in range(2):
            with pytest.raises(LaneError, match="no address"):
                await a.lanes.ask(b.node, "echo", b"", SECONDS)
        a.knows(b)
        assert await a.lanes.ask(b.node, "echo", b"now", SECONDS) == b"now"


async def test_who_asks_over_tls_and_reads_no_answer() -> None:
    """Answers for a peer that does not read them pile up to a bound, then the connection ends."""

    async def large(peer: Peer, payload: bytes) -> bytes:
        return bytes(400_000)

    limits = Limits(answering=4)
    async with box() as a, box(desk=Desk({"large": large}), limits=limits) as b:
        a.knows(b)
        stream = await a.lanes.direct(b.node, Messages())
        stream.transport.pause_reading()
        question = exchange.say("large", b"", 100)
        for number in range(200_000):
            if stream.closing:
                break
            await stream.write_frame(msgspec.msgpack.encode([0, number, question]))
            await asyncio.sleep(0)
        await until(lambda: b.lanes.connections.count(a.node) == 0)


async def test_mailbox_garbage_ends_the_connection() -> None:
    """Frames that make no sense, and frames that are too long, end it."""
    async with box() as a, box() as b:
        a.knows(b)
        for frame in (b"\xff garbage", b"\x93\xa1x\x01\x01"):
            stream = await a.lanes.direct(b.node, Messages())
            await stream.write_frame(frame)
            assert await stream.read() == b""
        stream = await a.lanes.direct(b.node, Messages())
        await stream.write((64 << 20).to_bytes(4, "big"))
        assert await stream.read() == b""


def _someone(node: str) -> Peer:
    class Someone:
        visitor = False

        @property
        def node(self) -> str:
            return node

    return Someone()
