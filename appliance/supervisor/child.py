"""Runs one engine process: carries out what its life cycle says and tells it what happens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import aiohttp

from appliance.node.snapshot import Child, ChildState, EngineSpec
from appliance.routing.table import Endpoint
from appliance.supervisor.engine_build import ENDS_WITH_PARENT, EngineBuild
from appliance.supervisor.lifecycle import Action, Lifecycle
from appliance.supervisor.llama_server import (
    LaidOut,
    Loaded,
    LoadProgress,
    LogText,
    command_line,
    environment,
    read_line,
)
from appliance.supervisor.probe import ask, question_for
from appliance.supervisor.process import Process, start
from appliance.supervisor.vitals import ProcessorMeter, anonymous_bytes, slot_counters
from appliance.tasks import TaskGroup

LOG_LINES = 40  # of the engine's output, kept for the page
LONGEST_LINE = 1 << 20
TICK_SECONDS = 0.25
VITALS_SECONDS = 1.0

_LEVELS = {"error": logging.ERROR, "warn": logging.WARNING, "warning": logging.WARNING}


Measure = Callable[[aiohttp.ClientSession, Endpoint, EngineSpec], Awaitable[None]]


async def measure_nothing(_session: aiohttp.ClientSession, _endpoint: Endpoint, _spec: EngineSpec) -> None:
    """For an engine that is not there to be quick."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a child needs of the box."""

    build: EngineBuild
    owner: str  # id of this box, carried by its engines
    session: aiohttp.ClientSession
    report: Callable[[Child], None]
    work_of: Callable[[str], int]  # requests that wait for this model's answer
    silent_after: Callable[[], float]
    cores: Callable[[], int]  # usable ones
    measure: Measure = measure_nothing  # before it is ready: whatever has to be known first


