"""The question a fresh engine must answer before anybody else may ask it.

The bundled model has a known answer, so a wrong one unmasks a broken device; any other model must at least
produce something.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from appliance.models.types import Ability
from appliance.node.failure import Failure
from appliance.node.snapshot import EngineSpec
from appliance.routing.table import Endpoint

QUESTION, ANSWER = "What is 3 + 4?", "7"
GREETING = "Hi"  # whatever it says to that; on a processor each token that it reads takes time
ENOUGH = 2  # tokens: the first comes of reading the question, the second of going on alone; more only take time

Check = Callable[[Mapping[str, Any]], str | None]  # what is wrong with an answer, or None


@dataclass(frozen=True, slots=True)
class Question:
    path: str
    body: Mapping[str, object]
    check: Check


def question_for(spec: EngineSpec) -> Question:
    if Ability.RERANK in spec.abilities:
        return Question("/v1/rerank", {"query": "sky", "documents": ["blue", "fish"]}, _check_rerank)
    if Ability.EMBEDDING in spec.abilities:
        return Question("/v1/embeddings", {"input": "blue sky"}, _check_embedding)
    if Ability.CHAT in spec.abilities:
        if spec.self_test:
            return Question("/v1/chat/completions", _chat(QUESTION, 8), _check_known_answer)
        return Question("/v1/chat/completions", _chat(GREETING, ENOUGH), _check_generation)
    return Question(
        "/v1/completions", {"prompt": "One, two,", "temperature": 0, "max_tokens": ENOUGH}, _check_generation
    )


def _chat(text: str, tokens: int) -> Mapping[str, object]:
    return {"messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": tokens}


def _check_known_answer(answer: Mapping[str, Any]) -> str | None:
    text = answer["choices"][0]["message"]["content"]
    return None if ANSWER in text else f"To “{QUESTION}” it answered {text!r} instead of {ANSWER!r}."


def _check_generation(answer: Mapping[str, Any]) -> str | None:
    return None if answer["usage"]["completion_tokens"] > 0 else "It generated no token."


def _check_embedding(answer: Mapping[str, Any]) -> str | None:
    vector = answer["data"][0]["embedding"]
    sound = bool(vector) and all(math.isfinite(x) for x in vector) and any(vector)
    return None if sound else "It returned an empty or broken vector."


def _check_rerank(answer: Mapping[str, Any]) -> str | None:
    scores = [r["relevance_score"] for r in answer["results"]]
    return None if len(scores) == 2 and all(math.isfinite(s) for s in scores) else "It returned no usable scores."


async def ask(session: aiohttp.ClientSession, endpoint: Endpoint, question: Question) -> Failure | None:
    """Puts the question; returns what is wrong, or None. The life cycle watches over how long it takes."""
    url = f"http://{endpoint.host}:{endpoint.port}{question.path}"
    headers = {"Authorization": f"Bearer {endpoint.key}"}
    try:
        async with session.post(url, json=question.body, headers=headers) as response:
            text = await response.text()
            if response.status != 200:
                return Failure(
                    "wrong_answer", f"Its test question was refused with status {response.status}: {text[:300]}"
                )
            problem = question.check(await response.json())
    except (aiohttp.ClientError, OSError) as error:
        return Failure("crashed", f"It broke off at its test question: {error}")
    except (ValueError, KeyError, IndexError, TypeError) as error:
        return Failure("wrong_answer", f"Its answer could not be read: {error!r}")
    return None if problem is None else Failure("wrong_answer", problem)
