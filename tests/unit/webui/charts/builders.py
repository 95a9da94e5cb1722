"""Charts with defaults for what a test does not care about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from webui.charts.scale import RATE
from webui.charts.types import Chart, Line

START = 1_800_000_000


def make_chart(*values: tuple[float | None, ...], **fields: Any) -> Chart:
    styles = ("answered", "refused") if fields.get("stacked") else ("s1", "s2")
    lines = tuple(Line(f"Line {n}", styles[n % 2], one) for n, one in enumerate(values))
    count = len(values[0]) if values else 3
    known = tuple(any(one[n] is not None for one in values) for n in range(count))
    return replace(Chart("test", "A title", "About it.", RATE, START, 20, lines, known), **fields)
