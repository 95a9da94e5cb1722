"""What open pages cost: the share of a core that the box takes while its hardware is read twice a second."""

from __future__ import annotations

import asyncio
import itertools
import re
import sys
import tempfile
import time
from html import unescape
from pathlib import Path
from typing import Any

from appliance.node.events import HardwareProbed
from appliance.tasks import TaskGroup
from tests.app.web.harness import Web, running_web
from tests.bench.asgi import ask
from tests.bench.report import Result
from tests.bench.world import fill, inventory, large_snapshot
from webui.pages import PAGES

TABS = (0, 50, 200)
SECONDS = 6.0
BAR_PERCENT = 5.0
BAR_TABS = 50


async def bench() -> Result:
    with tempfile.TemporaryDirectory() as folder:
        async with running_web(Path(folder), large_snapshot()) as web:
            await web.claim()
            fill(web)
            tasks = TaskGroup()
            tasks.start("hardware is read", _readings(web))
            tasks.start("looks at the machine", _looks(web))
            rows = [await _row(web, path) for path in sorted({page.NAV.path for page in PAGES if page.NAV})]
            await tasks.close()
    met = all(row[f"{BAR_TABS} tabs %"] < BAR_PERCENT for row in rows)
    title = (
        "share of one core for open tabs of each page, hardware read twice a second (less what the box takes anyway)"
    )
    return Result("tabs", title, rows, f"{BAR_TABS} tabs < {BAR_PERCENT:.0f} %", met)


async def _readings(web: Web) -> None:
    for number in itertools.count():
        web.post(HardwareProbed(inventory(number)))
        await asyncio.sleep(0.5)


async def _looks(web: Web) -> None:
    while True:
        await web.activity.look(web.session)
        await asyncio.sleep(5)


async def _row(web: Web, path: str) -> dict[str, Any]:
    _, body, _ = await ask(web.app, path, web.headers)
    found = re.search(r'hx-sse:connect="([^"]+)"', body.decode())
    stream = unescape(found[1]) if found else ""
    measured = {count: await _share(web, stream, count) for count in TABS}
    idle = measured[0]["share"]
    row: dict[str, Any] = {"page": path, "stream": stream.partition("&")[0][:40], "idle %": idle}
    for count in TABS[1:]:
        row[f"{count} tabs %"] = max(0.0, measured[count]["share"] - idle)
    row["KB/s per tab"] = measured[BAR_TABS]["bytes"] / SECONDS / BAR_TABS / 1024
    return row


async def _share(web: Web, stream: str, count: int) -> dict[str, float]:
    """Percent of a core, and the bytes that all listeners together got."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.listeners", web.url + stream, web.token, str(count)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()  # all are connected and have had their first event
    began, used = time.perf_counter(), time.process_time()
    process.stdin.write(b"count\n")
    await asyncio.sleep(SECONDS)
    share = (time.process_time() - used) / (time.perf_counter() - began) * 100
    process.stdin.close()
    received = float(await process.stdout.readline())
    await process.wait()
    return {"share": share, "bytes": received}
