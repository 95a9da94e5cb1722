"""What goes wrong between two boxes, told apart so that a person can be told what to do about it (pure)."""

from __future__ import annotations

from enum import StrEnum

from appliance.mesh.plain import plain

LONGEST_TEXT = 300


class Reason(StrEnum):
    REFUSED = "refused"  # somebody is there and nothing listens on the port
    SILENT = "silent"  # nobody answers: a firewall, a wrong address, a box that is off
    UNREACHABLE = "unreachable"  # there is no way to that network
    NAME = "name"  # the name has no address
    WRONG_NODE = "wrong_node"  # another box answers there
    TLS = "tls"  # what answers is no box
    VERSION = "version"  # one of the two is too old
    TRUST = "trust"  # the box is there and does not want us
    MALFORMED = "malformed"  # what was said cannot be understood
    BUSY = "busy"  # a bound was reached
    CLOSED = "closed"  # the connection ended
    LATE = "late"  # the answer did not come in time
    UNKNOWN = "unknown"  # no such purpose, kind or peer there
    FAILED = "failed"  # the peer tried and failed


class LaneError(Exception):
    """Why something between two boxes did not work: `reason` for programs, the text for people."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(plain(text, LONGEST_TEXT))
        self.reason = reason


def reason_of(error: Exception) -> Reason:
    """What the network's own errors mean here."""
    match error:
        case LaneError():
            return error.reason
        case TimeoutError():
            return Reason.SILENT
        case ConnectionRefusedError():
            return Reason.REFUSED
        case ConnectionError():
            return Reason.CLOSED
    return Reason.UNREACHABLE
