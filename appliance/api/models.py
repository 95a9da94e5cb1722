"""What models are, where they come from and what would be fetched, as documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from appliance.api.times import timestamp
from appliance.jobs.plan import Plan
from appliance.jobs.planner import Resolved
from appliance.jobs.shelf import Removal, Shelf
from appliance.jobs.uploads import Received
from appliance.jobs.usage import Usage
from appliance.models.catalog import Form
from appliance.models.choice import Variant
from appliance.models.failed import ModelProblem
from appliance.models.gguf_header import Header
from appliance.models.hub import FoundRepo
from appliance.models.profile import NotServable, is_companion, make_profile
from appliance.placement.advice import Advice, runs
from appliance.placement.fit import Verdict
from appliance.placement.words import sentence

Json = dict[str, Any]


def with_origin(model: Json, shelf: Shelf, usage: Usage) -> Json:
    """An entry of the library with whose it is and when it was last used."""
    ours, used = shelf.of_path(model["path"]), usage.last(model["id"])
    return model | {
        "origin": "managed" if ours else model["origin"],
        "managed": ours is not None,
        "source": ours.source if ours else None,
        "revision": ours.revision if ours else None,
        "fetched_at": timestamp(ours.fetched_at) if ours else None,
        "last_used": timestamp(used) if used is not None else None,
    }


def found_document(found: FoundRepo, fit: Verdict) -> Json:
    """A repository of the hub, and how its model in the usual form would run here."""
    return {
        "repo": found.repo,
        "downloads": found.downloads,
        "likes": found.likes,
        "updated": timestamp(found.updated) if found.updated is not None else None,
        "gated": found.gated,
        "architecture": found.architecture,
        "parameters": found.parameters,
        "context_length": found.context_length,
        "traits": {
            claim.capability.value: {"level": claim.level.value, "source": claim.source} for claim in found.claims
        },
        "fit": fit_document(fit),
    }


def advice_document(advice: Advice) -> Json:
    """An entry of the catalogue, with the form of it that suits this box best. Its sizes are approximate."""
    entry = advice.entry
    return {
        "name": entry.name,
        "title": entry.title,
        "family": entry.family,
        "repo": entry.repo,
        "about": entry.about,
        "parameters": entry.parameters,
        "active_parameters": entry.active,
        "context_length": entry.context,
        "licence": entry.licence,
        "abilities": sorted(skill.value for skill in entry.skills),
        "moe": entry.has_experts,
        "projector": entry.projector,
        "draft": entry.draft,
        "variants": [_form(form) for form in entry.forms],
        "suggested": _form(advice.form) | {"ref": entry.ref(advice.form)},
        "fit": fit_document(advice.verdict),
    }


def fit_document(verdict: Verdict) -> Json:
    """Worked out from its size alone: it is not here yet."""
    return {
        "fits": runs(verdict),
        "code": verdict.code.value,
        "text": sentence(verdict),
        "needed_bytes": verdict.needed,
        "room_bytes": verdict.room,
    }


def _form(form: Form) -> Json:
    return {"quant": form.quant, "bytes": form.size}


def resolved_document(ref: str, resolved: Resolved, free: int | None) -> Json:
    plan = resolved.plan
    return {
        "ref": ref,
        "model": plan.model,
        "source": plan.source,
        "revision": plan.revision,
        "quant": plan.quant,
        "gated": resolved.gated,
        "bytes": plan.size,
        "free_bytes": free,
        "files": _files(plan),
        "variants": [_variant(variant) for variant in resolved.variants],
    }


def _files(plan: Plan) -> list[Json]:
    return [
        {"path": file.target, "size": file.size, "sha256": file.sha256, "companion": file.companion}
        for file in plan.files
    ]


def _variant(variant: Variant) -> Json:
    return {"name": variant.stem, "quant": variant.quant, "bytes": variant.size, "files": len(variant.files)}


def gguf_document(header: Header, plan: Plan) -> Json:
    """What the first bytes of a file tell. Of a model in several files they do not tell how many weights it has."""
    try:
        profile = None if is_companion(header) else make_profile(header)
    except NotServable as error:
        return _not_servable("not_servable", f"It cannot be served: {error}.")
    if profile is None:
        return _not_servable("companion", "It goes with a model but is none by itself.")
    return {
        "servable": True,
        "reason": None,
        "name": header.text("general.name"),
        "architecture": profile.architecture,
        "context_length": profile.context_length,
        "quantisation": profile.quantisation,
        "capabilities": sorted(ability.value for ability in profile.abilities),
        "parameters": header.parameters if sum(not file.companion for file in plan.files) == 1 else None,
    }


def unknown_document(problem: ModelProblem) -> Json:
    """In place of what the first bytes would have told."""
    return {"servable": None, "reason": {"code": problem.code, "detail": problem.detail}}


def _not_servable(code: str, detail: str) -> Json:
    return {"servable": False, "reason": {"code": code, "detail": detail}}


def removals_document(removals: Iterable[Removal], *, removed: bool) -> Json:
    listed = list(removals)
    return {
        "removed": removed,
        "models": [removal.model for removal in listed],
        "files": [{"path": f.path, "size": f.size} for removal in listed for f in removal.files],
        "bytes": sum(removal.size for removal in listed),
    }


def upload_document(received: Received) -> Json:
    return {"name": received.name, "received": received.size, "total": received.total, "model": received.model}
