"""How fast an engine writes, by what it answers itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from appliance.models.draft_trials import Speed
from appliance.models.types import Ability
from appliance.node.snapshot import EngineSpec
from appliance.routing.table import Endpoint
from appliance.supervisor.sample import LONGEST, NOT_MEASURED, read_run, sample

SPEC = EngineSpec("tiny", "/m.gguf", frozenset({Ability.CHAT, Ability.COMPLETION}))
Asked = list[tuple[str, dict[str, Any]]]
Serve = Callable[[Callable[[], web.Response]], Any]


def timings(tokens: object = 40, milliseconds: object = 200.0, **more: object) -> dict[str, Any]:
    return {"timings": {"predicted_n": tokens, "predicted_ms": milliseconds} | more}


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Any]]:
    """An engine that answers as told; what it was asked is noted."""
    runners: list[web.AppRunner] = []

    async def start(answer: Callable[[], web.Response], asked: Asked | None = None) -> Endpoint:
        async def handle(request: web.Request) -> web.Response:
            if asked is not None:
                asked.append((request.path, await request.json()))
            return answer()

        app = web.Application()
        app.router.add_post("/{tail:.*}", handle)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return Endpoint("127.0.0.1", runner.addresses[0][1], "key")

    yield start
    for runner in runners:
        await runner.cleanup()


async def speed(endpoint: Endpoint, spec: EngineSpec = SPEC) -> Speed | None:
    async with aiohttp.ClientSession() as session:
        return await sample(session, endpoint, spec)


async def test_the_quickest_run_of_each_text_counts(serve: Callable[..., Any]) -> None:
    """Whatever else the machine does only makes it slower."""
    slow_to_fast = iter(range(1000, 0, -1))

    def answer() -> web.Response:
        return web.json_response(timings(10, next(slow_to_fast), draft_n=8, draft_n_accepted=6))

    asked: Asked = []
    found = await speed(await serve(answer, asked))
    last = 1000 - len(asked) + 1
    assert found is not None
    assert found.rate == pytest.approx(2 / ((last + last + 1) / 10_000))
    assert found.share_taken == 0.75
    assert {path for path, _ in asked} == {"/v1/chat/completions"}
    assert all(not body["cache_prompt"] and body["temperature"] == 0 for _, body in asked)


async def test_a_slow_engine_gets_shorter_texts(serve: Callable[..., Any]) -> None:
    """Nobody waits minutes for a figure."""
    for milliseconds, tokens in ((10_000.0, 8), (1.0, LONGEST)):
        asked: Asked = []

        def answer(took: float = milliseconds) -> web.Response:
            return web.json_response(timings(16, took))

        await speed(await serve(answer, asked))
        assert asked[-1][1]["max_tokens"] == tokens


async def test_a_model_that_only_completes_is_asked_to(serve: Callable[..., Any]) -> None:
    """Without a conversation."""
    asked: Asked = []
    endpoint = await serve(lambda: web.json_response(timings()), asked)
    await speed(endpoint, EngineSpec("base", "/m.gguf", frozenset({Ability.COMPLETION})))
    assert asked[0][0] == "/v1/completions"
    assert asked[0][1]["prompt"]


@pytest.mark.parametrize("answer", [{}, {"timings": 3}, timings(0), timings("x"), timings(4, 0.0), timings(4, None)])
async def test_an_answer_that_cannot_be_read_is_no_measure(answer: Any, serve: Callable[..., Any]) -> None:
    """Nor is a refusal."""
    assert await speed(await serve(lambda: web.json_response(answer))) == NOT_MEASURED
    assert await speed(await serve(lambda: web.Response(status=500))) == NOT_MEASURED


async def test_an_engine_that_went_away_says_nothing_about_its_speed() -> None:
    """Its end is told elsewhere."""
    assert await speed(Endpoint("127.0.0.1", 9, "key")) is None


def test_an_engine_without_a_helper_counts_no_drafts() -> None:
    """The fields are not there then."""
    run = read_run(timings(4, 8.0))
    assert (run.seconds, run.proposed, run.taken) == (0.002, 0, 0)
