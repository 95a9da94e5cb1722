"""Strangers and peers that behave badly: none gets further than its proof, none costs more than its bounds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import time

import pytest
from aioquic.quic.connection import QuicConnection

from appliance.mesh.lanes import exchange
from appliance.mesh.lanes.contract import Peer
from appliance.mesh.lanes.exchange import Desk
from appliance.mesh.lanes.limits import Limits
from appliance.mesh.lanes.purpose import Ping, encode
from appliance.mesh.lanes.quic import insides
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.lanes.tls import LANE, client_context, server_of
from appliance.mesh.lanes.trouble import LaneError, Reason
from tests.app.mesh.harness import HERE, TlsNode, echo_question, quic_node, tls_node, until

SHORT = Limits(handshake_seconds=0.6)
SECONDS = 10.0


async def secured(server: TlsNode) -> Stream:
    """TLS to that server, and nothing said yet."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, server.address.host, server.address.port)
    stream = Stream()
    tls = await loop.start_tls(transport, stream, client_context())
    assert tls is not None
    stream.connection_made(tls)
    return stream


async def ended(stream: Stream) -> bytes:
    """What it says before it hangs up."""
    said = b""
    async with asyncio.timeout(SECONDS):
        while data := await stream.read():
            said += data
    stream.abort()
    return said


async def test_who_says_nothing_is_hung_up_on() -> None:
    """Before TLS and after it: the deadline ends the connection and frees its place."""
    async with tls_node(limits=SHORT) as server:
        reader, writer = await asyncio.open_connection(HERE, server.address.port)
        stream = await secured(server)
        await until(lambda: server.listener.handshakes == 2)
        assert await ended(stream) == b""
        assert await reader.read() == b""
        writer.close()
        await until(lambda: server.listener.handshakes == 0)


async def test_who_says_it_slowly_is_hung_up_on() -> None:
    """A byte at a time does not stretch the deadline."""
    async with tls_node(limits=SHORT) as server:
        stream = await secured(server)
        began = time.monotonic()
        with contextlib.suppress(LaneError):
            while time.monotonic() - began < SECONDS:
                await stream.write(b"\0")
                await asyncio.sleep(0.05)
        stream.abort()
        assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"\0\0\0\x05hello", id="no message"),
        pytest.param(b"\xff\xff\xff\xff", id="a huge frame"),
        pytest.param(b"\0\0\0\0", id="an empty frame"),
        pytest.param(b"\0\0\0\x09\x81\xa1v\xcd\xff\xff\xa1t\xa5", id="half a message"),
    ],
)
async def test_garbage_ends_the_connection(garbage: bytes) -> None:
    """Whatever comes instead of a handshake reaches no handler."""
    async with tls_node(limits=SHORT) as server:
        stream = await secured(server)
        await stream.write(garbage)
        await ended(stream)
        assert server.incoming.nodes() == []
        await until(lambda: server.listener.handshakes == 0)


async def test_a_purpose_without_a_proof_is_nothing() -> None:
    """Who leaves the proof out and states its purpose is turned away."""
    async with tls_node() as server, tls_node() as client:
        stream = await secured(server)
        _, der = server_of(stream.transport, server.node)
        handshake = client.member.prover().client(der, LANE, server.node, join=False)
        await stream.write_frame(handshake.first())
        await stream.read_frame()
        await stream.write_frame(encode(Ping()))
        await stream.write_frame(encode(Ping()))
        await ended(stream)
        assert server.incoming.nodes() == []


async def test_a_recorded_proof_is_worth_nothing() -> None:
    """The words of an earlier handshake do not prove anything on another connection."""
    async with tls_node() as server, tls_node() as client:
        stream = await secured(server)
        _, der = server_of(stream.transport, server.node)
        handshake = client.member.prover().client(der, LANE, server.node, join=False)
        hello = handshake.first()
        await stream.write_frame(hello)
        proof = handshake.receive(await stream.read_frame()).send
        stream.abort()

        again = await secured(server)
        await again.write_frame(hello)
        await again.read_frame()
        await again.write_frame(proof)
        await again.write_frame(encode(Ping()))
        said = await ended(again)
        assert b"proof" in said
        assert server.incoming.nodes() == []


async def test_a_proof_for_one_lane_is_none_on_the_other() -> None:
    """What was signed for QUIC does not open a TLS connection."""
    async with tls_node() as server, tls_node() as client:
        stream = await secured(server)
        _, der = server_of(stream.transport, server.node)
        handshake = client.member.prover().client(der, "quic", server.node, join=False)
        await stream.write_frame(handshake.first())
        await stream.write_frame(handshake.receive(await stream.read_frame()).send)
        assert b"proof" in await ended(stream)


async def test_handshakes_of_one_address_are_bounded() -> None:
    """One address cannot take all places; what is above its share is hung up on at once."""
    limits = Limits(handshakes_per_address=3, handshake_seconds=SECONDS)
    async with tls_node(limits=limits) as server:
        quiet = [await asyncio.open_connection(HERE, server.address.port) for _ in range(3)]
        reader, writer = await asyncio.open_connection(HERE, server.address.port)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        assert server.listener.refused[Reason.BUSY] == 1
        for _, each in [*quiet, (reader, writer)]:
            each.close()


