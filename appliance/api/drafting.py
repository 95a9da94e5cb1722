"""What drafts for a model, and what was measured: as a document, and to be measured again."""

from __future__ import annotations

from typing import Any

from appliance.api.problems import Problem
from appliance.models.draft_trials import Speed
from appliance.node.drafting import Standing, standing, trial_in_force, wanted_helper
from appliance.node.events import DraftForgotten, RetryAsked
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot
from appliance.run_loop import RunLoop


def drafting_document(entry: ServingEntry, snapshot: Snapshot) -> dict[str, Any] | None:
    """None when nothing shall draft for it."""
    model = snapshot.library.find(entry.model) if snapshot.library else None
    found = standing(model, snapshot, entry.spec) if model else Standing.NOT_WANTED
    if model is None or found is Standing.NOT_WANTED:
        return None
    helper, trial = wanted_helper(model, snapshot), trial_in_force(model, snapshot)
    helped = trial.helped if trial else None
    return {
        "state": found.value,
        "way": helper.way.value if helper else None,
        "model": helper.model.id if helper and helper.model else None,
        "alone_tokens_per_second": _rate(trial.alone if trial else None),
        "helped_tokens_per_second": _rate(helped),
        "share_taken": helped.share_taken if helped else None,
    }


def measure_again(loop: RunLoop, entry: ServingEntry) -> str:
    """The model starts anew, with its helper and without, before it answers again."""
    snapshot = loop.outlook.snapshot
    model = snapshot.library.find(entry.model) if snapshot.library else None
    if model is None or trial_in_force(model, snapshot) is None:
        raise Problem(409, "not_measured", f"For {entry.model} nothing was measured yet that could be measured again.")
    loop.post(DraftForgotten(model.id))
    loop.post(RetryAsked(model.id))  # an engine that answers is not ended for it by itself
    return model.id


def _rate(speed: Speed | None) -> float | None:
    return speed.rate if speed and speed.rate else None
