"""What the lanes ask of the identity: somebody who runs a handshake, and says who was proved by it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from appliance.mesh.lanes.stream import Stream


class Peer(Protocol):
    """Who is at the other end. A visitor is no member: it may ask to join and nothing else."""

    @property
    def node(self) -> str: ...

    @property
    def visitor(self) -> bool: ...


class Refused(Protocol):
    @property
    def reason(self) -> str: ...

    @property
    def text(self) -> str: ...


class Reply(Protocol):
    """What a handshake makes of a frame: something to send, and perhaps its end."""

    @property
    def send(self) -> bytes: ...

    @property
    def done(self) -> Peer | None: ...

    @property
    def refused(self) -> Refused | None: ...


class Handshake(Protocol):
    """One side of a handshake without a wire: frames in, frames out. It never raises."""

    def receive(self, payload: bytes) -> Reply: ...


class Asking(Handshake, Protocol):
    """The side that dialled speaks first."""

    def first(self) -> bytes: ...


class Identity(Protocol):
    """Makes handshakes. The certificate is the one that TLS showed, so that a proof is good for that server alone."""

    def client(self, server_der: bytes, lane: str, expected: str | None, *, join: bool) -> Asking: ...

    def server(self, own_der: bytes, lane: str) -> Handshake: ...


Handler = Callable[["Stream"], Awaitable[None]]
Handlers = Mapping[str, Handler]
