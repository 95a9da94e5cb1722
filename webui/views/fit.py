"""Whether a model fits, and how it could run, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.models.types import Model
from appliance.node.fitting import plans_for, resources_for, resources_to_choose_for, verdict_on, wish_for
from appliance.node.snapshot import Snapshot
from appliance.placement.fit import Code, fit_for_size
from appliance.placement.fit import Verdict as Judged
from appliance.placement.plan import Plan
from appliance.placement.words import sentence
from webui.views.words import size_text

_SHORT = {
    Code.FITS: "fits",
    Code.FITS_SHORTER: "fits with a shorter context",
    Code.PARTLY_ON_PROCESSOR: "partly on the processor",
    Code.ON_PROCESSOR: "on the processor",
    Code.TOO_BIG: "too big",
    Code.NOT_POSSIBLE: "not possible",
    Code.UNKNOWN: "not known yet",
}
_KINDS = {"solo": "On this box", "pipeline": "Split over several boxes", "experts": "Its experts shared out"}


@dataclass(frozen=True, slots=True)
class Verdict:
    tone: str
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class PlanCard:
    title: str
    verdict: Verdict
    facts: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]


def verdict_of(model: Model, snapshot: Snapshot) -> Verdict:
    return worded(verdict_on(model, snapshot))


def verdict_of_size(size: int | None, snapshot: Snapshot) -> Verdict | None:
    """For a model that is not here yet."""
    node = resources_to_choose_for(snapshot)
    return None if size is None or node is None else worded(fit_for_size(size, node).verdict)


def plan_cards(model: Model, snapshot: Snapshot) -> tuple[PlanCard, ...]:
    node = resources_for(model, snapshot)
    if node is None:
        return ()
    return tuple(_card(plan) for plan in plans_for(model, snapshot, wish_for(model, snapshot), (node,)))


def _card(plan: Plan) -> PlanCard:
    verdict = worded(plan.verdict)
    why = plan.why_not or verdict.why
    reasons = tuple(dict.fromkeys(node.reason for node in plan.nodes if node.reason != why))
    return PlanCard(_KINDS[plan.kind], Verdict(verdict.tone, verdict.text, why), tuple(_facts(plan)), reasons)


def _facts(plan: Plan) -> Iterable[tuple[str, str]]:
    if plan.verdict.code is Code.NOT_POSSIBLE:
        return
    yield "Weights", size_text(plan.needs.weights)
    yield "Context", f"{plan.context:,} tokens in {size_text(plan.needs.kv)}"
    yield "Room to compute", size_text(plan.needs.compute)
    if plan.predicted is not None and plan.predicted.tokens_per_s is not None:
        yield "Predicted", f"{plan.predicted.tokens_per_s:.0f} tokens a second"


def worded(judged: Judged) -> Verdict:
    return Verdict(judged.tone.value, _SHORT[judged.code], sentence(judged))
