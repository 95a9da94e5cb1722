"""Under which names this box may be opened in a browser.

A page of a stranger can point its own name at an address of the home network (DNS rebinding) and would then talk to
this box as if it were its own server. It cannot do so with an address or with a name that only a local resolver
gives out: those are safe, every other name has to be allowed by the owner.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_HOST = re.compile(
    r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)\.?)(?::\d{1,5})?", re.ASCII
)
_LOCAL = (".local", ".lan", ".localhost", ".home.arpa", ".internal")


def host_allowed(host_header: str, extra: Iterable[str]) -> bool:
    """Whether a `Host` header names this box; `extra` holds further names, `*.example.org` for all below one."""
    match = _HOST.fullmatch(host_header.strip().lower())
    if match is None:
        return False
    if match["six"] is not None:
        return _is_address(match["six"], IPv6Address)
    name = match["name"]
    if "." not in name or name.endswith(_LOCAL) or _is_address(name, IPv4Address):
        return True
    return any(_fits(name, pattern.lower()) for pattern in extra)


def _is_address(text: str, kind: type[IPv4Address | IPv6Address]) -> bool:
    try:
        kind(text)
    except AddressValueError:
        return False
    return True


def _fits(name: str, pattern: str) -> bool:
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern
