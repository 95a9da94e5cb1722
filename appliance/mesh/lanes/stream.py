"""One TLS connection between two nodes, both of them proved.

It begins with frames, and may end as a plain stream of bytes read and written here, or in the hands of another
protocol (`detach`), after which nothing of this file stands between that protocol and TLS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from appliance.mesh.lanes.contract import Peer
from appliance.mesh.lanes.purpose import Purpose
from appliance.mesh.lanes.trouble import LaneError, Reason

HELD = 256 * 1024  # bytes received and not read, above which the peer has to wait
LENGTH = 4
EARLY_FRAME = 64 * 1024  # the longest frame before the peer is proved


class Stream(asyncio.Protocol):
    """`peer` and `purpose` are set as soon as they are proved and known; handlers find both."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._held = bytearray()
        self._over = False  # nothing more will come
        self._lost = False
        self._held_up = False  # the peer is made to wait
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._writable = True
        self._endings: list[Callable[[], None]] = []
        self.began = asyncio.get_running_loop().time()
        self.address = ""
        self.relayed_by: str | None = None
        self._peer: Peer | None = None
        self._purpose: Purpose | None = None

    @property
    def peer(self) -> Peer:
        if self._peer is None:
            raise LaneError(Reason.TRUST, "the peer has not proved who it is")
        return self._peer

    @property
    def purpose(self) -> Purpose:
        if self._purpose is None:
            raise LaneError(Reason.UNKNOWN, "the connection has no purpose yet")
        return self._purpose

    def proved(self, peer: Peer) -> None:
        self._peer = peer

    def meant_for(self, purpose: Purpose) -> None:
        self._purpose = purpose

    @property
    def transport(self) -> asyncio.Transport:
        if self._transport is None:
            raise LaneError(Reason.CLOSED, "the connection has ended")
        return self._transport

    @property
    def closing(self) -> bool:
        return self._lost or self._transport is None or self._transport.is_closing()

    # asyncio.Protocol:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Also called by hand: `start_tls` does not, and may deliver the first bytes before it returns."""
        self._transport = cast("asyncio.Transport", transport)
        if self._lost:
            self._transport.abort()
        elif len(self._held) > HELD:
            self._hold_up()

    def data_received(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > HELD:
            self._hold_up()
        self._wake()

    def eof_received(self) -> bool:
        self._over = True
        self._wake()
        return False  # TLS has no half-closed connections here

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = self._lost = True
        self._error = exc
        self._wake()
        self.resume_writing()
        endings, self._endings = self._endings, []
        for ending in endings:
            ending()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    # Reading:

    async def read(self, most: int = HELD) -> bytes:
        """What came, as soon as something came; empty at the end."""
        while not self._held and not self._over:
            await self._more()
        return self._take(min(most, len(self._held)))

    async def read_exactly(self, size: int) -> bytes:
        while len(self._held) < size:
            if self._over:
                raise LaneError(Reason.CLOSED, "the peer ended the connection in the middle of something")
            await self._more(size)
        return self._take(size)

    async def read_frame(self, longest: int = EARLY_FRAME) -> bytes:
        """One frame; empty when the peer ended the connection between two frames."""
        while len(self._held) < LENGTH and not (self._over and not self._held):
            if self._over:
                raise LaneError(Reason.CLOSED, "the peer ended the connection in the middle of something")
            await self._more()
        if not self._held:
            return b""
        size = int.from_bytes(self._held[:LENGTH], "big")
        if not 0 < size <= longest:
            raise LaneError(Reason.MALFORMED, f"the peer announced a frame of {size} bytes; at most {longest} may come")
        return (await self.read_exactly(LENGTH + size))[LENGTH:]

    def _take(self, size: int) -> bytes:
        taken = bytes(memoryview(self._held)[:size])
        del self._held[:size]
        if self._held_up and len(self._held) <= HELD // 4:
            self._let_go_on()
        return taken

    async def _more(self, wanted: int = 1) -> None:
        if self._reader is not None:
            raise RuntimeError("two readers of one stream")
        if self._held_up and len(self._held) < wanted:
            self._let_go_on()
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _hold_up(self) -> None:
        if not self._held_up and self._transport is not None and not self._lost:
            self._held_up = True
            self._transport.pause_reading()

    def _let_go_on(self) -> None:
        self._held_up = False
        if self._transport is not None and not self._lost:
            self._transport.resume_reading()

    # Writing:

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Returns when it may be followed by more: a peer that does not read makes its writer wait."""
        self._check()
        self.transport.write(data)
        if not self._writable:
            await self._drained()

    async def write_frame(self, payload: bytes) -> None:
        await self.write(len(payload).to_bytes(LENGTH, "big") + payload)

    async def _drained(self) -> None:
        while not self._writable and not self._lost:
            if self._writer is None or self._writer.done():
                self._writer = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._writer)
        self._check()

    def _check(self) -> None:
        if self._lost:
            text = "the connection was cut" if self._error else "the peer ended the connection"
            raise LaneError(Reason.CLOSED, text)

    # The end:

    def on_end(self, ending: Callable[[], None]) -> None:
        if self._lost:
            ending()
        else:
            self._endings.append(ending)

    def close(self) -> None:
        """Says what is still to be said, then ends."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        self._lost = True
        if self._transport is not None:
            self._transport.abort()

    def detach(self, protocol: asyncio.Protocol) -> asyncio.Transport:
        """Hands the connection over. The protocol gets what was received and not read, and everything after it.

        `on_end` is not told any more: the protocol hears of the end itself.
        """
        transport = self.transport
        self._check()
        held, self._held = bytes(self._held), bytearray()
        self._endings.clear()
        self._transport = None
        transport.set_protocol(protocol)
        if self._held_up:  # first, since the protocol may want to hold it up again; nothing arrives before it returns
            transport.resume_reading()
        protocol.connection_made(transport)
        if not self._writable:
            protocol.pause_writing()
        if held:
            protocol.data_received(held)
        if self._over:
            protocol.eof_received()
        return transport
