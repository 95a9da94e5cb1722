"""Where a box can be reached: one host and one port number, which stands for both lanes (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.mesh.lanes.trouble import LaneError, Reason

PORT = 9338
LONGEST_NAME = 253
_NAME = re.compile(r"[A-Za-z0-9._:%-]+")


@dataclass(frozen=True, slots=True, order=True)
class Address:
    host: str
    port: int = PORT

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def tcp(self) -> str:
        """As a person is told of it."""
        return f"{self.host}, port {self.port}/tcp"

    @property
    def udp(self) -> str:
        return f"{self.host}, port {self.port}/udp"


def parse_address(text: str, port: int = PORT) -> Address:
    """`host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address, as people write them."""
    text = text.strip()
    host, number = _split(text)
    if not 0 < len(host) <= LONGEST_NAME or not _NAME.fullmatch(host):
        raise LaneError(Reason.MALFORMED, f"“{text}” is no address; write it like 192.168.1.20 or box.lan:9338")
    if number and not (number.isascii() and number.isdigit() and 0 < int(number[:6]) < 65536):
        raise LaneError(Reason.MALFORMED, f"“{number}” is no port; a port is a number from 1 to 65535")
    return Address(host, int(number) if number else port)


def _split(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, rest.removeprefix(":")
    if text.count(":") > 1:
        return text, ""
    host, _, number = text.partition(":")
    return host, number
