"""The addresses that this machine's interfaces have. Reading them asks the kernel only; call it in a thread."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from appliance.mesh.lanes.candidates import Interface

_SIOCGIFADDR = 0x8915
_NAME_BYTES, _REQUEST_BYTES = 15, 256
_V6 = Path("/proc/net/if_inet6")


def interfaces() -> tuple[Interface, ...]:
    """One IPv4 address for each interface, and all of IPv6."""
    return (*_v4(), *_v6())


def listening(bind: str) -> tuple[str, ...]:
    """The hosts to listen on: both families where the kernel has both and nothing narrower is wanted."""
    both = bind == "0.0.0.0" and _V6.exists()  # noqa: S104 - compared, not bound
    return (bind, "::") if both else (bind,)


def _v4() -> Iterator[Interface]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            request = struct.pack(f"{_REQUEST_BYTES}s", name.encode()[:_NAME_BYTES])
            try:
                answer = fcntl.ioctl(asking.fileno(), _SIOCGIFADDR, request)
            except OSError:  # it has none
                continue
            yield Interface(name, socket.inet_ntoa(answer[20:24]))


def _v6() -> Iterator[Interface]:
    try:
        lines = _V6.read_text().splitlines()
    except OSError:  # the kernel has no IPv6
        return
    for line in lines:
        digits, *_, name = line.split()
        yield Interface(name, str(ipaddress.IPv6Address(int(digits, 16))))
