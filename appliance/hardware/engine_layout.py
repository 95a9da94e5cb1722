"""Where an engine puts a model: read from what it says itself while it loads. Pure.

Before it loads, the engine lays the model out over its devices until everything fits, and writes each attempt as JSON:

    {"type": "fit_memory_breakdown", "data": {"unit": "MiB", "rows": [
        {"kind": "device", "name": "CUDA0", "self": 5321, "model": 4900, "context": 256, "compute": 165, …},
        {"kind": "host", "name": "Host", "self": 330, "model": 300, "context": 0, "compute": 30}]}}

A model that drafts is laid out between the attempts for the model itself, in lines of the same form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

REPORT = "fit_memory_breakdown"
HOST = ""  # in place of a device's name: the machine's own memory
MOST = 64  # rows; a report that is longer is none
MOST_MIB = 1 << 40
_DRAFT_SHARE = 2  # weights of less than one part in so many are those of a model that drafts


@dataclass(frozen=True, slots=True)
class Lain:
    """What lies on one device, as the engine calls it. In whole MiB, rounded down."""

    device: str
    weights_mib: int
    total_mib: int


Layout = tuple[Lain, ...]


def parse_report(data: object) -> Layout:
    """Empty when it is no report that makes sense."""
    rows = data.get("rows") if isinstance(data, dict) and data.get("unit") == "MiB" else None
    if not isinstance(rows, list) or len(rows) > MOST:
        return ()
    try:
        return together(*((_lain(row),) for row in rows))
    except (TypeError, ValueError, KeyError):
        return ()


def together(*layouts: Layout) -> Layout:
    """Summed up by device; the machine's memory comes last."""
    sums: dict[str, Lain] = {}
    for lain in (lain for layout in layouts for lain in layout):
        before = sums.get(lain.device, Lain(lain.device, 0, 0))
        weights, total = before.weights_mib + lain.weights_mib, before.total_mib + lain.total_mib
        sums[lain.device] = Lain(lain.device, weights, total)
    return tuple(sorted(sums.values(), key=lambda lain: lain.device == HOST))


@dataclass(frozen=True, slots=True)
class Attempts:
    """The last attempt of the model itself, and the last of the one that drafts for it."""

    model: Layout = ()
    draft: Layout = ()

    @property
    def layout(self) -> Layout:
        return together(self.model, self.draft)

    def then(self, layout: Layout) -> Attempts:
        """The weights of a model stay the same from attempt to attempt, wherever they are put."""
        if _weights(layout) * _DRAFT_SHARE < _weights(self.model):
            return Attempts(self.model, layout)
        return Attempts(layout, self.draft) if layout else self


def _weights(layout: Layout) -> int:
    return sum(lain.weights_mib for lain in layout)


def _lain(row: Mapping[str, object]) -> Lain:
    """Buffers of other kinds than `device`, such as weights in an order the processor likes, are the machine's."""
    name = str(row["name"])[:64] if row["kind"] == "device" else HOST
    weights, total = row["model"], row["self"]
    if not isinstance(weights, int) or not isinstance(total, int) or not 0 <= weights <= total <= MOST_MIB:
        raise ValueError(row)
    return Lain(name, weights, total)
