"""Whether boxes on the network can be seen at all, and if not, why, in words (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from appliance.mesh.lanes.candidates import Interface, Kind, kind_of


class Reach(StrEnum):
    OFF = "off"
    STARTING = "starting"
    FINE = "fine"
    NO_NETWORK = "no_network"
    NO_MULTICAST = "no_multicast"
    BRIDGED = "bridged"
    PORT_TAKEN = "port_taken"


_INSTEAD = "Type the address of the other box instead, or use an invitation."

TEXTS = {
    Reach.OFF: "This box neither shows itself to others on this network nor looks for them.",
    Reach.STARTING: "Looking around …",
    Reach.FINE: "Boxes on the same network show up here by themselves.",
    Reach.NO_NETWORK: f"This box has no network that other machines could be on. {_INSTEAD}",
    Reach.NO_MULTICAST: (
        "What this box says to its whole network (multicast) does not get out, so boxes cannot see each other. "
        f"A firewall or a virtual network in between swallows it. {_INSTEAD}"
    ),
    Reach.BRIDGED: (
        "This box runs in a container with a network of its own, and what it says there does not reach your home "
        f"network. With the network mode “host” it would. {_INSTEAD}"
    ),
    Reach.PORT_TAKEN: (
        "Another program on this machine keeps UDP port 5353, by which boxes find each other, to itself. "
        f"End it, or allow it to share the port. {_INSTEAD}"
    ),
}


def reach_of(interfaces: Iterable[Interface], *, contained: bool, heard_itself: bool) -> Reach:
    """`heard_itself`: what the box said came back to it, as it would to everybody else."""
    hosts = [each.host for each in interfaces]
    if not hosts:
        return Reach.NO_NETWORK
    if not heard_itself:
        return Reach.NO_MULTICAST
    bridged = contained and all(kind_of(host) in {Kind.CONTAINER, Kind.LINK_LOCAL} for host in hosts)
    return Reach.BRIDGED if bridged else Reach.FINE
