"""What aioquic knows and does not tell. All looks inside it are here, and a test says when one breaks."""

from __future__ import annotations

from aioquic.quic.connection import QuicConnection
from cryptography.hazmat.primitives.serialization import Encoding


def server_certificate(quic: QuicConnection) -> bytes | None:
    """What the server showed; TLS checked that it holds the key."""
    certificate = quic.tls._peer_certificate  # noqa: SLF001
    return None if certificate is None else certificate.public_bytes(Encoding.DER)


def received(quic: QuicConnection) -> int:
    """Bytes of all streams up to the furthest of each: aioquic sets memory aside for the gaps between as well."""
    return quic._local_max_data.used  # noqa: SLF001


def unsent(quic: QuicConnection) -> int:
    """Bytes that wait for the peer to take or to acknowledge them."""
    return sum(len(stream.sender._buffer) for stream in quic._streams.values())  # noqa: SLF001


def open_streams(quic: QuicConnection) -> int:
    return len(quic._streams)  # noqa: SLF001


def waiting_datagrams(quic: QuicConnection) -> int:
    return len(quic._datagrams_pending)  # noqa: SLF001


def takes_datagrams(quic: QuicConnection, size: int) -> bool:
    largest = quic._remote_max_datagram_frame_size  # noqa: SLF001
    return largest is not None and size + 8 <= largest