async def test_an_older_tls_is_refused() -> None:
    """Nothing below TLS 1.3 is spoken."""
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with tls_node(limits=SHORT) as server:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(HERE, server.address.port, ssl=old)


async def test_datagrams_of_strangers_make_no_connection() -> None:
    """Noise, short packets and unknown versions cost a look and nothing else."""
    async with quic_node() as node:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for size in (0, 1, 7, 12, 100, 1200, 1400):
            udp.sendto(os.urandom(size), node.address)
            udp.sendto(b"\xc0\xff\xff\xff\xff" + os.urandom(size), node.address)
        async with quic_node() as other:
            assert await (await other.dial(node)).ask("echo", b"fine", SECONDS) == b"fine"
        udp.close()
        await until(lambda: node.lane.endpoint.links == 0)


async def test_quic_handshakes_are_bounded_and_end() -> None:
    """Who begins many handshakes and proves nothing gets a few places for a short time."""
    limits = Limits(handshakes_per_address=4, handshake_seconds=0.6)
    async with quic_node(limits=limits) as node:
        for _ in range(12):
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            quic = QuicConnection(configuration=node.lane.endpoint._dialling)
            quic.connect(node.address, 0.0)
            for data, address in quic.datagrams_to_send(0.0):
                udp.sendto(data, address)
            udp.close()
        await until(lambda: node.lane.endpoint.links == 4)
        await until(lambda: node.lane.endpoint.links == 0)


async def test_streams_that_never_end_are_given_up() -> None:
    """Hundreds of half-open streams time out, and questions are answered meanwhile and afterwards."""
    limits = Limits(stream_seconds=0.5)
    async with quic_node() as a, quic_node(limits=limits) as b:
        link = await a.dial(b)
        quic = link._quic
        for _ in range(100):
            quic.send_stream_data(quic.get_next_available_stream_id(), b"half a question")
        link.transmit()
        assert await link.ask("echo", b"meanwhile", SECONDS) == b"meanwhile"
        other = b.lane.link(a.node)
        assert other is not None
        await until(lambda: insides.open_streams(other._quic) < 10)
        for _ in range(300):
            assert await link.ask("echo", b"after", SECONDS) == b"after"


async def test_a_message_that_is_too_long_is_stopped() -> None:
    """A question above the limit is reset, not collected, and the connection goes on."""
    async with quic_node() as a, quic_node(limits=Limits(message=10_000)) as b:
        link = await a.dial(b)
        with pytest.raises(LaneError):
            await link.ask("echo", bytes(200_000), 3.0)
        assert await link.ask("echo", b"short", SECONDS) == b"short"


async def test_memory_set_aside_for_gaps_is_bounded() -> None:
    """Streams with holes in them make aioquic reserve memory; beyond the bound the connection ends."""
    limits = Limits(buffered=300_000)
    async with quic_node() as a, quic_node(limits=limits) as b:
        link = await a.dial(b)
        quic = link._quic
        for _ in range(8):
            stream = quic.get_next_available_stream_id()
            quic.send_stream_data(stream, bytes(60_000))
            sender = quic._streams[stream].sender
            sender._pending.subtract(0, 1)  # its first byte never goes out
        link.transmit()
        await until(lambda: link.over)
        assert b.lane.link(a.node) is None


async def test_who_asks_and_does_not_take_the_answers() -> None:
    """Answers that pile up for a peer that reads nothing are bounded."""
    answered = 0

    async def large(peer: Peer, payload: bytes) -> bytes:
        nonlocal answered
        answered += 1
        return bytes(400_000)

    limits = Limits(buffered=1_000_000, stream_seconds=0.5)
    async with quic_node() as a, quic_node(Desk({"large": large}), limits) as b:
        link = await a.dial(b)
        other = b.lane.link(a.node)
        assert other is not None
        link._quic._local_max_data.value = 0  # as if it granted nothing more
        quic = link._quic
        question = exchange.say("large", b"", 1000)
        for _ in range(30):
            quic.send_stream_data(quic.get_next_available_stream_id(), question, end_stream=True)
        a.lane.endpoint.received = lambda data, address: None  # type: ignore[method-assign]
        link.transmit()
        await until(lambda: answered == 30)
        assert insides.unsent(other._quic) <= 1_000_000
        await until(lambda: not other.busy)
        assert insides.unsent(other._quic) <= 1_000_000


async def test_visitors_are_bounded() -> None:
    """Anybody can make a key: who asks to join takes one of a few places."""
    desk = Desk({"join": echo_question}, open_to_visitors=frozenset({"join"}))
    async with quic_node() as a, quic_node(desk, Limits(visitors=2)) as b:
        links = [await a.lane.dial(b.address, b.node, join=True) for _ in range(2)]
        with pytest.raises(LaneError, match="too many boxes"):
            await a.lane.dial(b.address, b.node, join=True)
        assert await links[0].ask("join", b"please", SECONDS) == b"please"
