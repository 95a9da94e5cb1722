"""How long the box works on each page, beside an answer that is empty and a template of one line."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path
from typing import Any

from jinja2 import Environment
from litestar import Litestar, MediaType, Response, get

from tests.app.web.harness import Web, running_web
from tests.app.web.surface import Call, calls
from tests.bench.asgi import ask
from tests.bench.report import Result, median, percentile
from tests.bench.world import NAMES, fill, large_snapshot
from webui.security import Guarded

BAR_MS = 50.0
ROUNDS = 40
BAR = f"p95 of each page less the empty answer <= {BAR_MS:.0f} ms"


async def bench() -> Result:
    with tempfile.TemporaryDirectory() as folder:
        async with running_web(Path(folder), large_snapshot()) as web:
            await web.claim()
            fill(web)
            return await _measured(web)


async def _measured(web: Web) -> Result:
    empty = median(await _times(web.app, "/healthz", web.headers))
    one_line = median(await _times(_reference(web), "/", web.headers))
    rows = [await _row(web, call, empty, one_line) for call in pages(web)]
    reference: dict[str, Any] = {
        "page": "(template of one line)",
        "p50 ms": one_line * 1000,
        "p95 ms": None,
        "x one line": 1.0,
        "KB": None,
    }
    return Result(
        "pages",
        f"time inside the box: {len(rows)} pages, 100 peers, 30 models, 8 GPUs, 50 issues, a day of activity",
        [reference, *sorted(rows, key=lambda row: -row["p50 ms"])],
        BAR,
        all(row["p95 ms"] <= BAR_MS for row in rows),
        (f"an empty answer takes {empty * 1000:.2f} ms and is taken off the pages",),
    )


def pages(web: Web) -> list[Call]:
    """Every page that can be looked at, one thing of each kind."""
    return [call for call in calls(web, model_id=NAMES[0], agent="curl") if call.page]


async def _row(web: Web, call: Call, empty: float, one_line: float) -> dict[str, Any]:
    status, body, _ = await ask(web.app, call.path, web.headers)
    times = await _times(web.app, call.path, web.headers)
    return {
        "page": f"{call.path} ({status})" if status != 200 else call.path,
        "p50 ms": max(0.0, median(times) - empty) * 1000,
        "p95 ms": max(0.0, percentile(times, 0.95) - empty) * 1000,
        "least ms": max(0.0, min(times) - empty) * 1000,
        "x one line": median(times) / one_line,
        "KB": round(len(body) / 1024),
    }


async def _times(app: Any, path: str, headers: dict[str, str]) -> list[float]:
    gc.collect()
    return [(await ask(app, path, headers))[2] for _ in range(ROUNDS)]


def _reference(web: Web) -> Guarded:
    """Behind the same door, the smallest page that there can be."""
    template = Environment(autoescape=True).from_string("<!doctype html><title>{{ name }}</title>")

    @get("/", sync_to_thread=False)
    def smallest() -> Response[str]:
        return Response(template.render(name=web.loop.outlook.snapshot.settings.node.name), media_type=MediaType.HTML)

    return Guarded(Litestar([smallest], openapi_config=None, logging_config=None), web.app._keeper)
