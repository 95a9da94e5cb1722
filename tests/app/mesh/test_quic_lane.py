"""Two nodes ask and tell each other over QUIC, and nobody else does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from appliance.mesh.lanes.contract import Peer
from appliance.mesh.lanes.exchange import Desk
from appliance.mesh.lanes.limits import Limits
from appliance.mesh.lanes.quic import insides
from appliance.mesh.lanes.quic.settings import Close
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.lanes.x509 import certificate_of
from tests.app.mesh.harness import HERE, echo_question, quic_node, until

SECONDS = 10.0
Send = Callable[[bytes, tuple[str, int]], None]


async def test_a_question_is_answered() -> None:
    """Either end asks over the one connection, whoever dialled it."""
    async with quic_node() as a, quic_node() as b:
        link = await a.dial(b)
        assert link.peer is not None
        assert link.peer.node == b.node
        assert await a.lane.ask(b.node, "echo", b"there", SECONDS) == b"there"
        await until(lambda: b.lane.link(a.node))
        assert await b.lane.ask(a.node, "echo", b"and back", SECONDS) == b"and back"


async def test_a_long_question_is_answered() -> None:
    """Up to the limit a message arrives whole."""
    data = os.urandom(500_000)
    async with quic_node() as a, quic_node() as b:
        await a.dial(b)
        assert await a.lane.ask(b.node, "echo", data, SECONDS) == data


async def test_many_long_answers_at_once() -> None:
    """Answers wait for room instead of failing when more is asked for than may be on its way."""
    limits = Limits(buffered=600_000)
    async with quic_node(limits=limits) as a, quic_node(limits=limits) as b:
        await a.dial(b)
        data = [os.urandom(250_000) for _ in range(6)]
        answers = await asyncio.gather(*(a.lane.ask(b.node, "echo", each, SECONDS) for each in data))
        assert list(answers) == data


async def test_notes_arrive_short_and_long() -> None:
    """A short note goes in a datagram, a long one on a stream."""
    heard: list[bytes] = []
    desk = Desk(notes={"news": lambda _, payload: heard.append(payload)})
    async with quic_node() as a, quic_node(desk) as b:
        await a.dial(b)
        assert a.lane.tell(b.node, "news", b"short")
        assert a.lane.tell(b.node, "news", b"long" * 1000)
        await until(lambda: len(heard) == 2)
        assert set(heard) == {b"short", b"long" * 1000}


async def test_more_questions_than_streams() -> None:
    """Five hundred questions at once are all answered, a few at a time."""
    async with quic_node() as a, quic_node() as b:
        await a.dial(b)
        for _ in range(2):
            answers = await asyncio.gather(
                *(a.lane.ask(b.node, "echo", str(number).encode(), SECONDS) for number in range(250))
            )
            assert answers == [str(number).encode() for number in range(250)]


async def test_an_unknown_question_is_refused() -> None:
    """The asker learns that the other box does not know it."""
    async with quic_node() as a, quic_node() as b:
        await a.dial(b)
        with pytest.raises(LaneError) as caught:
            await a.lane.ask(b.node, "riddle", b"", SECONDS)
        assert caught.value.reason is Reason.UNKNOWN


async def test_a_question_that_takes_too_long() -> None:
    """The asker is told in time, the answering task ends, and the connection goes on."""
    cancelled = asyncio.Event()

    async def slow(peer: Peer, payload: bytes) -> bytes:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return b""

    async with quic_node() as a, quic_node(Desk({"slow": slow, "echo": echo_question})) as b:
        await a.dial(b)
        with pytest.raises(LaneError) as caught:
            await a.lane.ask(b.node, "slow", b"", 0.3)
        assert caught.value.reason is Reason.LATE
        async with asyncio.timeout(SECONDS):
            await cancelled.wait()
        assert await a.lane.ask(b.node, "echo", b"still", SECONDS) == b"still"


async def test_too_many_questions_at_once_are_refused_by_the_answering_side() -> None:
    """Who answers enough already says so at once."""
    gate = asyncio.Event()

    async def wait(peer: Peer, payload: bytes) -> bytes:
        await gate.wait()
        return b"done"

    async with quic_node() as a, quic_node(Desk({"wait": wait}), Limits(answering=2)) as b:
        await a.dial(b)
        asked = [asyncio.ensure_future(a.lane.ask(b.node, "wait", b"", SECONDS)) for _ in range(3)]  # noqa: TID251
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        gate.set()
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert sorted(str(getattr(each, "reason", "answered")) for each in results) == ["answered", "answered", "busy"]


async def test_another_box_at_the_address_is_found_out() -> None:
    """A dial ends with the name of who answered instead."""
    async with quic_node() as a, quic_node() as b:
        with pytest.raises(LaneError, match=b.node) as caught:
            await a.lane.dial(b.address, "a" * 16)
        assert caught.value.reason is Reason.WRONG_NODE


async def test_silence_at_the_address() -> None:
    """Where nothing answers the dial ends with the deadline."""
    async with quic_node(limits=Limits(handshake_seconds=0.3)) as a:
        with pytest.raises(LaneError) as caught:
            await a.lane.dial((HERE, 9), "a" * 16)
        assert caught.value.reason is Reason.LATE


async def test_a_removed_box_is_told_so() -> None:
    """A refusal of the handshake arrives with its reason."""
    async with quic_node() as a, quic_node() as b:
        b.member.removed = {a.node}
        with pytest.raises(LaneError, match="removed from the mesh") as caught:
            await a.dial(b)
        assert caught.value.reason is Reason.TRUST
        assert b.lane.link(a.node) is None


async def test_a_visitor_may_ask_to_join_and_nothing_else() -> None:
    """Only what is open to visitors is answered, and notes are dropped."""
    heard: list[bytes] = []
    desk = Desk(
        {"join": echo_question, "echo": echo_question},
        {"news": lambda _, payload: heard.append(payload)},
        frozenset({"join"}),
    )
    async with quic_node() as a, quic_node(desk) as b:
        link = await a.lane.dial(b.address, b.node, join=True)
        assert link.peer is not None
        assert link.peer.visitor
        assert await link.ask("join", b"please", SECONDS) == b"please"
        link.tell("news", b"secret")
        with pytest.raises(LaneError, match="only members"):
            await link.ask("echo", b"hello", SECONDS)
        assert heard == []
        assert b.lane.link(a.node) is None


async def test_both_dial_at_once() -> None:
    """One connection stays, that of the smaller node id, and no question gets lost."""
    async with quic_node() as a, quic_node() as b:
        await asyncio.gather(a.dial(b), b.dial(a))
        smaller, larger = (a, b) if a.node < b.node else (b, a)

        def settled() -> bool:
            one, other = smaller.lane.link(larger.node), larger.lane.link(smaller.node)
            return one is not None and other is not None and one.dialled and not other.dialled

        await until(settled)
        answers = await asyncio.gather(
            a.lane.ask(b.node, "echo", b"1", SECONDS), b.lane.ask(a.node, "echo", b"2", SECONDS)
        )
        assert list(answers) == [b"1", b"2"]
        await until(lambda: a.lane.endpoint.links == 1 and b.lane.endpoint.links == 1)


async def test_a_removed_peer_is_cut_off_and_told() -> None:
    """Ending a peer fails what it asked and names the reason."""
    gate = asyncio.Event()

    async def wait(peer: Peer, payload: bytes) -> bytes:
        await gate.wait()
        return b""

    async with quic_node() as a, quic_node(Desk({"wait": wait})) as b:
        await a.dial(b)
        asked = asyncio.ensure_future(a.lane.ask(b.node, "wait", b"", SECONDS))  # noqa: TID251
        await until(lambda: (link := b.lane.link(a.node)) is not None and link.busy)
        b.lane.end(a.node, "this box was removed from the mesh")
        with pytest.raises(LaneError, match="removed from the mesh"):
            await asked
        await until(lambda: a.lane.link(b.node) is None and b.lane.link(a.node) is None)


async def test_a_box_that_restarted_is_reached_again() -> None:
    """A peer that forgot its connection is found silent, and a new one takes over."""
    async with quic_node(limits=Limits(handshake_seconds=0.5)) as a, quic_node() as b:
        link = await a.dial(b)
        b.lane.endpoint._links.clear()  # as after a kill: packets of the old connection mean nothing to it
        with pytest.raises(LaneError):
            await a.lane.ask(b.node, "echo", b"", 0.3)
        await until(lambda: link.over)
        again = await a.dial(b)
        assert await again.ask("echo", b"again", SECONDS) == b"again"


async def test_the_round_trip_is_measured() -> None:
    """A ping gives the time there and back."""
    async with quic_node() as a, quic_node() as b:
        link = await a.dial(b)
        assert 0 < await link.ping() < SECONDS
        assert link.rtt.count >= 1


async def test_silence_is_kept_alive() -> None:
    """A connection on which nobody speaks does not die; one end sees to that."""
    limits = Limits(idle_seconds=0.6, keep_alive_seconds=0.15)
    async with quic_node(limits=limits) as a, quic_node(limits=limits) as b:
        link = await a.dial(b)
        began = asyncio.get_running_loop().time()
        await until(lambda: asyncio.get_running_loop().time() - began > 1.5)
        assert link.over is None
        assert await a.lane.ask(b.node, "echo", b"alive", SECONDS) == b"alive"


async def test_a_peer_that_vanished_is_noticed() -> None:
    """Without any answer the connection ends after the idle time."""
    limits = Limits(idle_seconds=0.5, keep_alive_seconds=0.2)
    async with quic_node(limits=limits) as a, quic_node(limits=limits) as b:
        link = await a.dial(b)
        b.lane.endpoint._links.clear()
        await until(lambda: link.over)
        assert link.over is not None
        assert link.over.reason is Reason.SILENT


async def test_the_address_of_a_peer_changes() -> None:
    """The connection goes on when the one that dialled it appears at another port."""
    async with quic_node() as a, quic_node() as b:
        await a.dial(b)
        transports = a.lane.endpoint._transports
        old = dict(transports)
        await a.lane.endpoint.start((HERE,), 0)
        assert await a.lane.ask(b.node, "echo", b"moved", SECONDS) == b"moved"
        for transport in old.values():
            transport.close()


async def test_lost_datagrams_are_sent_again() -> None:
    """On a path that loses one of ten each question is answered, whole."""
    rng = random.Random(7)
    async with quic_node() as a, quic_node() as b:
        for each in (a, b):
            endpoint = each.lane.endpoint
            endpoint._around = replace(endpoint._around, send=_losing(endpoint._send, rng))
        await a.dial(b)
        data = [rng.randbytes(size) for size in (10, 3_000, 60_000)] * 5
        answers = await asyncio.gather(*(a.lane.ask(b.node, "echo", each, SECONDS) for each in data))
        assert list(answers) == data


def _losing(send: Send, rng: random.Random) -> Send:
    def sometimes(data: bytes, address: tuple[str, int]) -> None:
        if rng.random() > 0.1:
            send(data, address)

    return sometimes


async def test_an_end_names_its_reason() -> None:
    """Who leaves says so."""
    async with quic_node() as a:
        async with quic_node() as b:
            link = await a.dial(b)
        await until(lambda: link.over)
        assert "going away" in str(link.over)


async def test_small_datagrams_are_answered_by_as_small_ones() -> None:
    """A knock tells that UDP passes at all."""
    async with quic_node() as a, quic_node() as b:
        assert await a.lane.endpoint.knock(b.address, SECONDS, b"12345678")
        assert not await a.lane.endpoint.knock((HERE, 9), 0.2, b"12345678")


async def test_a_retired_connection_finishes_what_it_began() -> None:
    """A question that is under way when another connection takes over is still answered."""
    gate = asyncio.Event()

    async def wait(peer: Peer, payload: bytes) -> bytes:
        await gate.wait()
        return b"done"

    async with quic_node() as a, quic_node(Desk({"wait": wait})) as b:
        first = await a.dial(b)
        asked = asyncio.ensure_future(first.ask("wait", b"", SECONDS))  # noqa: TID251
        await until(lambda: first.busy)
        await a.dial(b)
        gate.set()
        assert await asked == b"done"
        with contextlib.suppress(LaneError):
            first.end(Close.DONE, LaneError(Reason.CLOSED, "over"))


async def test_what_aioquic_does_not_tell_is_still_there() -> None:
    """The looks inside it give what they should, so that a new version that moves them is noticed here."""
    async with quic_node() as a, quic_node() as b:
        link = await a.dial(b)
        quic = link._quic
        assert insides.takes_datagrams(quic, 1100)
        assert not insides.takes_datagrams(quic, 1 << 20)
        assert insides.server_certificate(quic) == certificate_of(b.member.key).der
        for _ in range(5):
            quic.send_datagram_frame(b"note")
        unsent = insides.unsent(quic)
        quic.send_stream_data(quic.get_next_available_stream_id(is_unidirectional=True), bytes(1000))
        assert (insides.waiting_datagrams(quic), insides.unsent(quic) - unsent) == (5, 1000)
        assert insides.open_streams(quic) == 2
        before = insides.received(quic)
        assert await link.ask("echo", bytes(500), SECONDS) == bytes(500)
        assert insides.received(quic) - before >= 500
