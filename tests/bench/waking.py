"""From a request for a sleeping model to the first piece of its answer, beside the cold start of a plain llama-server;
and what sleep gives back."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.beside import row
from tests.bench.engines import (
    RANDOM_MODEL,
    Caller,
    PlainServer,
    arguments_of,
    begin_load,
    by_hand,
    chat,
    random_model,
    running_box,
    wait_until_ready,
)
from tests.bench.report import Result, Row
from tests.live.box import SELF_TEST_MODEL, Box

ROUNDS = 7
QUESTION = chat("Name a colour of the sky.")
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB of the box itself and of its engines: all that is mapped, and what is theirs alone (not the model file)."""

    box: float
    engines: float
    engines_own: float


async def bench() -> Result:
    return await asyncio.to_thread(_bench)


def _bench() -> Result:
    rows: list[Row] = []
    notes: list[str] = []
    with running_box(random_model()) as box:
        for model, name in ((RANDOM_MODEL, "1 GiB"), (SELF_TEST_MODEL, "bundled")):
            times, memory = _measured(box, model, name)
            rows += times
            notes.append(memory)
    title = f"wake from sleep, until the first piece of an answer, {ROUNDS} rounds in turn"
    return Result("wake", title, rows, notes=tuple(notes))


def _measured(box: Box, model: str, name: str) -> tuple[list[Row], str]:
    with Caller(box.api_port) as caller:
        wait_until_ready(box, caller, model, begin_load(box, model))
        caller.chat(model)
        arguments, awake = arguments_of(box.engines()[0]), _memory(box)
        _sleep(box, model)
        asleep = _memory(box)
        plain, ours = [], []
        for _ in range(ROUNDS):
            plain.append(_cold_start(by_hand(arguments)))
            began = time.perf_counter()
            ours.append(caller.first_token(model, QUESTION) - began)
            _sleep(box, model)
    rows = [row(f"{name}: plain, cold start and request", plain), row(f"{name}: box, request wakes it", ours, plain)]
    return rows, f"{name}: memory awake {_shown(awake)}; asleep {_shown(asleep)}"


def _cold_start(arguments: Sequence[str]) -> float:
    began = time.perf_counter()
    with PlainServer(arguments) as server, Caller(server.port) as caller:
        server.wait_healthy()
        return caller.first_token("", QUESTION) - began


def _sleep(box: Box, model: str) -> None:
    assert box.manage("POST", f"/api/serving/{model}/sleep").status == 202
    box.wait(lambda: box.entry(model)["state"] == "sleeping" and not box.engines(), f"{model} sleeps")


def _memory(box: Box) -> Memory:
    engines = box.engines()
    return Memory(
        _of(box.process.pid, "Rss"),
        sum(_of(pid, "Rss") for pid in engines),
        sum(_of(pid, "Anonymous") for pid in engines),
    )


def _of(pid: int, what: str) -> float:
    found = re.search(rf"^{what}: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024 / MIB


def _shown(memory: Memory) -> str:
    if not memory.engines:
        return f"{memory.box:.0f} MiB, no engine"
    return f"{memory.box:.0f} + {memory.engines:.0f} MiB of its engine ({memory.engines_own:.0f} beside the file)"
