"""Signs of work that an engine shows from outside: processor time, and the counters of its slots."""

from __future__ import annotations

import os
from pathlib import Path

import aiohttp

from appliance.routing.table import Endpoint

_TICKS = os.sysconf("SC_CLK_TCK")
BUSY_SHARE = 0.2  # of one core: more than answering our own polls costs


def processor_seconds(pid: int) -> float | None:
    """Processor time the process has used, None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS


def anonymous_bytes(pid: int) -> int:
    """Memory of the machine that the process holds beside the files it has mapped; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    sizes = (line.split() for line in lines if line.startswith(("RssAnon:", "RssShmem:")))
    return sum(int(words[1]) << 10 for words in sizes)


async def slot_counters(session: aiohttp.ClientSession, endpoint: Endpoint) -> str | None:
    """All that the engine counts in its slots, as text to compare; None when it does not answer in time."""
    headers = {"Authorization": f"Bearer {endpoint.key}"}
    url = f"http://{endpoint.host}:{endpoint.port}/slots"
    try:
        async with session.get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=2)) as response:
            return await response.text() if response.status == 200 else None
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None


class ProcessorMeter:
    """Tells whether a process really computed since the last look."""

    def __init__(self) -> None:
        self._seen: tuple[float, float] | None = None

    def computed(self, pid: int, now: float) -> bool:
        used = processor_seconds(pid)
        if used is None:
            return False
        before, self._seen = self._seen, (used, now)
        return before is not None and now > before[1] and (used - before[0]) / (now - before[1]) >= BUSY_SHARE
