"""The API's data planes beside nginx and a router in Go, as far as they are there, before the same pretended engine,
in turns.

What is asked for is the cost of the way through, so requests straight to the engine are measured with them. Read the
figures as ratios: other work on the machine makes all of them larger.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.bench.proxy_leaving import leaving_ms
from tests.bench.proxy_ways import NGINX, ROUTER, STRAIGHT, Way, all_ways, idle_connections, load
from tests.bench.report import Result, Row, median
from tests.planes import DEFAULT_PLANE, PLANES

ROUNDS = 7
SECONDS = 1.0
STREAMS, RATE, EVENTS = 500, 50, 150
IDLE = 10_000
REFERENCES = (NGINX, ROUTER)
A_REQUEST, AN_EVENT = "CPU/request us", "CPU/event us"
BAR = (
    "through {plane}: first byte <= 60 us and 2 x nginx, CPU/request <= 1.5 x, CPU/event <= 1.2 x nginx, "
    "500 streams <= 0.5 cores and 120 MB, left <= 50 ms, 10,000 idle"
)
Figures = Mapping[str, float]


async def bench() -> Result:
    with tempfile.TemporaryDirectory() as folder, all_ways(Path(folder)) as ways:
        rounds = await asyncio.to_thread(_measure, ways)
        idle = {way.name: await asyncio.to_thread(_with_idle, way) for way in ways if way.pids}
    leaving = {plane: await leaving_ms(plane) for plane in PLANES}
    measured = {name: _medians(taken) for name, taken in rounds.items()}
    straight = measured.pop(STRAIGHT)
    rows = {
        name: {"added first byte us": found.pop("first byte us") - straight["first byte us"], **found, **idle[name]}
        for name, found in measured.items()
    }
    shares = {name: _shares(rounds[DEFAULT_PLANE], rounds[name]) for name in REFERENCES if name in rounds}
    return _result(rows, shares, leaving)


def _measure(ways: list[Way]) -> dict[str, list[Figures]]:
    rounds: dict[str, list[Figures]] = {way.name: [] for way in ways}
    for _ in range(ROUNDS):
        for way in ways:
            rounds[way.name].append(_one_round(way))
    return rounds


def _medians(taken: list[Figures]) -> dict[str, float]:
    return {key: median([one[key] for one in taken]) for key in taken[0]}


def _shares(ours: list[Figures], theirs: list[Figures]) -> Figures:
    """How much of a reference's cost ours is, round by round: other work on the machine comes and goes."""
    rounds = list(zip(ours, theirs, strict=True))
    return {key: median([one[key] / other[key] for one, other in rounds]) for key in (A_REQUEST, AN_EVENT)}


def _one_round(way: Way) -> Figures:
    single = load(way, 1, SECONDS, "whole")
    many = load(way, 32, SECONDS, "whole")
    streams = load(way, STREAMS, 1, "stream", EVENTS, RATE)
    return {
        "first byte us": single["first_p50"],
        A_REQUEST: many["processor"] / many["answers"] * 1e6,
        AN_EVENT: streams["processor"] / streams["events"] * 1e6,
        "cores": streams["processor"] / streams["seconds"],
        "MB": streams["memory"],
    }


def _with_idle(way: Way) -> Figures:
    with idle_connections(way, IDLE):
        load(way, 1, 0.2, "whole")
        return {"MB with 10,000 idle": way.memory_mb()}


def _result(rows: Mapping[str, Figures], shares: Mapping[str, Figures], leaving: Mapping[str, Figures]) -> Result:
    ordered = sorted(rows, key=lambda name: name in REFERENCES)  # the columns are those of the first
    shown: list[Row] = [{"way": name, **rows[name], **leaving.get(name, {})} for name in ordered]
    notes = tuple(
        f"{DEFAULT_PLANE} costs, times what {name} does: a request {of[A_REQUEST]:.2f}, an event {of[AN_EVENT]:.2f}"
        if (of := shares.get(name))
        else f"There is no {name} here to compare with."
        for name in REFERENCES
    )
    met = None
    if NGINX in rows:
        met = _met(rows[DEFAULT_PLANE], rows[NGINX], shares[NGINX], leaving[DEFAULT_PLANE])
    title = f"the API before a pretended engine, {STREAMS} streams of {RATE} events a second, medians of {ROUNDS}"
    return Result("proxy", title, shown, BAR.format(plane=DEFAULT_PLANE), met, notes)


def _met(ours: Figures, theirs: Figures, shares: Figures, leaving: Figures) -> bool:
    first = "added first byte us"
    return (
        ours[first] <= min(60, 2 * theirs[first])
        and shares[A_REQUEST] <= 1.5
        and shares[AN_EVENT] <= 1.2
        and ours["cores"] <= 0.5
        and ours["MB"] <= 120
        and max(leaving.values()) <= 50
    )
