"""How fast an engine writes: the same short texts each time, before anybody else may ask it."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from appliance.models.draft_trials import Speed
from appliance.models.types import Ability
from appliance.node.snapshot import EngineSpec
from appliance.routing.table import Endpoint

log = logging.getLogger("meshbox.drafting")

TEXTS = ("Tell me a short story about a fox.", "Count from 1 to 20.")  # one is hard to guess, one easy
WARM_UP, LONGEST = 16, 48  # tokens
TEXT_SECONDS = 4.0  # a slow engine gets shorter texts
ROUNDS, ROUNDS_SECONDS = 8, 4.0  # the quickest of them counts: what else the machine does only makes it slower
ANSWER_SECONDS = 90.0
NOT_MEASURED = Speed(0.0)


@dataclass(frozen=True, slots=True)
class _Run:
    seconds: float  # for each token
    proposed: int
    taken: int


async def sample(session: aiohttp.ClientSession, endpoint: Endpoint, spec: EngineSpec) -> Speed | None:
    """None when the engine went away meanwhile: that says nothing about its speed."""
    try:
        first = await _run(session, endpoint, spec, TEXTS[0], WARM_UP)
        tokens = max(WARM_UP // 2, min(LONGEST, round(TEXT_SECONDS / first.seconds)))
        began, rounds = time.monotonic(), [await _round(session, endpoint, spec, tokens)]
        while len(rounds) < ROUNDS and time.monotonic() - began < ROUNDS_SECONDS:
            rounds.append(await _round(session, endpoint, spec, tokens))
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
        return None
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as problem:
        log.warning("the speed of %s could not be measured: %r", spec.model, problem)
        return NOT_MEASURED
    return speed_of(rounds)


def speed_of(rounds: list[tuple[_Run, ...]]) -> Speed:
    """Of each text its quickest run."""
    quickest = [min(run.seconds for run in runs) for runs in zip(*rounds, strict=True)]
    every = [run for runs in rounds for run in runs]
    rate = len(quickest) / sum(quickest)
    return Speed(rate, sum(run.proposed for run in every), sum(run.taken for run in every))


async def _round(session: aiohttp.ClientSession, endpoint: Endpoint, spec: EngineSpec, tokens: int) -> tuple[_Run, ...]:
    return tuple([await _run(session, endpoint, spec, text, tokens) for text in TEXTS])


async def _run(session: aiohttp.ClientSession, endpoint: Endpoint, spec: EngineSpec, text: str, tokens: int) -> _Run:
    path, body = _request(spec, text, tokens)
    url = f"http://{endpoint.host}:{endpoint.port}{path}"
    headers = {"Authorization": f"Bearer {endpoint.key}"}
    patience = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with session.post(url, json=body, headers=headers, timeout=patience) as response:
        response.raise_for_status()
        return read_run(await response.json())


def _request(spec: EngineSpec, text: str, tokens: int) -> tuple[str, Mapping[str, object]]:
    common = {"max_tokens": tokens, "temperature": 0, "cache_prompt": False}
    if Ability.CHAT in spec.abilities:
        return "/v1/chat/completions", common | {"messages": [{"role": "user", "content": text}]}
    return "/v1/completions", common | {"prompt": text}


def read_run(answer: Mapping[str, Any]) -> _Run:
    """Raises ValueError, KeyError or TypeError when it cannot be read."""
    timings = answer["timings"]
    tokens, milliseconds = int(timings["predicted_n"]), float(timings["predicted_ms"])
    if tokens < 1 or not milliseconds > 0:
        raise ValueError("no token was made")
    proposed, taken = int(timings.get("draft_n") or 0), int(timings.get("draft_n_accepted") or 0)
    return _Run(milliseconds / 1000 / tokens, proposed, taken)
