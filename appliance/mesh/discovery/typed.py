"""What a person writes into the field for an address, or pastes there: a place, an invitation, or neither (pure)."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass

from appliance.mesh.identity.tokens import LONGEST as LONGEST_TOKEN
from appliance.mesh.identity.tokens import BadToken, Token
from appliance.mesh.identity.tokens import parse as parse_token
from appliance.mesh.lanes.address import LONGEST_NAME, PORT, Address
from appliance.mesh.plain import plain

LONGEST = 2 * LONGEST_TOKEN
OTHER_PORTS = frozenset({3131, 9337})  # of the page and of the API: who types one means the box, not the port
EXAMPLE = "Write it like 192.168.1.20 or kitchen.local."

_TOKEN = re.compile(r"\bmbx[0-9]+\.[\w-]{24,}", re.ASCII | re.IGNORECASE)  # shorter: a machine could be called so
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.ASCII | re.IGNORECASE)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII | re.IGNORECASE)
_ZONE = re.compile(r"[\w.-]{1,15}", re.ASCII)  # as long as the kernel lets an interface's name be
_NUMBERS = re.compile(r"[0-9.]+", re.ASCII)

_IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Place:
    address: Address


@dataclass(frozen=True, slots=True)
class Invitation:
    token: Token


@dataclass(frozen=True, slots=True)
class Wrong:
    text: str  # what is wrong with it, and what would be right


Typed = Place | Invitation | Wrong


class _Fault(Exception):
    """Its text is for the person who typed."""


def typed(text: str) -> Typed:
    """A pasted link from the browser counts as its host: the port in it is that of the page, not of the mesh."""
    word = text[:LONGEST].strip()
    if token := _TOKEN.search(word):
        return _invitation(word[token.start() :], token.group())
    try:
        return Place(_place(word))
    except _Fault as fault:
        return Wrong(str(fault))


def _invitation(rest: str, word: str) -> Typed:
    """It may stand in a sentence or a link, and a mail program may have broken it into lines."""
    whole = parse_token(rest)
    token = parse_token(word) if isinstance(whole, BadToken) else whole
    return Wrong(token.text) if isinstance(token, BadToken) else Invitation(token)


def _place(word: str) -> Address:
    if not word:
        raise _Fault(f"Type the address of the other box. {EXAMPLE}")
    if len(word) > LONGEST_NAME + 200:
        raise _Fault(f"This is too long for an address. {EXAMPLE}")
    scheme = _SCHEME.match(word)
    if scheme is not None and scheme[1].lower() not in {"http", "https"}:
        raise _Fault(f"A box is not reached by “{plain(scheme[1], 20)}”. {EXAMPLE}")
    pasted = scheme is not None or "/" in word
    host, port = _split(_authority(word[scheme.end() :] if scheme else word))
    address = _address(host, PORT if pasted or port in OTHER_PORTS else port)
    if pasted and _is_here(address.host):
        raise _Fault(
            f"“{address.host}” means the machine you sit at. Type the address that the other box has on your network."
        )
    return address


def _authority(rest: str) -> str:
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise _Fault(f"An address has no @ in it. {EXAMPLE}")
    if any(character.isspace() for character in authority):
        raise _Fault(f"An address has no spaces in it. {EXAMPLE}")
    return authority


def _split(authority: str) -> tuple[str, int]:
    if authority.startswith("["):
        host, closed, rest = authority[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")) or ":" not in host:
            raise _Fault("Square brackets belong around an IPv6 address, like [fd00::20]:9338.")
        return host, _port(rest[1:])
    if authority.count(":") > 1:
        return authority, PORT
    host, _, number = authority.partition(":")
    return host, _port(number)


def _port(number: str) -> int:
    if not number:
        return PORT
    if not re.fullmatch(r"[0-9]{1,5}", number, re.ASCII) or not 0 < int(number) < 65536:
        raise _Fault(f"“{plain(number, 20)}” is no port. A port is a number from 1 to 65535; without one it is {PORT}.")
    return int(number)


def _address(host: str, port: int) -> Address:
    if ":" in host:
        return Address(_v6(host), port)
    name = _ascii(host)
    if _NUMBERS.fullmatch(name):
        return Address(_v4(name), port)
    labels = name.removesuffix(".").split(".")
    if len(name) > LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise _Fault(f"“{plain(host, 60)}” is no name of a machine. {EXAMPLE}")
    return Address(".".join(labels).lower(), port)


def _ascii(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise _Fault(f"“{plain(host, 60)}” is no name of a machine. {EXAMPLE}") from None


def _v4(text: str) -> str:
    try:
        number = ipaddress.IPv4Address(text)
    except ValueError:
        raise _Fault(f"“{plain(text, 60)}” is no address. It has four numbers from 0 to 255.") from None
    return _somewhere(number)


def _v6(text: str) -> str:
    host, marked, zone = unicodedata.normalize("NFKC", text).partition("%")
    if marked and not _ZONE.fullmatch(zone):
        raise _Fault(f"“{plain(text, 60)}” is no IPv6 address.")
    try:
        number = ipaddress.IPv6Address(host)
    except ValueError:
        raise _Fault(f"“{plain(text, 60)}” is no IPv6 address. {EXAMPLE}") from None
    if number.ipv4_mapped is not None:
        return _somewhere(number.ipv4_mapped)
    return _somewhere(number) + marked + zone


def _somewhere(number: _IPAddress) -> str:
    if number.is_unspecified or number.is_multicast or number == ipaddress.IPv4Address("255.255.255.255"):
        raise _Fault(f"“{number}” belongs to no single machine. {EXAMPLE}")
    return str(number)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
