"""The bounds of both lanes in one place. Nobody who has not proved anything costs more than these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    handshakes: int = 64  # in flight on a lane, all addresses together
    handshakes_per_address: int = 12
    handshake_seconds: float = 5.0
    visitors: int = 32  # on a lane at once; they are no members yet and proved a key that anybody can make
    visitor_seconds: float = 900.0
    connections_per_peer: int = 256  # TLS
    questions: int = 32  # asked of one peer at once; the next one waits
    questions_waiting: int = 256  # and above that it is refused
    answering: int = 32  # of one peer at once
    message: int = 512 * 1024  # bytes of a question, an answer or a note
    buffered: int = 4 * 1024 * 1024  # bytes received of one peer and not yet complete
    stream_seconds: float = 30.0  # a question, an answer or a note has to be complete by then
    idle_seconds: float = 75.0
    keep_alive_seconds: float = 25.0  # of silence; home routers forget a mapping after 30
    quic_connections: int = 2048
    relays: int = 32  # pairs led together by this node at once
    relays_per_peer: int = 4
    relay_bytes_per_second: int = 50_000_000  # of one pair and direction


DEFAULT = Limits()
