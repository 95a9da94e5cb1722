"""Keeps the engines that the run loop asks for: one slot a model, replaced when its spec changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp

from appliance.node.commands import Command, EndEngine, RunEngine
from appliance.node.events import ChildForgotten, ChildReported, Event
from appliance.node.snapshot import EngineSpec
from appliance.supervisor.child import EngineChild, Measure, Surroundings, measure_nothing
from appliance.supervisor.engine_build import EngineBuild
from appliance.supervisor.process import hand_on_nothing, hear_of_ends
from appliance.supervisor.reaper import end_orphans
from appliance.tasks import TaskGroup


class Supervisor:
    def __init__(
        self,
        engine: Path,
        owner: str,
        post: Callable[[Event], None],
        work_of: Callable[[str], int],
        silent_after: Callable[[], float],
        cores: Callable[[], int],
        measure: Measure = measure_nothing,
    ) -> None:
        self._build = EngineBuild(engine)
        self._owner = owner
        self._post = post
        self._work_of = work_of
        self._silent_after = silent_after
        self._cores = cores
        self._measure = measure
        self._wanted: dict[str, EngineSpec] = {}
        self._running: dict[str, EngineChild] = {}
        self._tasks = TaskGroup()
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        await asyncio.to_thread(end_orphans, self._owner)
        await asyncio.to_thread(self._build.read)
        await asyncio.to_thread(hand_on_nothing)
        hear_of_ends()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), trust_env=False)

    def carry_out(self, command: Command) -> None:
        """Takes a command of the run loop; telling it again changes nothing."""
        match command:
            case RunEngine(spec):
                self._want(spec)
            case EndEngine(model):
                self._wanted.pop(model, None)
                if model in self._running:
                    self._running[model].stop()
                else:
                    self._post(ChildForgotten(model))

    def _want(self, spec: EngineSpec) -> None:
        self._wanted[spec.model] = spec
        running = self._running.get(spec.model)
        if running is None:
            self._start(spec)
        elif running.spec != spec:
            running.stop()

    def _start(self, spec: EngineSpec) -> None:
        child = EngineChild(spec, self._surroundings())
        self._running[spec.model] = child
        child.begin()
        self._tasks.start(f"engine {spec.model}", self._keep(child))

    async def _keep(self, child: EngineChild) -> None:
        model = child.spec.model
        try:
            await child.run()
        finally:
            del self._running[model]
            self._post(ChildForgotten(model))
        wanted = self._wanted.get(model)
        if wanted is not None and wanted != child.spec:
            self._start(wanted)

    def _surroundings(self) -> Surroundings:
        if self._session is None:
            raise RuntimeError("the supervisor was not opened")
        return Surroundings(
            build=self._build,
            owner=self._owner,
            session=self._session,
            report=lambda child: self._post(ChildReported(child)),
            work_of=self._work_of,
            silent_after=self._silent_after,
            cores=self._cores,
            measure=self._measure,
        )

    async def close(self) -> None:
        """Ends every engine and waits until all are gone."""
        self._wanted.clear()
        for child in self._running.values():
            child.stop()
        await self._tasks.wait()
        if self._session is not None:
            await self._session.close()
