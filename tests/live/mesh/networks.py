"""Machines as network namespaces: joined by cables, with routers that translate addresses, and firewalls."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count


def usable() -> bool:
    if os.geteuid() != 0 or not all(shutil.which(tool) for tool in ("ip", "iptables", "sysctl")):
        return False
    name = f"mbx{os.getpid()}try"
    if subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True).returncode != 0:
        return False
    rule = ["ip", "netns", "exec", name, "iptables", "-t", "nat", "-A", "POSTROUTING", "-j", "MASQUERADE"]
    works = subprocess.run(rule, check=False, capture_output=True).returncode == 0
    subprocess.run(["ip", "netns", "del", name], check=True, capture_output=True)
    return works


class Machine:
    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, command: str) -> None:
        subprocess.run(["ip", "netns", "exec", self.name, *command.split()], check=True, capture_output=True)

    def firewall(self, rule: str) -> None:
        """What comes in and fits the rule is treated like that."""
        self.run(f"iptables -I INPUT {rule}")

    def default_route(self, gateway: str) -> None:
        self.run(f"ip route add default via {gateway}")


class Network:
    """All machines of one test."""

    def __init__(self) -> None:
        self._machines: list[Machine] = []
        self._numbers = count(1)

    def machine(self) -> Machine:
        machine = Machine(f"mbx{os.getpid()}n{next(self._numbers)}")
        subprocess.run(["ip", "netns", "add", machine.name], check=True, capture_output=True)
        self._machines.append(machine)
        machine.run("ip link set lo up")
        return machine

    def cable(self, one: tuple[Machine, str], other: tuple[Machine, str]) -> None:
        """Joins two machines; each gets its address, written like 10.0.0.1/24."""
        number = next(self._numbers)
        ends = [
            (machine, address, f"c{number}{side}") for (machine, address), side in zip((one, other), "ab", strict=True)
        ]
        (first, _, name), (second, _, peer) = ends
        subprocess.run(
            [
                "ip",
                "link",
                "add",
                name,
                "netns",
                first.name,
                "type",
                "veth",
                "peer",
                "name",
                peer,
                "netns",
                second.name,
            ],
            check=True,
            capture_output=True,
        )
        for machine, address, end in ends:
            machine.run(f"ip addr add {address} dev {end}")
            machine.run(f"ip link set {end} up")

    def router(self, outside: Machine, outer: str, gateway: str, number: int) -> Machine:
        """A home: a router that translates addresses, and one machine behind it, which is returned."""
        router, inside = self.machine(), self.machine()
        self.cable((router, f"{outer}/24"), (outside, f"{gateway}/24"))
        self.cable((router, f"10.7.{number}.1/24"), (inside, f"10.7.{number}.2/24"))
        router.run("sysctl -q -w net.ipv4.ip_forward=1")
        router.run(f"iptables -t nat -A POSTROUTING -s 10.7.{number}.0/24 -j MASQUERADE")
        router.run("iptables -P INPUT DROP")
        router.run("iptables -P FORWARD DROP")
        router.run("iptables -A FORWARD -m state --state ESTABLISHED,RELATED -j ACCEPT")
        router.run(f"iptables -A FORWARD -s 10.7.{number}.0/24 -j ACCEPT")
        router.default_route(gateway)
        inside.default_route(f"10.7.{number}.1")
        return inside

    def close(self) -> None:
        for machine in self._machines:
            subprocess.run(["ip", "netns", "del", machine.name], check=False, capture_output=True)


@contextmanager
def network() -> Iterator[Network]:
    net = Network()
    try:
        yield net
    finally:
        net.close()
