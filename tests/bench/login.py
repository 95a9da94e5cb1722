"""Whether those who are in wait while others log in: hashing a password takes a core for a while."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from appliance.tasks import TaskGroup
from tests.app.web.harness import PASSWORD, Web, running_web
from tests.bench.report import Result, median, percentile

ROUNDS = 60
LOGINS = 12
BAR = "a request beside logins waits less than one login takes"


async def bench() -> Result:
    with tempfile.TemporaryDirectory() as folder:
        async with running_web(Path(folder)) as web:
            await web.claim()
            alone = [await _timed(web) for _ in range(ROUNDS)]
            began = time.perf_counter()
            await _log_in(web)
            one = time.perf_counter() - began
            tasks = TaskGroup()
            logins = [tasks.start(f"login {number}", _log_in(web)) for number in range(LOGINS)]
            beside = []
            while not all(login.done() for login in logins):
                beside.append(await _timed(web))
            await tasks.close()
    rows: list[dict[str, Any]] = [_row("/api/jobs alone", alone), _row(f"/api/jobs beside {LOGINS} logins", beside)]
    rows.append(_row("one login", [one]))
    return Result("login", "do logins hold others up?", rows, BAR, percentile(beside, 0.95) < one)


def _row(name: str, times: list[float]) -> dict[str, Any]:
    return {"what": name, "p50 ms": median(times) * 1000, "p95 ms": percentile(times, 0.95) * 1000, "n": len(times)}


async def _log_in(web: Web) -> None:
    answer = await web.call("POST", "/api/login", json={"password": PASSWORD})
    assert answer.status == 200


async def _timed(web: Web) -> float:
    began = time.perf_counter()
    answer = await web.call("GET", "/api/jobs")
    assert answer.status == 200
    return time.perf_counter() - began
