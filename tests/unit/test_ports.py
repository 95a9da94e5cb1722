"""Ports of this machine."""

from __future__ import annotations

import socket

import pytest

from appliance.ports import PortTaken, check_port


def test_a_free_port_is_free() -> None:
    """Asking does not take it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)


def test_a_taken_port_is_told_with_its_reason() -> None:
    """Also when its owner would share it."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = int(other.getsockname()[1])
        with pytest.raises(PortTaken, match=f"Port {port} on 127.0.0.1 cannot be used: .+"):
            check_port("127.0.0.1", port)
