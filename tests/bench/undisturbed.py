"""What somebody who talks with one model notices while another one loads, beside two plain llama-servers."""

from __future__ import annotations

import asyncio
import time

from tests.bench.beside import row
from tests.bench.engines import (
    RANDOM_MODEL,
    Caller,
    PlainServer,
    arguments_of,
    begin_load,
    chat,
    random_model,
    running_box,
    unload,
    wait_until_ready,
)
from tests.bench.report import Result
from tests.live.box import SELF_TEST_MODEL, Box

ROUNDS = 5
QUESTIONS = 12  # in a row: about as many as fit into the load
Times = list[float]


async def bench() -> Result:
    return await asyncio.to_thread(_bench)


def _bench() -> Result:
    alone: tuple[Times, Times] = ([], [])
    beside: tuple[Times, Times] = ([], [])
    with running_box(random_model()) as box:
        small, large = _arguments(box, SELF_TEST_MODEL), _arguments(box, RANDOM_MODEL)
        with PlainServer(small) as server, Caller(server.port) as plain, Caller(box.api_port) as ours:
            server.wait_healthy()
            wait_until_ready(box, ours, SELF_TEST_MODEL, begin_load(box, SELF_TEST_MODEL))
            for _ in range(ROUNDS):
                alone[0].extend(_answers(plain))
                alone[1].extend(_answers(ours))
                with PlainServer(large):
                    beside[0].extend(_answers(plain))
                begin_load(box, RANDOM_MODEL)
                beside[1].extend(_answers(ours))
                box.wait_ready(RANDOM_MODEL)
                unload(box, RANDOM_MODEL)
    rows = [
        row("plain, alone", alone[0]),
        row("box, alone", alone[1], alone[0]),
        row("plain, while another plain server loads", beside[0], alone[0]),
        row("box, while it loads another", beside[1], beside[0]),
    ]
    return Result("undisturbed", "answers of the bundled model while one of 1 GiB loads", rows)


def _arguments(box: Box, model: str) -> list[str]:
    """What an engine of the box is started with for it."""
    with Caller(box.api_port) as caller:
        wait_until_ready(box, caller, model, begin_load(box, model))
    arguments = arguments_of(*box.engines())
    unload(box, model)
    return arguments


def _answers(caller: Caller) -> Times:
    times = []
    for number in range(QUESTIONS):
        question = chat(f"What is {number} + 4?")
        began = time.perf_counter()
        caller.chat(SELF_TEST_MODEL, question)
        times.append(time.perf_counter() - began)
    return times
