"""The lane of a pair follows from what was measured, with its reason."""

from __future__ import annotations

import pytest

from appliance.mesh.lanes.choice import Measured, choose_lane, link_of
from appliance.mesh.types import Lane, Link


@pytest.mark.parametrize(
    ("measured", "lane", "why"),
    [
        (Measured(quic_ms=1.0, tls_ms=0.5, mb_s=110.0), Lane.TLS, "moves the most"),
        (Measured(quic_ms=1.0, tls_ms=0.5, mb_s=3.0), Lane.TLS, "the network is the limit"),
        (Measured(tls_ms=0.5, mb_s=110.0), Lane.TLS, "UDP does not pass"),
        (Measured(quic_ms=1.0), Lane.QUIC, "TCP does not pass"),
        (Measured(quic_ms=1.0, tls_ms=9.0, mb_s=5.0, relayed_by="helper"), Lane.RELAY, "helper relays"),
        (Measured(), None, "neither lane"),
    ],
)
def test_the_lane_and_why(measured: Measured, lane: Lane | None, why: str) -> None:
    """Each case has its lane and a sentence."""
    choice = choose_lane(measured)
    assert choice.lane is lane
    assert why in choice.why


def test_the_link_of_the_topology() -> None:
    """The better round trip is shown, with the rate and who relays."""
    measured = Measured(quic_ms=1.5, tls_ms=0.5, mb_s=100.0)
    assert link_of("a", "b", measured) == Link("a", "b", Lane.TLS, rtt_ms=0.5, mb_s=100.0)
