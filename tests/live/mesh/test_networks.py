"""What real routers and firewalls do to the lanes, and what is said about it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.live.mesh.networks import Machine, Network, network, usable

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

MESH_KEY = os.urandom(32).hex()


class Process:
    """A node on a machine."""

    def __init__(self, machine: Machine) -> None:
        command = ["ip", "netns", "exec", machine.name, sys.executable, "-m", "tests.live.mesh.node", MESH_KEY]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.id: str = self._answer()

    def does(self, do: str, **order: object) -> Any:
        told = self.tries(do, **order)
        assert "error" not in told, told
        return told["done"]

    def tries(self, do: str, **order: object) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


Start = Callable[[Machine], Process]


@pytest.fixture(scope="module")
def possible() -> None:
    if not usable():
        pytest.skip("network namespaces need root, ip and iptables")


@pytest.fixture
def net(possible: None) -> Iterator[Network]:
    with network() as made:
        yield made


@contextmanager
def _running(machine: Machine) -> Iterator[Process]:
    process = Process(machine)
    try:
        yield process
    finally:
        process.end()


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda machine: stack.enter_context(_running(machine))


def two(net: Network, start: Start) -> tuple[Machine, Process, Process]:
    """Two machines on one cable that know each other; the first one's machine may get a firewall."""
    one, other = net.machine(), net.machine()
    net.cable((one, "192.168.9.1/24"), (other, "192.168.9.2/24"))
    a, b = start(one), start(other)
    a.does("know", node=b.id, addresses=["192.168.9.2"])
    b.does("know", node=a.id, addresses=["192.168.9.1"])
    return one, a, b


def findings(a: Process, b: Process) -> list[tuple[str, str]]:
    told = a.does("test", node=b.id, ours=["192.168.9.1"], theirs=["192.168.9.2"])
    return [(code, side) for code, side, _ in told]


def test_two_homes_meet_with_the_help_of_a_third(net: Network, start: Start) -> None:
    """Both are behind routers: words go directly through the way that was opened, bulk through the member."""
    outside = net.machine()
    outside.run("sysctl -q -w net.ipv4.ip_forward=1")
    homes = [net.router(outside, f"203.0.{n}.2", f"203.0.{n}.1", n) for n in (1, 2)]
    helper, a, b = start(outside), start(homes[0]), start(homes[1])
    for number, each in enumerate((a, b), start=1):
        each.does("know", node=helper.id, addresses=[f"203.0.{number}.1"])
        each.does("ask", node=helper.id)
    a.does("know", node=b.id, addresses=["10.7.2.2"])
    a.does("relays", nodes=[helper.id])
    asked = a.does("ask", node=b.id)
    assert (asked["answer"], asked["lane"], asked["where"]) == ("hello", "Link", "203.0.2.2")
    assert a.does("reach", node=b.id) == {"same": True, "relayed": helper.id}


def test_a_home_reaches_an_open_box_directly(net: Network, start: Start) -> None:
    """One open side is enough: the other dials it and is asked back on the same connection."""
    outside = net.machine()
    home = net.router(outside, "203.0.1.2", "203.0.1.1", 1)
    server, a = start(outside), start(home)
    a.does("know", node=server.id, addresses=["203.0.1.1"])
    assert a.does("reach", node=server.id) == {"same": True, "relayed": None}
    assert a.does("ask", node=server.id)["lane"] == "Link"
    assert server.does("ask", node=a.id)["where"] == "203.0.1.2"


def test_all_is_well_on_a_cable(net: Network, start: Start) -> None:
    """Nothing stands between: nothing is found."""
    _, a, b = two(net, start)
    assert findings(a, b) == [("fine", "both")]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("-p udp --dport 9338 -j DROP", ("udp_closed", "ours")),
        ("-p tcp --dport 9338 -j DROP", ("tcp_closed", "ours")),
        ("-p tcp --dport 9338 -j REJECT --reject-with tcp-reset", ("tcp_closed", "ours")),
        ("-p udp --dport 9338 -m length --length 1000: -j DROP", ("large_datagrams", "ours")),
    ],
)
def test_what_a_firewall_does_is_named(net: Network, start: Start, rule: str, found: tuple[str, str]) -> None:
    """Which port is closed, on whose side, and whether only large datagrams are lost; they talk all the same."""
    machine, a, b = two(net, start)
    machine.firewall(rule)
    assert a.does("ask", node=b.id)["answer"] == "hello"
    assert found in findings(a, b)


def test_udp_closed_between_two_boxes(net: Network, start: Start) -> None:
    """Words go over TLS where no datagram passes."""
    machine, a, b = two(net, start)
    machine.firewall("-p udp -j DROP")
    asked = b.does("ask", node=a.id)
    assert (asked["answer"], asked["lane"], asked["relayed"]) == ("hello", "Mailbox", None)


def test_a_box_that_moves_to_another_address(net: Network, start: Start) -> None:
    """The connection follows the box that dialled it."""
    machine, a, b = two(net, start)
    assert a.does("ask", node=b.id)["lane"] == "Link"
    name = "c3a"
    machine.run(f"ip addr add 192.168.9.7/24 dev {name}")
    machine.run(f"ip addr del 192.168.9.1/24 dev {name}")
    machine.run(f"ip addr replace 192.168.9.7/24 dev {name}")
    assert a.does("ask", node=b.id)["answer"] == "hello"
    assert b.does("ask", node=a.id)["where"] == "192.168.9.7"
