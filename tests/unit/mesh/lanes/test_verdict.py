"""A test of the ways between two boxes ends in sentences that say what to do, and where."""

from __future__ import annotations

from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.trouble import Reason
from appliance.mesh.lanes.verdict import Code, Seen, Side, Tried, verdict

HOME = Address("192.168.1.5")
DOCKER = Address("172.17.0.2")
FINE = Tried(HOME, None, None, small_udp=True)


def codes(seen: Seen) -> list[tuple[Code, Side]]:
    return [(each.code, each.side) for each in verdict(seen)]


def test_all_is_well() -> None:
    """When nothing is wrong it says so."""
    assert codes(Seen("peer", (FINE,), (FINE,))) == [(Code.FINE, Side.BOTH)]


def test_which_port_on_which_side() -> None:
    """Our UDP and their TCP are closed: two findings, each with its side and port."""
    seen = Seen(
        "peer",
        (Tried(HOME, None, Reason.SILENT),),
        (Tried(Address("192.168.1.6"), Reason.REFUSED, None),),
    )
    assert codes(seen) == [(Code.UDP_CLOSED, Side.OURS), (Code.TCP_CLOSED, Side.THEIRS)]
    ours, theirs = verdict(seen)
    assert "9338/udp of this box" in ours.text
    assert "9338/tcp of peer" in theirs.text


def test_one_address_that_works_is_enough() -> None:
    """Others that do not are no trouble."""
    assert codes(Seen("peer", (FINE, Tried(DOCKER, Reason.SILENT, Reason.SILENT)))) == [(Code.FINE, Side.BOTH)]


def test_only_container_addresses() -> None:
    """Two Docker hosts that never meet are told why."""
    seen = Seen("peer", (Tried(DOCKER, Reason.SILENT, Reason.SILENT),))
    assert codes(seen) == [(Code.CONTAINER_ADDRESS, Side.OURS)]
    assert "MESHBOX_ADVERTISE" in verdict(seen)[0].text


def test_another_box_has_the_address() -> None:
    """Two machines with one address are named as such, not as a closed port."""
    seen = Seen("peer", (), (Tried(HOME, Reason.WRONG_NODE, Reason.WRONG_NODE),))
    assert codes(seen) == [(Code.WRONG_NODE, Side.THEIRS)]


def test_small_datagrams_pass_and_large_ones_do_not() -> None:
    """A path with too small an MTU is told apart from a closed port."""
    seen = Seen("peer", (Tried(HOME, None, Reason.SILENT, small_udp=True),))
    assert codes(seen) == [(Code.LARGE_DATAGRAMS, Side.OURS)]


def test_clocks_versions_and_relays() -> None:
    """What has no port is said as well."""
    seen = Seen("peer", (FINE,), (Tried(HOME, Reason.VERSION, None),), skew_seconds=-600.0, relayed_by="helper")
    assert codes(seen) == [(Code.VERSION, Side.BOTH), (Code.CLOCK, Side.BOTH), (Code.RELAYED, Side.BOTH)]
    assert "10 minutes behind" in verdict(seen)[1].text


def test_clocks_that_agree_well_enough() -> None:
    """Half a minute is no trouble."""
    assert codes(Seen("peer", (FINE,), skew_seconds=30.0)) == [(Code.FINE, Side.BOTH)]
