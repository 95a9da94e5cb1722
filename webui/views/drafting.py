"""What drafts for a model and whether it pays, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.models.draft_trials import PAYS, DraftTrial
from appliance.models.drafts import Helper, Way
from appliance.models.types import Model
from appliance.node.drafting import Standing, standing, trial_in_force, wanted_helper
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot

_TONES = {Standing.USED: "good", Standing.TRYING: "busy", Standing.LEFT_OUT: "warn", Standing.NO_ROOM: "warn"}
_CHIPS = {
    Standing.USED: "on",
    Standing.TRYING: "being tried",
    Standing.NO_ROOM: "off: no room",
    Standing.DOES_NOT_PAY: "off: not faster",
    Standing.LEFT_OUT: "off: did not start",
    Standing.NONE_THERE: "off: nothing suits",
}
_WHY = {
    Standing.USED: "Proposes the next words, and the model checks them. The answers are the same.",
    Standing.TRYING: "When the model is loaded next, its speed is measured with and without.",
    Standing.NO_ROOM: "The model fits without its helper only: with it, its context or its place on the GPU would "
    "shrink. A shorter context makes room for it.",
    Standing.DOES_NOT_PAY: "Measured on this box, the model was not faster with it. It is measured again when the "
    "files, the hardware or the engine change.",
    Standing.LEFT_OUT: "The engine did not get ready with it, so the model runs without. The repairs page says more.",
    Standing.NONE_THERE: "No model on this box is made to draft for this one.",
}
_NAMED = (
    "Proposes the next words, and the model checks them. When it was measured, the model was not faster with it; it "
    "stays because it was chosen by name."
)


@dataclass(frozen=True, slots=True)
class DraftingCard:
    tone: str
    chip: str
    why: str
    facts: tuple[tuple[str, str], ...]
    measured: bool


def drafting_card(model: Model, snapshot: Snapshot, entry: ServingEntry | None) -> DraftingCard | None:
    """None when nobody wants it."""
    found = standing(model, snapshot, entry.spec if entry else None)
    if found is Standing.NOT_WANTED:
        return None
    helper, trial = wanted_helper(model, snapshot), trial_in_force(model, snapshot)
    facts = (*_who(helper), *(_speeds(trial) if trial else ()))
    slower = found is Standing.USED and trial is not None and (trial.gain or PAYS) < PAYS
    why = _NAMED if slower else _WHY[found]
    return DraftingCard(_TONES.get(found, ""), _CHIPS[found], why, facts, trial is not None)


def _who(helper: Helper | None) -> Iterator[tuple[str, str]]:
    if helper is None:
        return
    if helper.model is not None:
        yield "Helper", helper.model.id
    else:
        yield "Helper", "layers of its own" if helper.way is Way.AHEAD else "what was written before"


def _speeds(trial: DraftTrial) -> Iterator[tuple[str, str]]:
    for label, speed in (("Alone", trial.alone), ("With its helper", trial.helped)):
        if speed is not None:
            yield label, f"{speed.rate:,.1f} tokens a second" if speed.rate else "could not be measured"
    share = trial.helped.share_taken if trial.helped else None
    if share is not None:
        yield "Proposals taken", f"{share:.0%}"
