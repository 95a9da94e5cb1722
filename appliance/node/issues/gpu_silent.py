"""A driver does not answer: its GPUs are shown as they were last seen."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.node.issues.types import Issue, Place, Severity, issue_id
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot


def check(snapshot: Snapshot, _serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    for gpu in snapshot.inventory.gpus if snapshot.inventory else ():
        if not gpu.silent:
            continue
        yield Issue(
            id=issue_id("gpu_silent", gpu.id),
            severity=Severity.WARNING,
            title=f"The driver of GPU {gpu.id} ({gpu.name}) does not answer",
            meaning=(
                "What the GPU does now is not known. Engines that answer on it go on; no model that is pinned to it "
                "is started. Once the driver answers, everything goes on by itself."
            ),
            advice="Wait a minute. If it stays silent, restart the machine: often nothing else helps.",
            place=Place("Open the GPUs", "/gpus"),
        )
