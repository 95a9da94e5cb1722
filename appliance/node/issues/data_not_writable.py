"""The data folder refuses writes while the box runs."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.node.issues.types import Issue, Severity
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot, TroubleKind


def check(snapshot: Snapshot, _serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    detail = snapshot.troubles.get(TroubleKind.DATA_NOT_WRITABLE)
    if detail is not None:
        yield Issue(
            id="data_not_writable",
            severity=Severity.ERROR,
            title="Nothing can be stored",
            meaning="Changes made now are lost when the box stops; what was stored before is untouched.",
            advice="Make the data folder writable for the user that Meshbox runs as. The next change is then stored.",
            details=(detail,),
        )
