"""What it takes to find out what a name means, beside bare requests for the same pages of a hub on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from appliance.jobs.planner import Planner
from appliance.models.catalog import named
from appliance.models.hub import Hub
from appliance.models.hub_token import HubToken
from appliance.models.names import resolve_name
from appliance.models.refs import parse_ref
from appliance.settings.schema import ModelsSettings
from tests.bench.report import Result, median, percentile
from tests.fakes.hub import FIXTURES, SECOND, SECOND_FILES, FakeHub, Seen, running_hub

ROUNDS, QUICK_ROUNDS = 25, 200
LIBRARY = tuple(f"Some-Model-{number}B-Instruct-Q4_K_M" for number in range(100))
MOST_REQUESTS = 1
BAR = f"at most {MOST_REQUESTS} request of the hub for each name; none for a name that needs none"


@dataclass(frozen=True, slots=True)
class Name:
    form: str
    text: str


async def bench() -> Result:
    async with running_hub() as hub:
        names = _prepare(hub)
        with TemporaryDirectory() as folder:
            asked = Hub(hub.url, HubToken(Path(folder)))
            planner = Planner(asked, lambda: ModelsSettings(allow_private_urls=True))
            began = time.perf_counter()
            await planner.resolve(planner.parse(SECOND))
            first = time.perf_counter() - began
            rows = [await _online(planner, hub, name) for name in names]
    kept = all(row["requests"] <= MOST_REQUESTS for row in rows)
    notes = (f"the first question takes {first * 1000:.0f} ms: it loads the library that speaks with the hub",)
    return Result("resolve", "what a name means", [*rows, *_offline()], BAR, kept, notes)


def _prepare(hub: FakeHub) -> list[Name]:
    entry = named("qwen3 8b")
    assert entry is not None
    data = (FIXTURES / SECOND_FILES[0]).read_bytes()
    hub.add(entry.repo, {f"Qwen3-8B-{form.quant}.gguf": data for form in entry.forms})
    hub.direct["model.gguf"] = data
    file, commit = SECOND_FILES[0], hub.repos[SECOND].commit
    return [
        Name("of the catalogue, in words", "qwen3 8b"),
        Name("of the catalogue, with a quantisation", f"qwen3-8b:{entry.usual.quant}"),
        Name("org/repo", SECOND),
        Name("org/repo:quant", f"{SECOND}:Q8_0"),
        Name("org/repo/file.gguf", f"{SECOND}/{file}"),
        Name("org/repo@revision", f"{SECOND}@{commit}"),
        Name("page of a repository", f"{hub.url}/{SECOND}"),
        Name("page of a file", f"{hub.url}/{SECOND}/blob/main/{file}"),
        Name("address of a file elsewhere", f"{hub.url}/files/model.gguf".replace("127.0.0.1", "localhost")),
    ]


async def _online(planner: Planner, hub: FakeHub, name: Name) -> dict[str, Any]:
    times, bare = [], []
    async with aiohttp.ClientSession() as session:
        for _ in range(ROUNDS):
            hub.requests.clear()
            began = time.perf_counter()
            await planner.resolve(planner.parse(name.text))
            times.append(time.perf_counter() - began)
            pages = list(hub.requests)
            began = time.perf_counter()
            for page in pages:
                await _get(session, hub, page)
            bare.append(time.perf_counter() - began)
    return _row(name.form, times, len(pages), bare)


async def _get(session: aiohttp.ClientSession, hub: FakeHub, page: Seen) -> None:
    host = hub.url if page.host == "hub" else hub.storage_url
    headers = {"Range": page.range} if page.range else {}
    async with session.get(f"{host}{page.path}?{page.query}", headers=headers, allow_redirects=False) as answer:
        await answer.read()


def _offline() -> list[dict[str, Any]]:
    """What is known without asking anybody."""
    questions: dict[str, Callable[[], object]] = {
        "offline: what the text of a name says": lambda: parse_ref(f"{SECOND}:Q8_0@main"),
        "offline: words among the catalogue": lambda: named("qwen3 8b"),
        "offline: a short name among 100 models here": lambda: resolve_name("some-model-77b-instruct", LIBRARY),
    }
    rows = []
    for form, ask in questions.items():
        times = []
        for _ in range(QUICK_ROUNDS):
            began = time.perf_counter()
            assert ask() is not None
            times.append(time.perf_counter() - began)
        rows.append(_row(form, times, 0, None))
    return rows


def _row(form: str, times: list[float], requests: int, bare: list[float] | None) -> dict[str, Any]:
    return {
        "name": form,
        "requests": requests,
        "p50 ms": median(times) * 1000,
        "p95 ms": percentile(times, 0.95) * 1000,
        "bare p50 ms": median(bare) * 1000 if bare else None,
        "x bare": median(times) / median(bare) if bare else None,
    }
