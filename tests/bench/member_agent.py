"""One member over plain UDP on loopback, for measuring: `python -m tests.bench.member_agent 0 7001 7002 7003`.

The first argument says which of the ports is its own. It prints what it finds, with the time of the machine's monotonic
clock, and ends with its standard input."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from typing import Any

from appliance.mesh.membership.facts import Facts
from appliance.mesh.membership.membership import Membership
from appliance.mesh.membership.types import MemberChanged, Out, Send
from tests.sim.trust import trust_of


class Agent(asyncio.DatagramProtocol):
    def __init__(self, ports: list[int], own: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._names = {port: f"agent{port}" for port in ports}
        self._ports = {name: port for port, name in self._names.items()}
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.DatagramTransport | None = None
        now, wall = self._loop.time(), time.time()
        name = self._names[own]
        self.machine = Membership(
            name, trust_of(name), rng=random.Random(), now=now, wall=wall, incarnation=int(wall * 1000)
        )
        self._contact = self._names[ports[0]]

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        now = self._loop.time()
        self._carry(self.machine.describe(Facts(name=self.machine.node), now))
        self._carry(self.machine.join([self._contact], now))

    def datagram_received(self, data: bytes, addr: Any) -> None:
        sender = self._names.get(addr[1])
        if sender is not None:
            self._carry(self.machine.receive(data, sender, self._loop.time()))

    def _tick(self) -> None:
        self._timer = None
        self._carry(self.machine.tick(self._loop.time()))

    def _carry(self, outs: list[Out]) -> None:
        assert self._transport is not None
        for out in outs:
            if isinstance(out, Send):
                self._transport.sendto(out.data, ("127.0.0.1", self._ports[out.to]))
            elif isinstance(out, MemberChanged):
                print(time.monotonic(), out.node, out.state, flush=True)
        wake = self.machine.next_wake()
        if self._timer is None or abs(self._timer.when() - wake) > 1e-3:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(wake, self._tick)


async def main() -> None:
    ports = [int(word) for word in sys.argv[2:]]
    own = ports[int(sys.argv[1])]
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Agent(ports, own), local_addr=("127.0.0.1", own))
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
