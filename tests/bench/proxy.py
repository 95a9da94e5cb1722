"""The API's data planes beside nginx, all before the same pretended engine, in turns.

What is asked for is the cost of the way through, so requests straight to the engine are measured with them. Read the
figures as ratios: other work on the machine makes all of them larger.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.bench.proxy_leaving import leaving_ms
from tests.bench.proxy_ways import NGINX, STRAIGHT, Way, all_ways, idle_connections, load
from tests.bench.report import Result, Row, median
from tests.planes import DEFAULT_PLANE, PLANES

ROUNDS = 7
SECONDS = 1.0
STREAMS, RATE, EVENTS = 500, 50, 150
IDLE = 10_000
BAR = (
    "through {plane}: first byte <= 60 us and 2 x nginx, CPU/request <= 1.5 x, CPU/event <= 1.2 x nginx, "
    "500 streams <= 0.5 cores and 120 MB, left <= 50 ms, 10,000 idle"
)
Figures = Mapping[str, float]


async def bench() -> Result:
    with tempfile.TemporaryDirectory() as folder, all_ways(Path(folder)) as ways:
        measured = await asyncio.to_thread(_measure, ways)
        idle = {way.name: await asyncio.to_thread(_with_idle, way) for way in ways if way.pids}
    leaving = {plane: await leaving_ms(plane) for plane in PLANES}
    straight = measured.pop(STRAIGHT)
    rows = {
        name: {"added first byte us": found.pop("first byte us") - straight["first byte us"], **found, **idle[name]}
        for name, found in measured.items()
    }
    return _result(rows, leaving)


def _measure(ways: list[Way]) -> dict[str, dict[str, float]]:
    rounds: dict[str, list[Figures]] = {way.name: [] for way in ways}
    for _ in range(ROUNDS):
        for way in ways:
            rounds[way.name].append(_one_round(way))
    return {name: {key: median([one[key] for one in taken]) for key in taken[0]} for name, taken in rounds.items()}


def _one_round(way: Way) -> Figures:
    single = load(way, 1, SECONDS, "whole")
    many = load(way, 32, SECONDS, "whole")
    streams = load(way, STREAMS, 1, "stream", EVENTS, RATE)
    return {
        "first byte us": single["first_p50"],
        "CPU/request us": many["processor"] / many["answers"] * 1e6,
        "CPU/event us": streams["processor"] / streams["events"] * 1e6,
        "cores": streams["processor"] / streams["seconds"],
        "MB": streams["memory"],
    }


def _with_idle(way: Way) -> Figures:
    with idle_connections(way, IDLE):
        load(way, 1, 0.2, "whole")
        return {"MB with 10,000 idle": way.memory_mb()}


def _result(rows: Mapping[str, Figures], leaving: Mapping[str, Figures]) -> Result:
    ordered = sorted(rows, key=lambda name: name == NGINX)  # the columns are those of the first
    shown: list[Row] = [{"way": name, **rows[name], **leaving.get(name, {})} for name in ordered]
    notes = () if NGINX in rows else ("There is no nginx on this machine to compare with.",)
    met = _met(rows[DEFAULT_PLANE], rows[NGINX], leaving[DEFAULT_PLANE]) if NGINX in rows else None
    title = f"the API before a pretended engine, {STREAMS} streams of {RATE} events a second, medians of {ROUNDS}"
    return Result("proxy", title, shown, BAR.format(plane=DEFAULT_PLANE), met, notes)


def _met(ours: Figures, theirs: Figures, leaving: Figures) -> bool:
    first = "added first byte us"
    return (
        ours[first] <= min(60, 2 * theirs[first])
        and ours["CPU/request us"] <= 1.5 * theirs["CPU/request us"]
        and ours["CPU/event us"] <= 1.2 * theirs["CPU/event us"]
        and ours["cores"] <= 0.5
        and ours["MB"] <= 120
        and max(leaving.values()) <= 50
    )
