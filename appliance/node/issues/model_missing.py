"""The settings name a model that no file of this box has."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.models.names import nearest_names
from appliance.node.issues.types import Issue, Place, Severity, issue_id
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot


def check(snapshot: Snapshot, serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    for entry in serving:
        if entry.failure is None or entry.failure.code != "model_missing":
            continue
        known = [m.id for m in snapshot.library.models] if snapshot.library else []
        near = ", ".join(nearest_names(entry.model, known))
        yield Issue(
            id=issue_id("model_missing", entry.model),
            severity=Severity.ERROR,
            title=f"{entry.model} is not on this box",
            meaning="It is to be served, but no file in the models folder has this name.",
            advice=f"Put the file into the models folder, or choose another model{f' ({near})' if near else ''}.",
            place=Place("Open the models", "/models"),
        )
