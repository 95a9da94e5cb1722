"""What a test of the ways between two boxes means, in words a person can act on (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.candidates import Kind, kind_of
from appliance.mesh.lanes.trouble import Reason

SKEW_SECONDS = 60.0


class Code(StrEnum):
    FINE = "fine"
    TCP_CLOSED = "tcp_closed"
    UDP_CLOSED = "udp_closed"
    LARGE_DATAGRAMS = "large_datagrams"
    WRONG_NODE = "wrong_node"
    CONTAINER_ADDRESS = "container_address"
    CLOCK = "clock"
    VERSION = "version"
    RELAYED = "relayed"
    NO_WAY = "no_way"


class Side(StrEnum):
    """At which end something has to be done."""

    OURS = "ours"
    THEIRS = "theirs"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Tried:
    """One address tried on both lanes; None: it works."""

    address: Address
    tcp: Reason | None
    udp: Reason | None
    small_udp: bool = False  # small datagrams pass
    text: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything a test found out. `back` is what the peer tried towards us, `there` what we tried towards it."""

    peer: str
    back: tuple[Tried, ...]
    there: tuple[Tried, ...] = ()
    skew_seconds: float = 0.0
    relayed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    code: Code
    side: Side
    text: str


def verdict(seen: Seen) -> tuple[Finding, ...]:
    """Never empty: when nothing is wrong it says so."""
    found = [*_side(seen, seen.back, Side.OURS), *_side(seen, seen.there, Side.THEIRS), *_general(seen)]
    return tuple(found) or (Finding(Code.FINE, Side.BOTH, f"{seen.peer} and this box reach each other on both lanes."),)


def _side(seen: Seen, tried: Sequence[Tried], side: Side) -> Iterable[Finding]:
    if not tried:
        return
    yield from _strangers(seen, tried, side)
    works_tcp = any(each.tcp is None for each in tried)
    works_udp = any(each.udp is None for each in tried)
    hopeful = [each for each in tried if kind_of(each.address.host) < Kind.CONTAINER]
    if not hopeful and not (works_tcp or works_udp):
        yield Finding(Code.CONTAINER_ADDRESS, side, _only_container(side, tried[0].address))
        return
    for each in hopeful or tried:
        if each.tcp in _SPOKEN or each.udp in _SPOKEN:
            continue
        if not works_tcp and each.tcp is not None:
            yield Finding(Code.TCP_CLOSED, side, _closed(seen, side, each.address, "tcp", each.tcp))
        if not works_udp and each.udp is not None:
            yield _udp(seen, side, each)


_SPOKEN = frozenset({Reason.WRONG_NODE, Reason.VERSION})  # have a finding of their own


def _strangers(seen: Seen, tried: Sequence[Tried], side: Side) -> Iterable[Finding]:
    for each in tried:
        if Reason.WRONG_NODE in (each.tcp, each.udp):
            text = (
                f"Another box answers at {each.address}. Two machines may have the same address, or a port forwarding "
                "leads to the wrong one. Give each box an address of its own, or remove that one from its settings."
            )
            yield Finding(Code.WRONG_NODE, side, text)
        if Reason.VERSION in (each.tcp, each.udp):
            text = f"{seen.peer} and this box speak different versions of the mesh. Update the older one."
            yield Finding(Code.VERSION, Side.BOTH, text)


def _udp(seen: Seen, side: Side, tried: Tried) -> Finding:
    if tried.small_udp:
        text = (
            f"Small datagrams reach {tried.address.udp} and those of 1,200 bytes do not. A VPN or a tunnel on the way "
            "carries too little: raise its MTU to 1,280 or more."
        )
        return Finding(Code.LARGE_DATAGRAMS, side, text)
    return Finding(Code.UDP_CLOSED, side, _closed(seen, side, tried.address, "udp", tried.udp or Reason.SILENT))


def _closed(seen: Seen, side: Side, address: Address, protocol: str, reason: Reason) -> str:
    whose = "this box" if side is Side.OURS else seen.peer
    if reason is Reason.REFUSED:
        return (
            f"Port {address.port}/{protocol} of {whose} is refused at {address.host}: the machine is there and "
            f"the port is not. In a container publish it ({address.port}:{address.port}/{protocol})."
        )
    if reason is Reason.TLS:
        return (
            f"Another program answers on port {address.port}/{protocol} of {whose} at {address.host}. "
            "Choose another port for the mesh or stop that program."
        )
    return (
        f"Nothing comes back from port {address.port}/{protocol} of {whose} at {address.host}. Open it in the firewall "
        f"of that machine; in a container publish it ({address.port}:{address.port}/{protocol})."
    )


def _only_container(side: Side, address: Address) -> str:
    whose = "This box tells" if side is Side.OURS else "That box tells"
    return (
        f"{whose} only addresses inside a container, like {address.host}, which lead nowhere from other machines. "
        "Set the address of the machine in its settings (advertised address), or MESHBOX_ADVERTISE."
    )


def _general(seen: Seen) -> Iterable[Finding]:
    if abs(seen.skew_seconds) > SKEW_SECONDS:
        ahead = "ahead of" if seen.skew_seconds > 0 else "behind"
        text = (
            f"The clock of {seen.peer} is {abs(seen.skew_seconds) / 60:.0f} minutes {ahead} ours. Switch on time "
            "synchronisation on both machines: invitations and certificates have an end."
        )
        yield Finding(Code.CLOCK, Side.BOTH, text)
    if seen.relayed_by is not None:
        text = (
            f"{seen.peer} is reached through {seen.relayed_by}. That works and is slower; "
            "open the port on one of the two sides to talk directly."
        )
        yield Finding(Code.RELAYED, Side.BOTH, text)
