"""What a box says of itself on its own network, as a DNS-SD record, and what is made of such a record (pure)."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from appliance.mesh.discovery.names import LONGEST
from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.candidates import Kind, kind_of
from appliance.mesh.plain import plain

PROTOCOL = 1
LONGEST_VERSION = 32
MOST_ADDRESSES = 8
NO_MESH = "none"
_NAME_BYTES = 200  # an entry of a TXT record has 255 at most
_DOMAIN = b"meshbox/1 nearby\0"
_MARK = re.compile(r"[a-z2-7]{16}", re.ASCII)  # node ids and marks of meshes look alike


@dataclass(frozen=True, slots=True)
class Heard:
    """A record as it came in: nothing of it has been looked at."""

    instance: str  # the first label of its name: one a start of a box
    properties: Mapping[bytes, bytes | None]
    addresses: tuple[str, ...]
    port: int | None


@dataclass(frozen=True, slots=True)
class Nearby:
    """A box that was heard of on this network, by its own words."""

    node: str
    name: str
    mesh: str | None  # the mark of its mesh, not its id: it can be recognised and not be learned
    addresses: tuple[str, ...]
    port: int
    version: str
    protocol: int = PROTOCOL
    seen_at: float = field(default=0.0, compare=False)  # hearing it again changes nothing that is shown

    @property
    def places(self) -> tuple[Address, ...]:
        return tuple(Address(host, self.port) for host in self.addresses)

    @property
    def understood(self) -> bool:
        """Whether the two can talk at all; if not, one of them is to be updated."""
        return self.protocol == PROTOCOL


def mark_of(mesh: str) -> str:
    """By this a member recognises its mesh; nobody else learns its id."""
    return base64.b32encode(hashlib.sha256(_DOMAIN + mesh.encode()).digest()).decode().lower()[:16]


def properties(node: str, name: str, version: str, mesh: str | None, port: int) -> dict[str, str]:
    """What this box says of itself; `mesh` is the id."""
    return {
        "id": node,
        "name": plain(name, LONGEST).encode()[:_NAME_BYTES].decode(errors="ignore"),
        "version": plain(version, LONGEST_VERSION),
        "mesh": mark_of(mesh) if mesh else NO_MESH,
        "port": str(port),
        "protocol": str(PROTOCOL),
    }


def nearby_of(heard: Heard, now: float) -> Nearby | None:
    """Nothing when it is no record of a box, or one that leads nowhere."""
    node = _text(heard, b"id")
    addresses = _addresses(heard.addresses)
    if not _MARK.fullmatch(node) or not addresses or heard.port is None or not 0 < heard.port < 65536:
        return None
    mesh = _text(heard, b"mesh")
    return Nearby(
        node=node,
        name=plain(_text(heard, b"name"), LONGEST) or node,
        mesh=mesh if _MARK.fullmatch(mesh) else None,
        addresses=addresses,
        port=heard.port,
        version=plain(_text(heard, b"version"), LONGEST_VERSION),
        protocol=_number(_text(heard, b"protocol")),
        seen_at=now,
    )


def _text(heard: Heard, key: bytes) -> str:
    return (heard.properties.get(key) or b"").decode(errors="replace")


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) else 0


def _addresses(claimed: Iterable[str]) -> tuple[str, ...]:
    """Those that could lead to another machine, the likeliest first."""
    real = {each for each in claimed if _is_address(each) and _leads_out(each)}
    return tuple(sorted(real, key=lambda each: (kind_of(each), ":" in each, each))[:MOST_ADDRESSES])


def _leads_out(host: str) -> bool:
    """An IPv6 address of a single link is worth nothing without the name of an interface, which differs everywhere."""
    kind = kind_of(host)
    return kind < Kind.LOOPBACK and (kind is not Kind.LINK_LOCAL or ":" not in host or "%" in host)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return len(text) <= 64
