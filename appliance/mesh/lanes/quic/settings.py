"""aioquic's configuration for both ends, and the codes with which connections are closed."""

from __future__ import annotations

import ssl
from enum import IntEnum

from aioquic.quic.configuration import QuicConfiguration

from appliance.mesh.lanes.limits import Limits
from appliance.mesh.lanes.tls import ALPN
from appliance.mesh.lanes.x509 import NodeCertificate

LANE = "quic"  # signed in every proof
DATAGRAM = 1200  # bytes; the least that every path of QUIC carries, so nothing has to be found out
NOTE_IN_DATAGRAM = 1100
WINDOW = 256 * 1024


class Close(IntEnum):
    """Why a connection was ended on purpose."""

    DONE = 0
    REFUSED = 1
    REMOVED = 2
    DUPLICATE = 3
    ABUSE = 4
    LEAVING = 5
    DEAD = 6


def server_settings(certificate: NodeCertificate, limits: Limits) -> QuicConfiguration:
    settings = _common(limits, is_client=False)
    settings.certificate, settings.private_key = certificate.certificate, certificate.key
    return settings


def client_settings(limits: Limits) -> QuicConfiguration:
    """Trusts nobody's signature: which node answers is checked by its key."""
    settings = _common(limits, is_client=True)
    settings.verify_mode = ssl.CERT_NONE
    return settings


def _common(limits: Limits, *, is_client: bool) -> QuicConfiguration:
    return QuicConfiguration(
        is_client=is_client,
        alpn_protocols=[ALPN],
        idle_timeout=limits.idle_seconds,
        max_data=2 * WINDOW,
        max_stream_data=WINDOW,
        max_datagram_size=DATAGRAM,
        max_datagram_frame_size=65535,
    )
