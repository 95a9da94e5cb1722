"""Figures as a table, and kept as JSON in build/bench/."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path("build/bench")
Row = Mapping[str, str | float | int | bool | None]


@dataclass(frozen=True, slots=True)
class Result:
    """Rows of one bench; `bar` says what is asked for, `met` whether every row keeps to it."""

    name: str
    title: str
    rows: Sequence[Row]
    bar: str = ""
    met: bool | None = None
    notes: tuple[str, ...] = field(default=())


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def table(result: Result) -> str:
    heads = list(result.rows[0])
    cells = [heads, *([_text(row.get(head)) for head in heads] for row in result.rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(heads))]
    lines = [
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]
    verdict = "" if result.met is None else f"   bar: {result.bar} -> {'kept' if result.met else 'MISSED'}"
    return "\n".join([f"\n== {result.title}{verdict}", *lines, *result.notes])


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "" if value is None else str(value)


def keep(result: Result) -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    document = {
        "name": result.name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "bar": result.bar,
        "met": result.met,
        "rows": [dict(row) for row in result.rows],
    }
    path = FOLDER / f"{result.name}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    return path
