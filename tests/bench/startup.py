"""What is imported before the box does anything: nobody shall make the start slower unseen."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from typing import Any

from tests.bench.report import Result, median

ROUNDS = 3
SHOWN = 14
LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|\s*(\S+)")


async def bench() -> Result:
    runs = [await _imports("appliance.main") for _ in range(ROUNDS)]
    empty = median([sum((await _imports("sys")).values()) for _ in range(ROUNDS)])
    total = median([sum(run.values()) for run in runs])
    packages: Counter[str] = Counter()
    for module, took in runs[-1].items():
        packages[module.partition(".")[0]] += took
    rows: list[dict[str, Any]] = [
        {"package": "all, less a bare interpreter", "ms": (total - empty) / 1000, "modules": len(runs[-1])}
    ]
    rows += [
        {"package": name, "ms": took / 1000, "modules": sum(m.partition(".")[0] == name for m in runs[-1])}
        for name, took in packages.most_common(SHOWN)
    ]
    return Result("startup", "imports of the box, by package (own time of their modules)", rows)


async def _imports(module: str) -> dict[str, int]:
    """Microseconds of each module that comes with this one."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "importtime", "-c", f"import {module}"), stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    return {found[3]: int(found[1]) for found in LINE.finditer(said.decode())}
