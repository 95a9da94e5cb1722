"""Which lane carries bulk between two boxes, out of what was measured, and why (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.mesh.types import Lane, Link

SLOW_MB_S = 12.0  # about what QUIC moves in Python


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of a pair; None: does not work, or was not measured."""

    quic_ms: float | None = None
    tls_ms: float | None = None
    mb_s: float | None = None  # over TLS, relayed or not
    relayed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    lane: Lane | None
    why: str


def choose_lane(measured: Measured) -> Choice:
    if measured.relayed_by is not None:
        return Choice(Lane.RELAY, f"no direct way was found; {measured.relayed_by} relays")
    if measured.tls_ms is not None or measured.mb_s is not None:
        if measured.quic_ms is None:
            return Choice(Lane.TLS, "TCP works and UDP does not pass")
        if measured.mb_s is not None and measured.mb_s < SLOW_MB_S:
            return Choice(Lane.TLS, f"TCP works, at {measured.mb_s:.1f} MB/s; the network is the limit")
        return Choice(Lane.TLS, "TCP works, which moves the most")
    if measured.quic_ms is not None:
        return Choice(Lane.QUIC, "UDP works and TCP does not pass: requests do, files and splits are slow")
    return Choice(None, "neither lane works between these two")


def link_of(source: str, target: str, measured: Measured) -> Link:
    """As the topology shows it."""
    known = [each for each in (measured.quic_ms, measured.tls_ms) if each is not None]
    return Link(
        source,
        target,
        choose_lane(measured).lane,
        rtt_ms=min(known, default=None),
        mb_s=measured.mb_s,
        via=measured.relayed_by,
    )
