"""Why nobody can be seen."""

from __future__ import annotations

import pytest

from appliance.mesh.discovery.reach import TEXTS, Reach, reach_of
from appliance.mesh.lanes.candidates import Interface

HOME = Interface("eth0", "192.168.1.20")
BRIDGE = Interface("eth0", "172.17.0.2")


@pytest.mark.parametrize(
    ("interfaces", "contained", "heard_itself", "expected"),
    [
        ([], False, True, Reach.NO_NETWORK),
        ([HOME], False, False, Reach.NO_MULTICAST),
        ([HOME], False, True, Reach.FINE),
        ([HOME], True, True, Reach.FINE),  # network mode host
        ([BRIDGE], True, True, Reach.BRIDGED),
        ([BRIDGE], False, True, Reach.FINE),  # a home that happens to use that range
        ([BRIDGE, HOME], True, True, Reach.FINE),
    ],
)
def test_the_reason_is_told(interfaces: list[Interface], contained: bool, heard_itself: bool, expected: Reach) -> None:
    """From what is known of the machine."""
    assert reach_of(interfaces, contained=contained, heard_itself=heard_itself) is expected


def test_every_reason_has_its_words() -> None:
    """Whole sentences."""
    assert TEXTS.keys() == set(Reach)
