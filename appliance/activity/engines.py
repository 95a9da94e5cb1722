"""Asks engines for their running answers."""

from __future__ import annotations

import aiohttp

from appliance.activity.slots import Tasks, read_slots
from appliance.routing.table import Endpoint

SECONDS = 2.0


async def running_tasks(session: aiohttp.ClientSession, endpoint: Endpoint) -> Tasks | None:
    """None when the engine does not answer in time."""
    url = f"http://{endpoint.host}:{endpoint.port}/slots"
    headers = {"Authorization": f"Bearer {endpoint.key}"}
    try:
        async with session.get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=SECONDS)) as response:
            return read_slots(await response.read()) if response.status == 200 else None
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None
