"""Tries one device: asks it the question with a known answer, or measures how fast it is.

Everything runs in processes of its own, on that device alone; engines that serve are not touched.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from appliance.hardware.benchmark import ON_GPU, ON_PROCESSOR, Measured, Round, Unreadable, arguments, measured, rounds
from appliance.hardware.benchmark_model import model_in_memory
from appliance.hardware.trials import PROCESSOR, Benchmark, SelfTest
from appliance.hardware.types import Inventory
from appliance.models.types import Ability
from appliance.node.snapshot import Child, ChildState, EngineSpec
from appliance.placement.pinning import Pins
from appliance.supervisor.child import EngineChild, Surroundings
from appliance.supervisor.engine_build import EngineBuild
from appliance.supervisor.llama_server import tool_environment
from appliance.supervisor.tool import ToolFailed, run_tool
from appliance.tasks import TaskGroup

ANSWER_SECONDS = 180.0
ROUND_SECONDS = 90.0
SPARE = 512 << 20  # beside the model: what the engine needs to compute
CONTEXT = 512

Told = Callable[[str, float], None]  # a note in words, and how far it is from 0 to 1


@dataclass(frozen=True, slots=True)
class Bench:
    """What the runs need of the box."""

    engine: Path  # folder of binaries
    model: Path  # the one whose answers are known
    owner: str
    session: aiohttp.ClientSession
    cores: Callable[[], int]
    clock: Callable[[], float] = time.time


@dataclass
class _Watch:
    """Waits for the first word on how an engine does."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    last: Child | None = None

    def heard(self, child: Child) -> None:
        if child.state in (ChildState.READY, ChildState.FAILED) and not self.ended.is_set():
            self.last = child
            self.ended.set()


async def self_test(bench: Bench, device: str, pins: Pins) -> SelfTest:
    watch = _Watch()
    engine = EngineChild(_test_spec(bench, device, pins), _surroundings(bench, watch))
    tasks = TaskGroup()
    tasks.start(f"self-test {device}", engine.run())
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await watch.ended.wait()
    except TimeoutError:
        detail = f"No answer came within {ANSWER_SECONDS:.0f} seconds."
        return SelfTest(ok=False, at=bench.clock(), code="timeout", detail=detail)
    finally:
        await tasks.close()
    return _judged(watch.last, bench.clock())


def _judged(child: Child | None, at: float) -> SelfTest:
    if child is not None and child.state is ChildState.READY:
        return SelfTest(ok=True, at=at, answer_ms=child.answer_ms)
    failure = child.failure if child else None
    code = failure.code if failure else "crashed"
    return SelfTest(ok=False, at=at, code=code, detail=failure.detail if failure else None)


def _test_spec(bench: Bench, device: str, pins: Pins) -> EngineSpec:
    return EngineSpec(
        model="self-test",
        path=str(bench.model),
        abilities=frozenset({Ability.CHAT, Ability.COMPLETION}),
        context=CONTEXT,
        slots=1,
        gpus=pins.gpus,
        devices=pins.devices,
        visible=pins.visible,
        self_test=True,
        whole=device != PROCESSOR,  # even when its memory is full: a test of the processor would prove nothing
    )


def _surroundings(bench: Bench, watch: _Watch) -> Surroundings:
    return Surroundings(
        build=EngineBuild(bench.engine),
        owner=bench.owner,
        session=bench.session,
        report=watch.heard,
        work_of=lambda _: 0,
        silent_after=lambda: ANSWER_SECONDS,
        cores=bench.cores,
    )


async def benchmark(bench: Bench, device: str, pins: Pins, inventory: Inventory, told: Told) -> Benchmark:
    """A round that fails is left out; when all do, the result says why."""
    wanted = rounds(ON_PROCESSOR if device == PROCESSOR else ON_GPU, room_for(device, inventory))
    found: list[Measured] = []
    problem = None if wanted else "There is too little free memory to measure it now."
    for number, one in enumerate(wanted):
        told(f"Measuring with {one.kind} weights", number / len(wanted))
        try:
            found.append(await _round(bench, one, pins))
        except (ToolFailed, Unreadable, OSError) as failure:
            problem = str(failure)
    computing = {one.kind: one.computing / 1e9 for one in found if one.computing is not None}
    return Benchmark(
        at=bench.clock(),
        reading={one.kind: one.reading for one in found if one.reading is not None},
        fp16_gflops=computing.get("f16"),
        fp32_gflops=computing.get("f32"),
        problem=None if found else problem,
    )


async def _round(bench: Bench, one: Round, pins: Pins) -> Measured:
    program = bench.engine / "llama-bench"
    with ExitStack() as stack:
        descriptor = await asyncio.to_thread(_made, program, one, stack)
        model, device = f"/proc/self/fd/{descriptor}", "/".join(pins.devices)
        command = [str(program), *arguments(one, model, device, bench.cores())]
        environment = tool_environment(os.environ, bench.owner, pins.visible)
        return measured(one, await run_tool(command, environment, ROUND_SECONDS, [descriptor]))


def _made(program: Path, one: Round, stack: ExitStack) -> int:
    if not program.is_file():
        raise ToolFailed(f"There is no {program}.")
    return stack.enter_context(model_in_memory(one.shape, one.kind))


def room_for(device: str, inventory: Inventory) -> int:
    """How large a model may be: it lies in the machine's memory, and on a GPU once more."""
    memory = inventory.memory.available // 3 - SPARE // 2
    gpu = next((g for g in inventory.gpus if g.id == device), None)
    if gpu is None or gpu.memory_total is None:
        return max(0, memory)
    return max(0, min(memory, gpu.memory_total - (gpu.memory_used or 0) - SPARE))
