"""Addresses are rated by what they are, and tried in that order."""

from __future__ import annotations

import pytest

from appliance.mesh.lanes.address import Address, parse_address
from appliance.mesh.lanes.candidates import MOST, Interface, Kind, Source, kind_of, own_candidates, to_try
from appliance.mesh.lanes.trouble import LaneError


@pytest.mark.parametrize(
    ("host", "interface", "kind"),
    [
        ("192.168.1.20", "", Kind.NETWORK),
        ("203.0.113.7", "eth0", Kind.NETWORK),
        ("2001:db8::1", "", Kind.NETWORK),
        ("172.17.0.2", "", Kind.CONTAINER),
        ("172.20.0.3", "", Kind.CONTAINER),
        ("172.20.0.3", "eth0", Kind.NETWORK),  # a house may use that range: its own box knows better
        ("192.168.1.20", "docker0", Kind.CONTAINER),
        ("10.244.3.1", "", Kind.CONTAINER),
        ("10.8.0.2", "wg0", Kind.OVERLAY),
        ("100.101.102.103", "", Kind.OVERLAY),
        ("169.254.3.4", "", Kind.LINK_LOCAL),
        ("fe80::1%eth0", "", Kind.LINK_LOCAL),
        ("127.0.0.1", "lo", Kind.LOOPBACK),
        ("localhost", "", Kind.LOOPBACK),
        ("0.0.0.0", "", Kind.NOWHERE),
        ("239.1.2.3", "", Kind.NOWHERE),
        ("box.lan", "", Kind.NAMED),
    ],
)
def test_what_an_address_is(host: str, interface: str, kind: Kind) -> None:
    """By the name of its interface where it is ours, by its range otherwise."""
    assert kind_of(host, interface) is kind


def test_what_worked_is_tried_first_and_containers_last() -> None:
    """The order of a peer's addresses follows from what they are."""
    worked, home = Address("10.0.0.9"), Address("192.168.1.5")
    docker, overlay = Address("172.17.0.2"), Address("100.64.1.1")
    order = [each.address for each in to_try([docker, overlay, home, worked], worked)]
    assert order == [worked, home, overlay, docker]


def test_an_address_is_tried_once_and_not_endlessly_many() -> None:
    """Double and endless claims cost nothing."""
    claimed = [Address(f"10.1.{n // 250}.{n % 250 + 1}") for n in range(500)]
    assert len(to_try([*claimed, *claimed])) == MOST
    assert len(to_try([Address("10.0.0.1")] * 5)) == 1


def test_what_a_box_tells_of_itself() -> None:
    """What a person set comes first; loopback and link-local are left out."""
    interfaces = [
        Interface("lo", "127.0.0.1"),
        Interface("docker0", "172.17.0.1"),
        Interface("eth0", "192.168.1.5"),
        Interface("eth0", "fe80::5"),
    ]
    told = own_candidates(interfaces, [Address("box.example.org", 4000)], [Address("198.51.100.7")], 9338)
    assert [(str(each.address), each.source) for each in told] == [
        ("box.example.org:4000", Source.ADVERTISED),
        ("198.51.100.7:9338", Source.OBSERVED),
        ("192.168.1.5:9338", Source.INTERFACE),
        ("172.17.0.1:9338", Source.INTERFACE),
    ]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.168.1.20", Address("192.168.1.20")),
        (" box.lan:4000 ", Address("box.lan", 4000)),
        ("[2001:db8::1]:4000", Address("2001:db8::1", 4000)),
        ("[2001:db8::1]", Address("2001:db8::1")),
        ("2001:db8::1", Address("2001:db8::1")),
    ],
)
def test_addresses_as_people_write_them(text: str, address: Address) -> None:
    """With and without a port, names and numbers of both kinds."""
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize("text", ["", ":9338", "box:0x10", "box:70000", "box:0", "a b", "http://box", "x" * 300])
def test_what_is_no_address_is_said_so(text: str) -> None:
    """The error says how one is written, and nothing else happens."""
    with pytest.raises(LaneError):
        parse_address(text)
