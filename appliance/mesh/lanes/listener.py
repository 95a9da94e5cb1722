"""The TLS lane as its server: takes connections in, has both sides proved, and gives them to whom they are for.

The same way is gone by a connection that came through a relay: what carries the bytes does not matter.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections import Counter
from collections.abc import Sequence
from typing import cast

from appliance.mesh.lanes import proof
from appliance.mesh.lanes.connections import Connections
from appliance.mesh.lanes.contract import Handler, Handlers, Identity
from appliance.mesh.lanes.limits import DEFAULT, Limits
from appliance.mesh.lanes.purpose import Meet, Messages, Relay, tag_of
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.lanes.tls import LANE, server_context
from appliance.mesh.lanes.trouble import LaneError, Reason, reason_of
from appliance.mesh.lanes.x509 import NodeCertificate
from appliance.tasks import TaskGroup

log = logging.getLogger("meshbox.lanes")

VISITORS = tag_of(Messages)  # the only purpose open to who is no member; it may ask to join there
DIRECT_ONLY = frozenset({tag_of(Relay), tag_of(Meet)})
BACKLOG = 128

Carrier = asyncio.Transport | socket.socket  # of the bytes of TLS


class Listener:
    def __init__(
        self,
        certificate: NodeCertificate,
        identity: Identity,
        handlers: Handlers,
        connections: Connections,
        limits: Limits = DEFAULT,
    ) -> None:
        self._context, self._der = server_context(certificate), certificate.der
        self._identity, self._handlers = identity, handlers
        self._connections, self._limits = connections, limits
        self._tasks = TaskGroup()
        self._servers: list[asyncio.Server] = []
        self._shaking: Counter[str] = Counter()  # handshakes in flight by address
        self._visitors = 0
        self.refused: Counter[Reason] = Counter()

    async def start(self, hosts: Sequence[str], port: int) -> int:
        """The port that was taken: the same for every host."""
        loop = asyncio.get_running_loop()
        for host in hosts:
            server = await loop.create_server(lambda: _Arrival(self), host, port, backlog=BACKLOG)
            self._servers.append(server)
            port = int(server.sockets[0].getsockname()[1])
        return port

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        await self._tasks.close()

    @property
    def handshakes(self) -> int:
        return self._shaking.total()

    def arrived(self, transport: asyncio.Transport, relayed_by: str | None = None) -> None:
        """A connection of bytes led here by a relay. Nothing may have been read from it yet."""
        transport.pause_reading()  # until TLS is there to read
        self._begin(transport, _host(transport), relayed_by)

    def taken_in(self, connection: socket.socket, address: str) -> None:
        """One from the network."""
        self._begin(connection, address, None)

    def _begin(self, carrier: Carrier, address: str, relayed_by: str | None) -> None:
        if self.handshakes >= self._limits.handshakes or self._shaking[address] >= self._limits.handshakes_per_address:
            self.refused[Reason.BUSY] += 1
            _drop(carrier)
            return
        self._shaking[address] += 1
        self._tasks.start(f"lane from {address}", self._serve(carrier, address, relayed_by))

    async def _serve(self, transport: Carrier, address: str, relayed_by: str | None) -> None:
        stream = Stream()
        stream.address, stream.relayed_by = address, relayed_by
        try:
            handshake = self._handshake(stream, transport)
            try:
                await handshake
            finally:
                self._shaking -= Counter((address,))
            await self._hand_over(stream)
        except (LaneError, OSError, TimeoutError) as error:
            self._turned_away(stream, transport, error)
        except BaseException:
            stream.abort()
            _drop(transport)
            raise

    async def _secured(self, stream: Stream, carrier: Carrier) -> asyncio.BaseTransport | None:
        loop = asyncio.get_running_loop()
        if isinstance(carrier, socket.socket):
            tls, _ = await loop.connect_accepted_socket(lambda: stream, carrier, ssl=self._context)
            return tls
        return await loop.start_tls(carrier, stream, self._context, server_side=True)

    async def _handshake(self, stream: Stream, transport: Carrier) -> None:
        async with asyncio.timeout(self._limits.handshake_seconds):
            try:
                tls = await self._secured(stream, transport)
            except ssl.SSLError as error:
                raise LaneError(Reason.TLS, "who dialled does not speak the protocol of the mesh") from error
            if tls is None:  # the transport was closed meanwhile
                raise LaneError(Reason.CLOSED, "who dialled hung up")
            stream.connection_made(tls)
            peer, purpose = await proof.prove_to_client(stream, self._identity.server(self._der, LANE))
        stream.proved(peer)
        stream.meant_for(purpose)

    async def _hand_over(self, stream: Stream) -> None:
        tag = tag_of(stream.purpose)
        handler = self._handlers.get(tag)
        if (error := self._objection(stream, tag, known=handler is not None)) is not None or handler is None:
            await proof.answer(stream, error)
            self._say_and_end(stream, error or LaneError(Reason.UNKNOWN, tag))
            return
        self._connections.add(stream.peer.node, stream.transport, stream.began)
        await proof.answer(stream)
        try:
            await (self._visited(handler, stream) if stream.peer.visitor else handler(stream))
        finally:
            stream.close()  # does nothing to what was handed over

    async def _visited(self, handler: Handler, stream: Stream) -> None:
        self._visitors += 1
        try:
            async with asyncio.timeout(self._limits.visitor_seconds):
                await handler(stream)
        finally:
            self._visitors -= 1

    def _objection(self, stream: Stream, tag: str, *, known: bool) -> LaneError | None:
        if stream.peer.visitor and tag != VISITORS:
            return LaneError(Reason.TRUST, "only members of this mesh may do that")
        if stream.peer.visitor and self._visitors >= self._limits.visitors:
            return LaneError(Reason.BUSY, "too many boxes are asking to join at the moment")
        if stream.relayed_by is not None and tag in DIRECT_ONLY:
            return LaneError(Reason.UNKNOWN, "a connection is relayed once and not further")
        if not known:
            return LaneError(Reason.UNKNOWN, "this box has no use for such a connection")
        if self._connections.count(stream.peer.node) >= self._limits.connections_per_peer:
            return LaneError(Reason.BUSY, "there are too many connections between these two boxes")
        return None

    def _say_and_end(self, stream: Stream, error: LaneError) -> None:
        self.refused[error.reason] += 1
        stream.close()

    def _turned_away(self, stream: Stream, transport: Carrier, error: Exception) -> None:
        self.refused[reason_of(error)] += 1
        log.debug("connection from %s ended: %s", stream.address, error)
        if isinstance(error, LaneError) and error.reason in (Reason.TRUST, Reason.VERSION):
            stream.close()  # it shall read why
        else:
            stream.abort()
            _drop(transport)


class _Arrival(asyncio.Protocol):
    """A connection of which nothing was read."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop would begin to read now, whatever it is told, and TLS would miss its first bytes: the connection is
        taken out of its hands, and given to it anew together with TLS."""
        taken = cast("asyncio.Transport", transport)
        connection = socket.socket(fileno=os.dup(taken.get_extra_info("socket").fileno()))
        taken.abort()
        self._listener.taken_in(connection, _host(transport))


def _drop(carrier: Carrier) -> None:
    if isinstance(carrier, socket.socket):
        carrier.close()
    else:
        carrier.abort()


def _host(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""
