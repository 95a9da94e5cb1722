"""The addresses of this machine, as far as another machine could use them."""

from __future__ import annotations

import ifaddr

from appliance.mesh.lanes.candidates import Interface, Kind, kind_of


def own_interfaces() -> tuple[Interface, ...]:
    """The likeliest first; without loopback and the bridges to containers of this machine."""
    found = {
        Interface(adapter.name, each.ip if isinstance(each.ip, str) else each.ip[0])
        for adapter in ifaddr.get_adapters()
        for each in adapter.ips
    }
    return tuple(sorted((each for each in found if _leads_out(each)), key=_rank))


def _leads_out(interface: Interface) -> bool:
    kind = kind_of(interface.host, interface.name)
    if kind is Kind.LINK_LOCAL:
        return ":" not in interface.host  # every machine has one in IPv6, and others cannot use it as it is written
    return kind not in {Kind.CONTAINER, Kind.LOOPBACK, Kind.NOWHERE}


def _rank(interface: Interface) -> tuple[Kind, bool, str, str]:
    return kind_of(interface.host, interface.name), ":" in interface.host, interface.name, interface.host
