"""The addresses of this machine that another could use."""

from __future__ import annotations

import ifaddr
import pytest

from appliance.mesh.discovery.interfaces import own_interfaces
from appliance.mesh.lanes.candidates import Interface


def adapter(name: str, *addresses: str) -> ifaddr.Adapter:
    ips = [ifaddr.IP((each, 0, 0) if ":" in each else each, 24, name) for each in addresses]
    return ifaddr.Adapter(name, name, ips)


def test_only_what_leads_out_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The likeliest first; no loopback, no bridge to containers, no address that needs an interface beside it."""
    adapters = [
        adapter("lo", "127.0.0.1", "::1"),
        adapter("docker0", "172.17.0.1"),
        adapter("br-0a1b", "172.18.0.1"),
        adapter("tailscale0", "100.64.0.9"),
        adapter("eth1", "169.254.7.7"),
        adapter("eth0", "fd00::20", "192.168.1.20", "fe80::1"),
    ]
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: adapters)
    assert own_interfaces() == (
        Interface("eth0", "192.168.1.20"),
        Interface("eth0", "fd00::20"),
        Interface("tailscale0", "100.64.0.9"),
        Interface("eth1", "169.254.7.7"),
    )
