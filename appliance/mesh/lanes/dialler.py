"""The TLS lane as its client: dials one address and comes back with a proved stream, or with why there is none."""

from __future__ import annotations

import asyncio
import socket
import ssl

from appliance.mesh.lanes import proof
from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.connections import Connections
from appliance.mesh.lanes.contract import Identity
from appliance.mesh.lanes.limits import DEFAULT, Limits
from appliance.mesh.lanes.purpose import Purpose
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.lanes.tls import LANE, client_context, server_of
from appliance.mesh.lanes.trouble import LaneError, Reason


class Dialler:
    def __init__(self, identity: Identity, connections: Connections, limits: Limits = DEFAULT) -> None:
        self._context = client_context()
        self._identity, self._connections, self._limits = identity, connections, limits

    async def dial(self, address: Address, node: str | None, purpose: Purpose, *, join: bool = False) -> Stream:
        """`node` is who has to answer there; none only to `join` by a typed address."""
        try:
            async with asyncio.timeout(self._limits.handshake_seconds):
                transport = await _connect(address)
                stream = await self.over(transport, node, purpose, join=join)
        except TimeoutError as error:
            raise LaneError(Reason.SILENT, f"nobody answers at {address.tcp}") from error
        except LaneError as error:
            raise LaneError(error.reason, f"{address.tcp}: {error}") from error
        stream.address = address.host
        return stream

    async def over(
        self, transport: asyncio.BaseTransport, node: str | None, purpose: Purpose, *, join: bool = False
    ) -> Stream:
        """TLS and both proofs over a connection of bytes that is there already."""
        stream = Stream()
        try:
            stream.connection_made(await self._secured(transport, stream))
            answered, der = server_of(stream.transport, node)
            stream.meant_for(purpose)
            handshake = self._identity.client(der, LANE, node, join=join)
            stream.proved(await proof.prove_to_server(stream, handshake, purpose))
            if stream.peer.node != answered:
                raise LaneError(Reason.WRONG_NODE, f"it showed the certificate of another box ({stream.peer.node})")
            self._connections.add(answered, stream.transport, stream.began)
        except BaseException:
            stream.abort()
            transport.close()
            raise
        return stream

    async def _secured(self, transport: asyncio.BaseTransport, stream: Stream) -> asyncio.BaseTransport:
        loop = asyncio.get_running_loop()
        try:
            tls = await loop.start_tls(transport, stream, self._context)  # type: ignore[arg-type]
        except ssl.SSLError as error:
            raise LaneError(Reason.TLS, "what answers does not speak the protocol of the mesh") from error
        except OSError as error:
            raise LaneError(Reason.TLS, "it hung up instead of beginning an encrypted connection") from error
        if tls is None:
            raise LaneError(Reason.CLOSED, "it hung up")
        return tls


async def _connect(address: Address) -> asyncio.BaseTransport:
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_connection(asyncio.Protocol, address.host, address.port)
    except ConnectionRefusedError as error:
        raise LaneError(Reason.REFUSED, "nothing listens there") from error
    except socket.gaierror as error:
        raise LaneError(Reason.NAME, "the name has no address") from error
    except TimeoutError as error:
        raise LaneError(Reason.SILENT, "nobody answers") from error
    except OSError as error:
        raise LaneError(Reason.UNREACHABLE, f"no way leads there ({error.strerror})") from error
    return transport
