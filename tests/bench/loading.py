"""From the wish until a model is ready, beside a plain llama-server as one would start it by hand, in the same rounds.

A model of ours is ready once it answered a question, so the fair end of the plain server's way is its own first answer
to that question. It is the same build with as many threads, and its defaults otherwise; once more it gets all our
arguments, which shows what these alone bring. Files lie in the page cache.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.models.types import Ability
from appliance.node.snapshot import EngineSpec
from appliance.supervisor.probe import question_for
from tests.bench.beside import row
from tests.bench.engines import (
    RANDOM_MODEL,
    Caller,
    PlainServer,
    arguments_of,
    begin_load,
    by_hand,
    chat,
    computed,
    random_model,
    running_box,
    unload,
    wait_until_ready,
)
from tests.bench.report import Result, Row
from tests.live.box import SELF_TEST_MODEL, Box

ROUNDS = 7
BAR = 1.03
READY = 4  # the row that the bar is for
USERS_QUESTION = chat("Name a colour of the sky.")


@dataclass(frozen=True, slots=True)
class Plain:
    healthy: float
    answered: float  # the question that our engine must answer to be ready
    computed: float  # until then


@dataclass(frozen=True, slots=True)
class Ours:
    taken: float  # the wish: the answer to it is there
    ready: float
    users: float  # somebody's first question is answered
    computed: float  # by the box and its engine, until ready
    computed_itself: float  # by the box alone


async def bench() -> Result:
    return await asyncio.to_thread(_bench)


def _bench() -> Result:
    with running_box(random_model()) as box:
        large, small = _rows(box, RANDOM_MODEL, "1 GiB"), _rows(box, SELF_TEST_MODEL, "bundled")
    kept = all(float(str(rows[READY]["x least"])) <= BAR for rows in (large, small))
    title = f"load of a model, {ROUNDS} rounds in turn; ready is beside the test question of a plain server"
    return Result("load", title, [*large, *small], f"until ready, both models: x least <= {BAR}", kept)


def _rows(box: Box, model: str, name: str) -> list[Row]:
    _load(box, model)
    arguments, question = arguments_of(box.engines()[0]), _question(model)
    unload(box, model)
    plain, alike, users, ours = [], [], [], []
    for _ in range(ROUNDS):
        plain.append(_plain(by_hand(arguments), question))
        ours.append(_load(box, model))
        unload(box, model)
        users.append(_plain(by_hand(arguments), USERS_QUESTION).answered)
        alike.append(_plain(arguments, question).answered)
    answered, computed_then = [one.answered for one in plain], [one.computed for one in plain]
    return [
        row(f"{name}: plain, until /health says ok", [one.healthy for one in plain], answered),
        row(f"{name}: plain, until it answered the test question", answered),
        row(f"{name}: plain with our arguments, the same", alike, answered),
        row(f"{name}: box, until the wish is taken", [one.taken for one in ours], answered),
        row(f"{name}: box, until ready", [one.ready for one in ours], answered),
        row(f"{name}: plain, computed until then", computed_then),
        row(f"{name}: box and engine, computed until ready", [one.computed for one in ours], computed_then),
        row(f"{name}: box, of that by itself", [one.computed_itself for one in ours], computed_then),
        row(f"{name}: plain, until somebody's question is answered", users),
        row(f"{name}: box, until somebody's question is answered", [one.users for one in ours], users),
    ]


def _plain(arguments: Sequence[str], question: Mapping[str, object]) -> Plain:
    began = time.perf_counter()
    with PlainServer(arguments) as server, Caller(server.port) as caller:
        server.wait_healthy()
        healthy = time.perf_counter() - began
        caller.chat("", question)
        return Plain(healthy, time.perf_counter() - began, computed(server.pid))


def _load(box: Box, model: str) -> Ours:
    with Caller(box.api_port) as caller:
        before, began = computed(box.process.pid), time.perf_counter()
        said = begin_load(box, model)
        taken = time.perf_counter() - began
        wait_until_ready(box, caller, model, said)
        ready, own = time.perf_counter() - began, computed(box.process.pid) - before
        engine = computed(box.engines()[0])
        asked = time.perf_counter()
        caller.chat(model, USERS_QUESTION)
        return Ours(taken, ready, ready + time.perf_counter() - asked, own + engine, own)


def _question(model: str) -> Mapping[str, object]:
    """What our engine is asked before it counts as ready."""
    spec = EngineSpec(model, "", frozenset({Ability.CHAT}), self_test=model == SELF_TEST_MODEL)
    return question_for(spec).body
