"""Ports of this machine: whether one is free, told before any web server is asked to listen there."""

from __future__ import annotations

import socket


class PortTaken(Exception):
    """Somebody else listens on the address, or it may not be used; the text says which and why."""


def check_port(address: str, port: int) -> None:
    """Binds for a moment without sharing: granian's own socket shares its port, and so would hide another's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise port_taken(address, port, error) from error


def port_taken(address: str, port: int, error: OSError) -> PortTaken:
    return PortTaken(f"Port {port} on {address} cannot be used: {error.strerror}.")
