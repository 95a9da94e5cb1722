"""How an engine process is started again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp

from appliance.node.serving import engine_spec
from appliance.node.snapshot import Child
from appliance.supervisor.child import EngineChild, Surroundings
from appliance.supervisor.engine_build import ENDS_WITH_PARENT, EngineBuild
from tests.builders import make_model, make_snapshot

SECONDS = 30


async def test_an_engine_that_ends_before_it_is_ready_looks_for_room_itself(tmp_path: Path) -> None:
    """What placement worked out did not hold, or a GPU came since: left to that it would fail again and again."""
    told = tmp_path / "told"
    server = tmp_path / "llama-server"
    server.write_text(f'#!/bin/sh\necho "$*" >> {told}\nexit 1\n', encoding="utf-8")
    server.chmod(0o755)
    build = EngineBuild(tmp_path)
    build.features = frozenset({ENDS_WITH_PARENT})
    spec = replace(engine_spec(make_model(), make_snapshot()), settled=True)
    starts: list[int] = []

    def heard(said: Child) -> None:
        if said.pid is not None and said.pid not in starts:
            starts.append(said.pid)
        if len(starts) > 1 and said.pid is None:
            child.stop()

    async with aiohttp.ClientSession() as session, asyncio.timeout(SECONDS):
        child = EngineChild(spec, Surroundings(build, "me", session, heard, lambda _: 0, lambda: 60.0, lambda: 1))
        await child.run()
    first, second = told.read_text(encoding="utf-8").splitlines()[:2]
    assert "--fit off" in first
    assert "--fit off" not in second
