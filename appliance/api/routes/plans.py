"""How a model could be run, before it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from litestar import post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import Field

from appliance.api.deps import ApiDeps
from appliance.api.problems import Problem
from appliance.api.requests import Body
from appliance.api.serving import find_model
from appliance.models.refs import BadRef, parse_ref
from appliance.models.types import Model
from appliance.node.fitting import plans_for, resources_for, wish_for
from appliance.node.snapshot import Snapshot
from appliance.placement.plan import Plan
from appliance.placement.words import sentence
from appliance.settings.schema import ModelRef

Json = dict[str, Any]


class PlansBody(Body):
    model: ModelRef = Field(description="Name of a model on this box")
    nodes: list[str] | None = Field(default=None, description="Ids of the boxes to plan for", max_length=1024)
    kind: Literal["auto", "solo", "pipeline", "experts"] = Field(default="auto", description="How it shall run")
    ctx: int | None = Field(default=None, ge=0, le=1 << 24, description="Context length in tokens; 0: its own")


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    @post("/api/plans", status_code=200, sync_to_thread=False)
    def candidates(data: JSONBody[PlansBody]) -> Json:
        """Candidate plans for a model, the best first, each with what it would take."""
        snapshot = deps.loop.outlook.snapshot
        _check_nodes(data, snapshot)
        return {"plans": plans_document(_model(deps, data.model), snapshot, data)}

    return [candidates]


def plans_document(model: Model, snapshot: Snapshot, wanted: PlansBody) -> list[Json]:
    resources, wish = resources_for(model, snapshot), wish_for(model, snapshot)
    if resources is None:
        raise Problem(409, "still_looking", "The box is still finding out what hardware it has. Try again in a moment.")
    if wanted.ctx is not None:
        wish = replace(wish, context=wanted.ctx)
    kind = None if wanted.kind == "auto" else wanted.kind
    return [plan_document(plan) for plan in plans_for(model, snapshot, wish, (resources,), kind)]


def plan_document(plan: Plan) -> Json:
    taken, predicted = plan.needs, plan.predicted
    return {
        "kind": plan.kind,
        "place": plan.place.value if plan.place else None,
        "devices": list(plan.devices),
        "nodes": [{"id": node.id, "share": node.share, "reason": node.reason} for node in plan.nodes],
        "fits": plan.fits,
        "context": plan.context,
        "bytes": {"weights": taken.weights, "kv": taken.kv, "compute": taken.compute, "total": taken.total},
        "predicted": {"tokens_per_s": predicted.tokens_per_s, "ttft_ms": predicted.ttft_ms} if predicted else None,
        "verdict": {
            "code": plan.verdict.code.value,
            "tone": plan.verdict.tone.value,
            "text": plan.why_not or sentence(plan.verdict),
        },
        "why_not": plan.why_not,
    }


def _check_nodes(wanted: PlansBody, snapshot: Snapshot) -> None:
    others = [node for node in wanted.nodes or () if node != snapshot.node.id]
    if others:
        raise Problem(404, "unknown_node", f"No box of this mesh has the id {others[0][:200]}.")


def _model(deps: ApiDeps, name: str) -> Model:
    try:
        model_id = find_model(deps, name)
    except Problem as problem:
        if problem.code == "unknown_model" and _is_elsewhere(name):
            detail = f"{name[:200]} is not on this box yet. Download it first; the search shows whether it would fit."
            raise Problem(409, "not_on_disk", detail) from None
        raise
    library = deps.loop.outlook.snapshot.library
    model = library.find(model_id) if library else None
    if model is None:
        raise Problem(404, "unknown_model", f"No model of this box is called {name[:200]}.", nearest=[])
    return model


def _is_elsewhere(name: str) -> bool:
    """Whether this names something that could be fetched."""
    try:
        parse_ref(name)
    except BadRef:
        return False
    return True
