"""What knowing of each other costs, in a simulated mesh of a thousand, and how soon five processes know of a crash:
ours over UDP on loopback beside agents of Serf (left out where there is none)."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import re
import shutil
import sys
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from appliance.mesh.membership.facts import LoadFact
from appliance.mesh.types import PeerState
from appliance.tasks import TaskGroup
from tests.bench.report import Result, median
from tests.live.box import free_ports
from tests.sim.meshes import all_see, mesh, name_of
from tests.sim.world import World

SIZES = (10, 100, 1000)
ROUNDS = 5
AGENTS = 5
IDLE = 10.0
BAR_SECONDS = 6.0
BAR_CONVERGED = 15.0
_TICKS = os.sysconf("SC_CLK_TCK")


async def bench() -> Result:
    rows: list[dict[str, Any]] = [row for size in SIZES for row in _simulated(size)]
    real = await _processes()
    rows += real
    met = all(row["all know after s"] <= row["bar s"] for row in rows if row.get("bar s"))
    bar = f"five processes know of a crash in {BAR_SECONDS:.0f} s, a thousand of any change in {BAR_CONVERGED:.0f} s"
    notes = () if shutil.which("serf") else ("serf is not installed: not measured beside it",)
    return Result("membership", "membership: cost of a node, and how soon all know", rows, bar, met, notes)


# simulated


def _simulated(size: int) -> list[dict[str, Any]]:
    world = mesh(size, 1, settle=12)
    rows = [_costs(world, f"{size} simulated, quiet", lambda: world.run(IDLE))]
    rows.append(_costs(world, f"{size} simulated, all busy", lambda: _busy(world)))
    world.run(30)
    crashed, left = name_of(0), name_of(1)
    rows.append(_costs(world, f"{size} simulated, one crashes", lambda: _crash(world, crashed)))
    rows.append(_costs(world, f"{size} simulated, one leaves", lambda: _leave(world, left)))
    rows.append(_costs(world, f"{size} simulated, one joins", lambda: _join(world)))
    for row in rows[2:]:
        row["bar s"] = BAR_CONVERGED
    return rows


def _costs(world: World, name: str, do: Callable[[], float | None]) -> dict[str, Any]:
    began, work, messages, size = world.now, time.process_time(), world.messages, world.bytes
    took, boxes = do(), len(world.running())
    node_seconds = (world.now - began) * boxes
    costs = {
        "messages/s": (world.messages - messages) / node_seconds,
        "bytes/s": (world.bytes - size) / node_seconds,
        "% of a core": (time.process_time() - work) / node_seconds * 100,
    }
    return {"what": name, "all know after s": took, "bar s": None, **(costs if took is None else {})}


def _busy(world: World) -> None:
    """Every box has other requests running every second."""
    for second in range(int(IDLE) * 2):
        for box in world.running():
            facts = msgspec.structs.replace(box.member._parts.own._facts, load=LoadFact(running=second % 3))
            world.describe(box.id, facts)
        world.run(1)


def _crash(world: World, node: str) -> float:
    world.crash(node)
    return world.run_while(lambda: not all_see(world, node, PeerState.DEAD), 60, every=0.1)


def _leave(world: World, node: str) -> float:
    world.leave(node)
    return world.run_while(lambda: not all_see(world, node, PeerState.LEFT), 60, every=0.02)


def _join(world: World) -> float:
    there = len(world.running())
    box = world.start("new")
    world.join(box, name_of(2))

    def waiting() -> bool:
        known = sum(not member.gone for member in box.machine.members.values())
        return known < there or not all_see(world, "new", PeerState.ALIVE)

    return world.run_while(waiting, 60, every=0.02)


# processes


@dataclass
class Watched:
    """A process that says whom it sees come and go."""

    process: Process
    name: str
    joined: set[str]
    gone: dict[str, float]

    async def read(self, come: re.Pattern[str], go: re.Pattern[str]) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            text = line.decode(errors="replace")
            if found := come.search(text):
                self.joined.add(found[1])
            elif found := go.search(text):
                self.gone.setdefault(found[1], time.monotonic())


@dataclass(frozen=True)
class Kind:
    name: str
    come: re.Pattern[str]
    go: re.Pattern[str]
    command: Callable[[int, list[int]], list[str]]
    names: Callable[[int, list[int]], str]


OURS = Kind(
    "five processes, UDP",
    re.compile(r" (\w+) alive"),
    re.compile(r" (\w+) dead"),
    lambda at, ports: [sys.executable, "-m", "tests.bench.member_agent", str(at), *map(str, ports[:AGENTS])],
    lambda at, ports: f"agent{ports[at]}",
)
SERF = Kind(
    "five agents of Serf",
    re.compile(r"EventMemberJoin: (\w+)"),
    re.compile(r"EventMemberFailed: (\w+)"),
    lambda at, ports: [
        "serf",
        "agent",
        f"-node=agent{at}",
        f"-bind=127.0.0.1:{ports[at]}",
        f"-rpc-addr=127.0.0.1:{ports[AGENTS + at]}",
        *([f"-retry-join=127.0.0.1:{ports[0]}", "-retry-interval=1s"] if at else []),
    ],
    lambda at, _: f"agent{at}",
)


async def _processes() -> list[dict[str, Any]]:
    kinds = [OURS, SERF] if shutil.which("serf") else [OURS]
    times: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    idle: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    for _, kind in itertools.product(range(ROUNDS), kinds):
        took, work = await _round(kind)
        times[kind.name].append(took)
        idle[kind.name].append(work)
    return [
        {
            "what": f"{kind.name}, kill -9{when}",
            "all know after s": value(times[kind.name]),
            "bar s": BAR_SECONDS if kind is OURS else None,
            "% of a core": median(idle[kind.name]),
        }
        for kind in kinds
        for when, value in ((", usually", median), (f", worst of {ROUNDS}", max))
    ]


async def _round(kind: Kind) -> tuple[float, float]:
    """How long until all the others knew, and what an idle one needed before, in percent of a core."""
    ports = free_ports(2 * AGENTS)
    async with AsyncExitStack() as stack:
        agents = [await stack.enter_async_context(_agent(kind, at, ports)) for at in range(AGENTS)]
        await _until(lambda: all(len(agent.joined - {agent.name}) == AGENTS - 1 for agent in agents))
        before, began = _work(agents), time.monotonic()
        await asyncio.sleep(IDLE / 2 + random.random())
        work = (_work(agents) - before) / (time.monotonic() - began) / AGENTS * 100
        victim = random.choice(agents)
        others = [agent for agent in agents if agent is not victim]
        victim.process.kill()
        killed = time.monotonic()
        await _until(lambda: all(victim.name in agent.gone for agent in others))
        return max(agent.gone[victim.name] for agent in others) - killed, work


async def _until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not reached():  # noqa: ASYNC110 - lines of other programs
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _agent(kind: Kind, at: int, ports: list[int]) -> AsyncIterator[Watched]:
    command = kind.command(at, ports)
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    watched, tasks = Watched(process, kind.names(at, ports), set(), {}), TaskGroup()
    try:
        tasks.start(f"reading {watched.name}", watched.read(kind.come, kind.go))
        yield watched
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await tasks.close()


def _work(agents: list[Watched]) -> float:
    """Seconds of processor time of all of them."""
    fields = [Path(f"/proc/{agent.process.pid}/stat").read_text().rsplit(")", 1)[1].split() for agent in agents]
    return sum(int(one[11]) + int(one[12]) for one in fields) / _TICKS
