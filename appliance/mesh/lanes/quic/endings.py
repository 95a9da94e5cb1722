"""What an end that did not come from here means."""

from __future__ import annotations

from aioquic.quic.events import ConnectionTerminated

from appliance.mesh.lanes.quic.settings import Close
from appliance.mesh.lanes.trouble import LaneError, Reason

ALERTS = range(0x100, 0x200)  # CRYPTO_ERROR and the alert of TLS
_CODES = frozenset(Close)


def why(event: ConnectionTerminated) -> LaneError:
    if event.frame_type is None and event.error_code in _CODES:
        return _on_purpose(Close(event.error_code), event.reason_phrase)
    if event.reason_phrase == "Idle timeout":
        return LaneError(Reason.SILENT, "the peer went silent")
    if event.error_code in ALERTS:
        return LaneError(Reason.TLS, f"no encrypted connection came about ({event.reason_phrase})")
    return LaneError(Reason.CLOSED, event.reason_phrase or "the connection was cut")


def _on_purpose(code: Close, said: str) -> LaneError:
    match code:
        case Close.REFUSED | Close.REMOVED:
            return LaneError(Reason.TRUST, said or "the peer does not want this connection")
        case Close.ABUSE:
            return LaneError(Reason.BUSY, said or "the peer was asked for too much")
        case _:
            return LaneError(Reason.CLOSED, said or "the peer ended the connection")
