"""Another program listens on the port for programs that speak Ollama's API: often Ollama itself."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.node.issues.types import Issue, Place, Severity
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot, TroubleKind


def check(snapshot: Snapshot, _serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    detail = snapshot.troubles.get(TroubleKind.OLLAMA_PORT_TAKEN)
    if detail is not None:
        yield Issue(
            id="ollama_port_taken",
            severity=Severity.ERROR,
            title="The port for Ollama's programs is taken",
            meaning=(
                f"Programs for Ollama cannot reach the models on port {snapshot.settings.api.ollama_port}; "
                f"the API on port {snapshot.node.api_port} works."
            ),
            advice=(
                "Stop the program that uses the port, which may be Ollama itself, or choose another port in the "
                "settings. The box tries again every few seconds."
            ),
            place=Place("Open the settings", "/settings#api"),
            details=(detail,),
        )
