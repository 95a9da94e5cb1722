"""Which addresses a file may be fetched from.

A person may paste any address, and a server may redirect to any other. Without this guard a box could be made to call
what only it can reach: the router, other machines of the home, or itself. Names are judged by what they resolve to at
the moment of the connection, so that a name cannot change in between.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver

_NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(Exception):
    """This address is not fetched from; the text says why and what to do."""


def is_public(address: str) -> bool:
    """Whether an IP address lies on the open internet; also when it wraps one of the older kind."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        inner = _wrapped(parsed)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def check_url(url: str) -> None:
    """What can be said of an address before its name is resolved. Raises AddressRefused."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        raise AddressRefused(_refusal(f"{parts.scheme}://{parts.hostname}", "it is not https"))
    host = parts.hostname or ""
    if _is_literal(host) and not is_public(host):
        raise AddressRefused(_refusal(host, "it lies in a private network"))


def _is_literal(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _refusal(what: str, why: str) -> str:
    return f"{what} is not fetched from: {why}. If you trust it, switch on the setting models.allow_private_urls."


class PublicOnly(ThreadedResolver):
    """Resolves names to addresses of the open internet; a name with any other is refused."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        if any(not is_public(entry["host"]) for entry in found):
            raise AddressRefused(_refusal(host, "its name leads into a private network"))
        return found
