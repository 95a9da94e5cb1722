"""A model file is damaged or cut short."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.models.types import BrokenFile
from appliance.node.issues.types import Issue, Place, Severity, issue_id
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot


def check(snapshot: Snapshot, _serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    for file in snapshot.library.broken if snapshot.library else ():
        if file.foreign:
            continue  # the models page says it; there is nothing to mend
        yield Issue(
            id=issue_id("broken_file", file.id),
            severity=Severity.WARNING,
            title=f"{file.id} cannot be served",
            meaning=file.reason,
            advice=_advice(file),
            place=Place("Open the models", "/models"),
            details=(file.path,),
        )


def _advice(file: BrokenFile) -> str:
    if file.keeper.program is None:
        return "Mend it, fetch it again or delete it. The folder is looked through every few seconds."
    return (
        f"It belongs to {file.keeper.program}: mend or remove it there. The folder is looked through every few seconds."
    )
