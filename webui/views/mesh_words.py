"""Numbers and names of other boxes in words. Any number may come in: what makes no sense is not shown."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2s
from math import isfinite
from urllib.parse import quote

from appliance.mesh.plain import plain
from appliance.mesh.types import Lane

END_OF_TIME = 253_402_300_800  # the year 10000
LONGEST_KEY = 128

LANE_WORDS = {
    Lane.QUIC: "direct, QUIC",
    Lane.TLS: "direct, TLS",
    Lane.RELAY: "through another box",
    None: "not connected",
}


def digest(kind: str, identity: str) -> str:
    """A short mark for elements of the page, whatever characters the identity has."""
    return kind + blake2s(identity.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def address_key(identity: str) -> str:
    """What stands in an address for an identity: itself, or a mark when it cannot stand there."""
    fit = identity != "" and plain(identity, LONGEST_KEY) == identity
    return identity if fit else digest("~", identity)


def page_of(what: str, identity: str) -> str:
    return f"/topology?{what}={quote(address_key(identity), safe='')}"


def rtt_text(ms: float | None) -> str | None:
    if ms is None or not 0 <= ms < 1e7:
        return None
    if ms < 1:
        return f"{max(ms, 0.1):.1f} ms"
    return f"{ms:.0f} ms" if ms < 10_000 else f"{ms / 1000:.0f} s"


def rate_text(mb_s: float | None) -> str | None:
    if mb_s is None or not 0 <= mb_s < 1e7:
        return None
    if mb_s >= 1000:
        return f"{mb_s / 1000:.1f} GB/s"
    return f"{mb_s:.0f} MB/s" if mb_s >= 10 else f"{mb_s:.1f} MB/s"


def loss_text(loss: float | None) -> str | None:
    if loss is None or not 0 <= loss <= 1:
        return None
    return "none" if loss == 0 else f"{max(loss * 100, 0.1):.1f} %"


def percent(share: float) -> int:
    return round(100 * min(max(share, 0.0), 1.0)) if isfinite(share) else 0


def time_text(at: float | None) -> str | None:
    if at is None or not 0 <= at < END_OF_TIME:
        return None
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
