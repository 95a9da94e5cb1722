"""Both ends of a QUIC connection prove themselves on its first stream."""

from __future__ import annotations

from collections.abc import Callable

from aioquic.quic.connection import QuicConnection

from appliance.mesh.identity.errors import Malformed
from appliance.mesh.identity.frames import FrameReader, framed
from appliance.mesh.lanes.contract import Handshake, Identity, Peer
from appliance.mesh.lanes.proof import raise_if_refused
from appliance.mesh.lanes.quic import insides
from appliance.mesh.lanes.quic.settings import LANE
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.lanes.x509 import node_of

UNPROVED_BYTES = 64 * 1024

Say = Callable[[bytes], None]


class Proving:
    """Either end; `say` sends on the first stream. Everything that is wrong is a LaneError."""

    def __init__(self, identity: Identity, own_der: bytes, say: Say) -> None:
        self._identity, self._own_der, self._say = identity, own_der, say
        self._frames = FrameReader(UNPROVED_BYTES)
        self._handshake: Handshake | None = None
        self._server = ""  # who answered, when this end dialled

    def begin(self, quic: QuicConnection, expected: str | None, *, join: bool) -> None:
        """As the one who dialled, as soon as TLS is there."""
        der = insides.server_certificate(quic)
        self._server = node_of(der)
        if expected not in (None, self._server):
            raise LaneError(Reason.WRONG_NODE, f"another box ({self._server}) answers there instead of {expected}")
        asking = self._identity.client(der or b"", LANE, expected, join=join)
        self._handshake = asking
        self._say(framed(asking.first()))

    def received(self, data: bytes) -> Peer | None:
        """The peer, as soon as it is proved."""
        if self._handshake is None:
            self._handshake = self._identity.server(self._own_der, LANE)
        self._frames.feed(data)
        peer = None
        while (frame := self._next_frame()) is not None:
            peer = self._frame(self._handshake, frame) or peer
        return peer

    def _next_frame(self) -> bytes | None:
        try:
            return self._frames.next()
        except Malformed as error:
            raise LaneError(Reason.MALFORMED, str(error)) from error

    def _frame(self, handshake: Handshake, frame: bytes) -> Peer | None:
        reply = handshake.receive(frame)
        if reply.send:
            self._say(framed(reply.send))
        raise_if_refused(reply.refused)
        if reply.done is not None and self._server not in ("", reply.done.node):
            raise LaneError(Reason.WRONG_NODE, f"it showed the certificate of another box ({reply.done.node})")
        return reply.done
