"""Which addresses of a box are worth trying, and in which order (pure). Addresses are rated, never believed."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from appliance.mesh.lanes.address import Address

MOST = 12  # tried for one peer: what claims more is made of noise


class Source(StrEnum):
    WORKED = "worked"  # it led there last time
    ADVERTISED = "advertised"  # a person set it
    OBSERVED = "observed"  # a peer saw the box there
    INTERFACE = "interface"  # the box has it


class Kind(IntEnum):
    """The smaller the likelier to lead somewhere."""

    NETWORK = 0  # a home, an office, the internet
    NAMED = 1  # a host name: only its resolver knows
    OVERLAY = 2  # Tailscale and the like: leads there, perhaps by a detour
    CONTAINER = 5  # a bridge inside one machine: the same numbers exist on every machine
    LINK_LOCAL = 6
    LOOPBACK = 7  # this very machine
    NOWHERE = 9  # multicast, unspecified


_CONTAINER = tuple(
    ipaddress.ip_network(net)
    for net in (
        "172.17.0.0/16",  # docker0
        "172.18.0.0/15", "172.20.0.0/14", "172.24.0.0/13",  # networks of compose
        "192.168.65.0/24",  # Docker Desktop
        "192.168.122.0/24",  # libvirt
        "10.88.0.0/16",  # podman
        "10.42.0.0/16", "10.43.0.0/16",  # k3s
        "10.244.0.0/16", "10.96.0.0/12",  # flannel, services of Kubernetes
        "10.0.3.0/24",  # lxc
    )
)  # fmt: skip
_OVERLAY = ipaddress.ip_network("100.64.0.0/10")
_CONTAINER_NAMES = (
    "docker", "br-", "veth", "cni", "flannel", "virbr", "podman", "cali", "lxc", "lxdbr", "kube", "vnet",
)  # fmt: skip
_OVERLAY_NAMES = ("tailscale", "wg", "tun", "zt")


@dataclass(frozen=True, slots=True)
class Interface:
    name: str
    host: str


@dataclass(frozen=True, slots=True)
class Candidate:
    address: Address
    source: Source
    kind: Kind

    @property
    def doubtful(self) -> bool:
        return self.kind >= Kind.CONTAINER


def kind_of(host: str, interface: str = "") -> Kind:
    """By the interface's name where it is ours, by the range otherwise."""
    try:
        number = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return Kind.LOOPBACK if host == "localhost" else Kind.NAMED
    for kind, holds in (
        (Kind.NOWHERE, number.is_unspecified or number.is_multicast),
        (Kind.LOOPBACK, number.is_loopback),
        (Kind.LINK_LOCAL, number.is_link_local),
        (Kind.CONTAINER, interface.startswith(_CONTAINER_NAMES)),
        (Kind.OVERLAY, interface.startswith(_OVERLAY_NAMES) or number in _OVERLAY),
        (Kind.CONTAINER, not interface and any(number in net for net in _CONTAINER)),
    ):
        if holds:
            return kind
    return Kind.NETWORK


def own_candidates(
    interfaces: Iterable[Interface], advertised: Iterable[Address], observed: Iterable[Address], port: int
) -> tuple[Candidate, ...]:
    """What this box tells others of itself. Loopback is left out: it means another machine to each of them."""
    found = [
        *(Candidate(address, Source.ADVERTISED, kind_of(address.host)) for address in advertised),
        *(Candidate(address, Source.OBSERVED, kind_of(address.host)) for address in observed),
        *(Candidate(Address(each.host, port), Source.INTERFACE, kind_of(each.host, each.name)) for each in interfaces),
    ]
    said = {Source.ADVERTISED}
    return _ordered(each for each in found if each.source in said or each.kind < Kind.LINK_LOCAL)


def to_try(addresses: Sequence[Address], worked: Address | None = None) -> tuple[Candidate, ...]:
    """The addresses that a peer claims, the likeliest first; the one that worked last time before all."""
    first = [] if worked is None else [Candidate(worked, Source.WORKED, kind_of(worked.host))]
    claimed = (Candidate(address, Source.ADVERTISED, kind_of(address.host)) for address in addresses)
    return _ordered([*first, *claimed])


def _ordered(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    once: dict[Address, Candidate] = {}
    for candidate in sorted(candidates, key=_rank):
        if candidate.kind is not Kind.NOWHERE:
            once.setdefault(candidate.address, candidate)
    return tuple(once.values())[:MOST]


def _rank(candidate: Candidate) -> tuple[bool, bool, bool, Kind]:
    worked, advertised = candidate.source is Source.WORKED, candidate.source is Source.ADVERTISED
    return not worked, candidate.doubtful, not advertised, candidate.kind
