"""A GPU that was here since the box started is not any more."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.node.issues.types import Issue, Place, Severity, issue_id
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot


def check(snapshot: Snapshot, _serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    for gpu in snapshot.inventory.gone if snapshot.inventory else ():
        yield Issue(
            id=issue_id("gpu_gone", gpu.id),
            severity=Severity.WARNING,
            title=f"GPU {gpu.id} ({gpu.name}) is gone",
            meaning=(
                "It was here earlier and cannot be found now. Models that are pinned to it stop; others go on with "
                "what is left. Once it is back it is used again by itself."
            ),
            advice=(
                "If you took it out, hide this card. If not, look at its seat, its power cables and its temperature, "
                "then restart the machine. In a container, hand the GPU in again."
            ),
            place=Place("Open the GPUs", "/gpus"),
        )
