"""A model may not run where it shall: its GPU is not there, cannot be told from another, or was taken back."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from appliance.node.devices import OVER_LIMIT, PIN_FAILED, TAKEN_BACK
from appliance.node.issues.types import Issue, Place, Severity, issue_id
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot

_ADVICE = {
    "pin_missing": "Put the GPU back in, or choose another one for the model. In a container, hand the GPU in.",
    "pin_not_pinnable": "Choose a GPU that can be pinned. When its driver does not answer, restart the machine.",
    "pin_nothing_pinnable": "Let the box choose by itself where the model runs, or give the box a GPU.",
    "pin_no_match": "Use the flavour of Meshbox made for this GPU and install its driver, or let the box choose.",
    "pin_ambiguous": "Let the box choose by itself, or pin the model to all GPUs of this kind.",
    TAKEN_BACK: "Let models use the GPU again on the GPUs page, or choose another one for the model.",
    OVER_LIMIT: "Raise the limit on the GPUs page, choose a shorter context, or choose a smaller model.",
}


def check(_snapshot: Snapshot, serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    for entry in serving:
        code = entry.failure.code if entry.failure else ""
        if entry.failure is None or not code.startswith((PIN_FAILED, TAKEN_BACK, OVER_LIMIT)):
            continue
        gpus = Place("Open the GPUs", "/gpus")
        model = Place("Open the model", f"/models/{quote(entry.model, safe='')}")
        yield Issue(
            id=issue_id("pin_failed", entry.model),
            severity=Severity.ERROR,
            title=f"{entry.model} does not run: its GPU cannot be used",
            meaning=f"{entry.failure.detail} It is not run anywhere else.",
            advice=_ADVICE.get(code, "Choose another GPU for the model, or let the box choose."),
            place=gpus if code in {TAKEN_BACK, OVER_LIMIT} else model,
        )
