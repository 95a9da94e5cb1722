"""Two nodes talk over TLS, and nobody else does."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.limits import Limits
from appliance.mesh.lanes.purpose import File, Messages, Ping, Tunnel
from appliance.mesh.lanes.stream import HELD, Stream
from appliance.mesh.lanes.trouble import LaneError, Reason
from tests.app.mesh.harness import HERE, echo, tls_node, until


async def test_both_sides_know_each_other() -> None:
    """Who dialled knows who answered, and who answered knows who dialled and what for."""
    met: list[Stream] = []

    async def meet(stream: Stream) -> None:
        met.append(stream)
        await stream.read()

    async with tls_node({"tunnel": meet}) as server, tls_node() as client:
        stream = await client.dial(server, Tunnel(model="llama"))
        await until(lambda: met)
        assert (stream.peer.node, met[0].peer.node) == (server.node, client.node)
        assert met[0].purpose == Tunnel(model="llama")
        stream.close()


async def test_what_is_sent_comes_back() -> None:
    """A megabyte goes there and back unchanged."""
    data = bytes(range(256)) * 4096
    async with tls_node() as server, tls_node() as client:
        stream = await client.dial(server)

        async def send() -> None:
            for at in range(0, len(data), 65536):
                await stream.write(data[at : at + 65536])

        back, _ = await asyncio.gather(stream.read_exactly(len(data)), send())
        assert back == data
        stream.close()


async def test_another_box_at_the_address_is_found_out() -> None:
    """A dial ends with the name of who answered instead."""
    async with tls_node() as server, tls_node() as client:
        with pytest.raises(LaneError, match=server.node) as caught:
            await client.dialler.dial(server.address, "a" * 16, Ping())
        assert caught.value.reason is Reason.WRONG_NODE


async def test_nobody_at_the_address() -> None:
    """A port on which nothing listens is told apart from silence."""
    async with tls_node() as server, tls_node() as client:
        await server.listener.close()
        with pytest.raises(LaneError, match="nothing listens") as caught:
            await client.dial(server)
        assert caught.value.reason is Reason.REFUSED


async def test_something_else_at_the_address() -> None:
    """A web server at the address is recognised as none of us."""

    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    other = await asyncio.start_server(web, HERE, 0)
    address = Address(HERE, other.sockets[0].getsockname()[1])
    async with tls_node() as client:
        with pytest.raises(LaneError) as caught:
            await client.dialler.dial(address, "a" * 16, Ping())
    other.close()
    assert caught.value.reason is Reason.TLS


async def test_silence_at_the_address() -> None:
    """Who accepts and never says anything is given up after the deadline."""
    held: list[asyncio.StreamWriter] = []
    quiet = await asyncio.start_server(lambda _, writer: held.append(writer), HERE, 0)
    address = Address(HERE, quiet.sockets[0].getsockname()[1])
    async with tls_node(limits=Limits(handshake_seconds=0.3)) as client:
        with pytest.raises(LaneError, match="nobody answers") as caught:
            await client.dialler.dial(address, "a" * 16, Ping())
    quiet.close()
    for writer in held:
        writer.close()
        await writer.wait_closed()
    assert caught.value.reason is Reason.SILENT


async def test_a_stranger_gets_nothing_but_the_way_to_join() -> None:
    """Without membership no handler but that of joining is reached."""
    async with tls_node({"ping": echo, "messages": echo}) as server, tls_node() as client:
        with pytest.raises(LaneError, match="only members") as caught:
            await client.dialler.dial(server.address, server.node, Ping(), join=True)
        assert caught.value.reason is Reason.TRUST
        assert server.incoming.count(client.node) == 0
        stream = await client.dialler.dial(server.address, None, Messages(), join=True)
        assert stream.peer.visitor
        stream.close()


async def test_a_box_without_a_certificate_is_told_what_to_do() -> None:
    """Who claims to be a member and shows nothing is turned away in words."""
    async with tls_node() as server, tls_node() as client:
        client.member.certificate = None
        with pytest.raises(LaneError, match="Invite it first") as caught:
            await client.dial(server)
        assert caught.value.reason is Reason.TRUST


async def test_a_removed_box_is_told_so() -> None:
    """A refusal of the handshake arrives with its reason."""
    async with tls_node() as server, tls_node() as client:
        server.member.removed = {client.node}
        with pytest.raises(LaneError, match="removed from the mesh") as caught:
            await client.dial(server)
        assert caught.value.reason is Reason.TRUST


async def test_a_removed_server_is_not_talked_to() -> None:
    """The one who dials judges as well."""
    async with tls_node() as server, tls_node() as client:
        client.member.removed = {server.node}
        with pytest.raises(LaneError, match="removed from the mesh"):
            await client.dial(server)
        assert server.incoming.count(client.node) == 0


async def test_a_purpose_without_a_handler_is_refused() -> None:
    """What this box has no use for is said so, and the connection ends."""
    async with tls_node() as server, tls_node() as client:
        with pytest.raises(LaneError, match="no use") as caught:
            await client.dial(server, File("model.gguf"))
        assert caught.value.reason is Reason.UNKNOWN


async def test_a_removed_peer_loses_its_connections() -> None:
    """Ending a peer ends what is open with it, and what was handed over as well."""
    handed = asyncio.get_running_loop().create_future()
    ended = asyncio.get_running_loop().create_future()

    class Taken(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            ended.set_result(None)

    async def hand_over(stream: Stream) -> None:
        stream.detach(Taken())
        handed.set_result(None)

    async with tls_node({"ping": hand_over}) as server, tls_node() as client:
        stream = await client.dial(server)
        await handed
        assert server.incoming.count(client.node) == 1
        assert server.incoming.end(client.node) == 1
        await ended
        assert await stream.read() == b""
        assert server.incoming.count(client.node) == 0


async def test_connections_that_ended_are_not_counted() -> None:
    """A connection that was handed over and ended by its peer makes room for another."""

    async def hand_over(stream: Stream) -> None:
        stream.detach(asyncio.Protocol())

    async with tls_node({"ping": hand_over}) as server, tls_node() as client:
        for _ in range(3):
            (await client.dial(server)).close()
        await until(lambda: server.incoming.count(client.node) == 0)


async def test_connections_of_a_peer_are_bounded() -> None:
    """One more than allowed is refused as busy; the others go on."""
    async with tls_node(limits=Limits(connections_per_peer=2)) as server, tls_node() as client:
        streams = [await client.dial(server) for _ in range(2)]
        with pytest.raises(LaneError, match="too many") as caught:
            await client.dial(server)
        assert caught.value.reason is Reason.BUSY
        for stream in streams:
            await stream.write(b"still here")
            assert await stream.read() == b"still here"
            stream.close()


async def test_detach_hands_over_what_was_read_already() -> None:
    """Bytes that came before the handover are the first that the new owner gets."""

    class Upper(asyncio.Protocol):
        transport: asyncio.Transport

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport  # type: ignore[assignment]

        def data_received(self, data: bytes) -> None:
            self.transport.write(data.upper())

    async def shout(stream: Stream) -> None:
        await until(lambda: stream._held)
        stream.detach(Upper())

    async with tls_node({"ping": shout}) as server, tls_node() as client:
        stream = await client.dial(server)
        await stream.write(b"hello ")
        assert await stream.read_exactly(6) == b"HELLO "
        await stream.write(b"world")
        assert await stream.read_exactly(5) == b"WORLD"
        stream.close()


async def test_a_peer_that_is_not_read_has_to_wait() -> None:
    """What is held for a slow handler is bounded, and its sender stops."""
    held: list[Stream] = []
    done = asyncio.Event()

    async def ignore(stream: Stream) -> None:
        held.append(stream)
        await done.wait()

    async with tls_node({"ping": ignore}) as server, tls_node() as client:
        stream = await client.dial(server)
        sent = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while sent < 200 << 20:
                    await stream.write(b"x" * 65536)
                    sent += 65536
        assert sent < 100 << 20
        assert len(held[0]._held) <= HELD + (1 << 20)
        stream.abort()
        done.set()
