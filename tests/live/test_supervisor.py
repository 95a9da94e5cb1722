"""The supervisor with the real engine and the bundled model."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from appliance.models.types import Ability
from appliance.node.commands import EndEngine, RunEngine
from appliance.node.events import ChildForgotten, ChildReported, Event
from appliance.node.snapshot import Child, ChildState, EngineSpec
from appliance.supervisor.reaper import end_orphans
from appliance.supervisor.supervisor import Supervisor
from tests.live.box import ROOT, SELF_TEST_MODEL

pytestmark = pytest.mark.live

MODEL = ROOT / "appliance" / "models" / "bundled" / f"{SELF_TEST_MODEL}.gguf"
SPEC = EngineSpec(SELF_TEST_MODEL, str(MODEL), frozenset({Ability.CHAT}), slots=2, threads=1, self_test=True)


class Bench:
    """A supervisor whose reports are kept, with the work it is told of set by the test."""

    def __init__(self, engine: Path = ROOT / "build" / "engine", silent_after: float = 30) -> None:
        self.events: list[Event] = []
        self.work = 0
        self.owner = f"test-{os.getpid()}-{id(self)}"
        self.supervisor = Supervisor(
            engine, self.owner, self.events.append, lambda _: self.work, lambda: silent_after, lambda: 1
        )

    @property
    def children(self) -> list[Child]:
        return [event.child for event in self.events if isinstance(event, ChildReported)]

    @property
    def child(self) -> Child:
        return self.children[-1]

    async def until(self, condition: Callable[[], object], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.events
            await asyncio.sleep(0.01)

    async def ready(self) -> Child:
        await self.until(lambda: self.children and self.child.state is ChildState.READY)
        return self.child


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    one = Bench()
    await one.supervisor.open()
    yield one
    await one.supervisor.close()


def alive(pid: int | None) -> bool:
    return pid is not None and Path(f"/proc/{pid}/exe").exists()


async def test_an_engine_loads_answers_and_is_ready(bench: Bench) -> None:
    """Loading and probing are seen on the way, and the known question was answered."""
    bench.supervisor.carry_out(RunEngine(SPEC))
    child = await bench.ready()
    assert child.spec == SPEC
    assert child.answer_ms is not None
    assert child.context == 1024
    assert {c.state for c in bench.children} == {ChildState.STARTING, ChildState.READY}


async def test_the_engine_refuses_whoever_lacks_its_key(bench: Bench) -> None:
    """Another program on the machine cannot use the engine behind our back."""
    bench.supervisor.carry_out(RunEngine(SPEC))
    endpoint = (await bench.ready()).endpoint
    assert endpoint is not None
    async with aiohttp.ClientSession() as session:
        url = f"http://{endpoint.host}:{endpoint.port}/v1/chat/completions"
        async with session.post(url, json={"messages": []}) as response:
            assert response.status == 401


async def test_telling_it_twice_starts_one(bench: Bench) -> None:
    """Commands are repeated every round until they show."""
    for _ in range(3):
        bench.supervisor.carry_out(RunEngine(SPEC))
    await bench.ready()
    assert {c.pid for c in bench.children if c.pid} == {bench.child.pid}


async def test_a_killed_engine_is_started_again(bench: Bench) -> None:
    """A crash heals by itself and is counted."""
    bench.supervisor.carry_out(RunEngine(SPEC))
    first = (await bench.ready()).pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await bench.until(lambda: bench.child.restarts == 1 and bench.child.state is ChildState.READY)
    assert bench.child.pid != first
    failed = next(c for c in bench.children if c.state is ChildState.FAILED)
    assert failed.failure is not None
    assert failed.failure.code == "crashed"


async def test_a_wedged_engine_is_replaced() -> None:
    """An engine that has work and stands still is ended and started again."""
    bench = Bench(silent_after=2)
    await bench.supervisor.open()
    try:
        bench.supervisor.carry_out(RunEngine(SPEC))
        first = (await bench.ready()).pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        bench.work = 1
        await bench.until(lambda: any(c.failure and c.failure.code == "wedged" for c in bench.children))
        bench.work = 0
        await bench.until(lambda: bench.child.state is ChildState.READY)
        assert not alive(first)
    finally:
        await bench.supervisor.close()


async def test_another_spec_replaces_the_engine(bench: Bench) -> None:
    """A changed setting takes effect: the old process goes, a new one comes."""
    bench.supervisor.carry_out(RunEngine(SPEC))
    first = (await bench.ready()).pid
    changed = replace(SPEC, context=512)
    bench.supervisor.carry_out(RunEngine(changed))
    await bench.until(lambda: bench.child.spec == changed and bench.child.state is ChildState.READY)
    assert bench.child.context == 512
    assert not alive(first)


async def test_an_ended_engine_is_forgotten(bench: Bench) -> None:
    """What is not wanted goes, and leaves the books."""
    bench.supervisor.carry_out(RunEngine(SPEC))
    pid = (await bench.ready()).pid
    bench.supervisor.carry_out(EndEngine(SELF_TEST_MODEL))
    await bench.until(lambda: bench.events[-1] == ChildForgotten(SELF_TEST_MODEL))
    assert not alive(pid)


async def test_a_file_that_does_not_load_is_named(bench: Bench, tmp_path: Path) -> None:
    """The engine's own words are kept for the page."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(MODEL.read_bytes()[:100_000])
    bench.supervisor.carry_out(RunEngine(replace(SPEC, path=str(broken))))
    await bench.until(lambda: any(c.failure and c.failure.code == "load_failed" for c in bench.children))
    failure = next(c.failure for c in bench.children if c.failure and c.failure.code == "load_failed")
    assert any("broken.gguf" in line for line in failure.log_tail)


async def test_a_missing_engine_is_a_failure_not_a_crash(tmp_path: Path) -> None:
    """An empty folder of binaries ends in a clear failure and further tries."""
    bench = Bench(engine=tmp_path)
    await bench.supervisor.open()
    try:
        bench.supervisor.carry_out(RunEngine(SPEC))
        await bench.until(lambda: bench.children and bench.child.state is ChildState.FAILED)
        assert bench.child.failure is not None
        assert bench.child.retry_at is not None
    finally:
        await bench.supervisor.close()


async def test_closing_ends_even_a_stopped_engine() -> None:
    """An engine that does not react to TERM is killed."""
    bench = Bench()
    await bench.supervisor.open()
    bench.supervisor.carry_out(RunEngine(SPEC))
    pid = (await bench.ready()).pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await bench.supervisor.close()
    assert not alive(pid)


async def test_marked_leftovers_are_ended_and_others_spared() -> None:
    """Only engines that carry our mark are ours to end."""
    marked = await asyncio.create_subprocess_exec("sleep", "60", env={"MESHBOX_ENGINE_OF": "reaper-test-box"})
    other = await asyncio.create_subprocess_exec("sleep", "60", env={"MESHBOX_ENGINE_OF": "reaper-test-box-2"})
    try:
        await asyncio.sleep(0)
        deadline = time.monotonic() + 5
        while not (ended := end_orphans("reaper-test-box")):
            assert time.monotonic() < deadline
        assert ended == [marked.pid]
        assert await marked.wait() == -signal.SIGKILL
        assert other.returncode is None
    finally:
        other.kill()
        await other.wait()
