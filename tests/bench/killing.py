"""How streams end while their engines are killed, 200 times, with another engine there and without one."""

from __future__ import annotations

from typing import Any

from tests.app.proxy.harness import MODEL, running_api
from tests.app.proxy.kills import kill_under_load
from tests.bench.report import Result

KILLS, READERS = 200, 4  # as many as the engine answers side by side: nobody waits inside of it when it dies
BAR = "no stream ends silently; with another engine none is even told"


async def bench() -> Result:
    rows: list[dict[str, Any]] = []
    for replicas, kills in ((True, KILLS), (False, KILLS // 4)):
        async with running_api() as api:
            tally = await kill_under_load(api, kills, READERS, replicas=replicas)
            rows.append(
                {
                    "second engine": replicas,
                    "kills": kills,
                    "streams": sum(tally.ends.values()),
                    "ended well": tally.ends["well"],
                    "told of an error": tally.ends["told"],
                    "silent": tally.ends["silent"],
                    "gone on with": api.meter.rescued().get(MODEL, 0),
                }
            )
    met = all(row["silent"] == 0 for row in rows) and rows[0]["told of an error"] == 0
    return Result("kill", "engines killed in the middle of answers", rows, BAR, met)