class EngineChild:
    """One engine, from `run` until it was told to stop and is gone."""

    def __init__(self, spec: EngineSpec, surroundings: Surroundings) -> None:
        self.spec = spec
        self._around = surroundings
        self._life = Lifecycle(spec, surroundings.silent_after())
        self._wall_offset = time.time() - time.monotonic()
        self._process: Process | None = None
        self._endpoint: Endpoint | None = None
        self._log_tail: deque[str] = deque(maxlen=LOG_LINES)
        self._log = logging.getLogger(f"meshbox.engine.{spec.model}")
        self._stop_asked = False
        self._wake = asyncio.Event()
        self._tasks = TaskGroup()
        self._told: Child | None = None
        self._as_foreseen = True  # until it ends before it was ready: then it looks itself what room there is
        self._first: list[Action] = []

    def stop(self) -> None:
        """Asks for the end; `run` returns when the process is gone."""
        self._stop_asked = True
        self._wake.set()

    def begin(self) -> None:
        """Tells of itself at once: the next round of decisions already counts with it."""
        self._first = self._life.start(time.monotonic())
        self._tell()

    async def run(self) -> None:
        if self._told is None:
            self.begin()
        try:
            await self._act(self._first)
            while self._life.state is not ChildState.STOPPED:
                self._tell()
                await self._pause()
                await self._step()
            self._tell()
        finally:
            self._signal(signal.SIGKILL)
            await self._tasks.close()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TICK_SECONDS):
                await self._wake.wait()
        self._wake.clear()

    async def _step(self) -> None:
        now = time.monotonic()
        if self._stop_asked:
            await self._act(self._life.stop(now))
        self._life.silent_after = self._around.silent_after()
        busy = self._around.work_of(self.spec.model) > 0
        await self._act(self._life.tick(now, busy=busy))

    async def _act(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Action.SPAWN:
                    self._spawn()
                case Action.PROBE:
                    self._tasks.start(f"probe {self.spec.model}", self._probe())
                case Action.TERMINATE:
                    self._ask_to_end()
                case Action.KILL:
                    self._signal(signal.SIGKILL)

    def _spawn(self) -> None:
        endpoint = Endpoint("127.0.0.1", free_port(), secrets.token_urlsafe(32))
        command, variables = self._as_started(endpoint)
        try:
            process = start(command, variables, LONGEST_LINE)
        except OSError as error:
            self._life.spawn_failed(f"{command[0]} could not be started: {error}", time.monotonic())
            return
        self._process, self._endpoint = process, endpoint
        self._log_tail.clear()
        self._life.spawned(process.pid, endpoint, time.monotonic())
        self._log.info("engine started as process %d", process.pid)
        self._tasks.start(f"output {self.spec.model}", self._follow(process))
        self._tasks.start(f"vitals {self.spec.model}", self._watch_vitals(process, endpoint))

    def _as_started(self, endpoint: Endpoint) -> tuple[list[str], dict[str, str]]:
        build = self._around.build
        ends_itself = ENDS_WITH_PARENT in build.features
        binary, parent = str(build.folder / "llama-server"), os.getpid() if ends_itself else None
        spec = replace(self.spec, settled=self.spec.settled and self._as_foreseen)
        command = command_line(binary, spec, endpoint, self._around.cores(), ends_with_parent=ends_itself)
        variables = environment(os.environ, endpoint, self._around.owner, self.spec.visible, build.parts, parent)
        return command, variables

    async def _follow(self, process: Process) -> None:
        """Reads the engine's output to its end, then waits for the process and tells how it ended."""
        with contextlib.closing(process):
            while line := await self._read_line(process.stdout):
                await self._heard(line.decode(errors="replace"))
            code = await process.wait()
        self._process = self._endpoint = None
        self._log.info("engine process %d ended with %d", process.pid, code)
        self._as_foreseen = self._as_foreseen and self._life.state is not ChildState.STARTING
        self._life.exited(code, tuple(self._log_tail), time.monotonic())
        self._wake.set()

    @staticmethod
    async def _read_line(stream: asyncio.StreamReader) -> bytes:
        try:
            return await stream.readline()
        except ValueError:  # a line longer than the limit: its rest comes as further lines
            return b"(overlong line left out)\n"

    async def _heard(self, line: str) -> None:
        """How far it is, is told with the next tick: each word of it would cost a round of decisions."""
        now = time.monotonic()
        match read_line(line):
            case LoadProgress(fraction):
                self._life.loading(fraction, now)
            case Loaded(context):
                await self._act(self._life.loaded(context, now))
                self._tell()
            case LaidOut(layout):
                self._life.laid_out(layout, now)
            case LogText(level, text):
                self._life.lived(now)
                self._log_tail.append(text)
                self._log.log(_LEVELS.get(level, logging.DEBUG), "%s", text)

    async def _probe(self) -> None:
        endpoint = self._endpoint
        if endpoint is None:
            return
        began = time.monotonic()
        failure = await ask(self._around.session, endpoint, question_for(self.spec))
        took = (time.monotonic() - began) * 1000
        if failure is None:
            self._log.info("answers (test question took %.0f ms)", took)
            await self._around.measure(self._around.session, endpoint, self.spec)
            if self._endpoint is endpoint:  # else the process that answered is gone by now
                self._life.probed(took, time.monotonic())
                self._tell()
                await self._learn()
        else:
            await self._act(self._life.probe_failed(failure, time.monotonic()))
        self._tell()

    async def _learn(self) -> None:
        if self._process is not None and not self._around.build.parts:
            await asyncio.to_thread(self._around.build.learn, self._process.pid)

    async def _watch_vitals(self, process: Process, endpoint: Endpoint) -> None:
        """Looks for signs of work while somebody waits for an answer, or while it loads."""
        meter, counters = ProcessorMeter(), None
        while process.returncode is None:
            await asyncio.sleep(VITALS_SECONDS)
            now = time.monotonic()
            if meter.computed(process.pid, now):
                self._life.lived(now)
            self._life.weighed(anonymous_bytes(process.pid))
            if self._life.state is ChildState.READY and self._around.work_of(self.spec.model):
                seen = await slot_counters(self._around.session, endpoint)
                if seen is not None and seen != counters:
                    self._life.worked(time.monotonic())
                counters = seen or counters

    def _ask_to_end(self) -> None:
        """TERM alone is not enough: the engine also waits for the end of its standard input."""
        self._signal(signal.SIGTERM)
        if self._process is not None:
            self._process.close_stdin()

    def _signal(self, number: signal.Signals) -> None:
        """Signals the engine's whole process group."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _tell(self) -> None:
        child = self._life.child(self._wall_offset)
        if child != self._told:
            self._told = child
            self._around.report(child)


def free_port() -> int:
    """A loopback port nobody listens on now; should another program be quicker, the engine is started anew."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
