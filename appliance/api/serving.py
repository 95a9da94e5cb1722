"""Loading, unloading and putting to sleep: a wish is written into the settings, and the run loop does the rest."""

from __future__ import annotations

import secrets
from typing import Literal

from pydantic import Field

from appliance.api.deps import ApiDeps
from appliance.api.problems import Problem
from appliance.api.requests import Body
from appliance.models.names import nearest_names, resolve_name
from appliance.node.events import Dismissed, JobForgotten, JobReported, RetryAsked, SleepAsked, WakeAsked
from appliance.node.jobs import Job
from appliance.node.loads import advance, new_load
from appliance.node.serving import ServingEntry, ServingState
from appliance.placement.matching import PinProblem
from appliance.placement.pinning import pin
from appliance.settings.schema import GpuId, ModelRef
from appliance.settings.store import StaleRevision

_FELL = (ServingState.FAILED, ServingState.RECOVERING)
TRIES = 5  # at a change of the settings that others change at the same time


class ServeBody(Body):
    model: ModelRef = Field(description="Name of a model on this box")
    kind: Literal["auto", "solo", "pipeline", "experts"] = Field(default="auto", description="How it shall run")
    nodes: list[str] | None = Field(default=None, description="Ids of the boxes it shall run on")
    ctx: int | None = Field(default=None, ge=0, le=1 << 24, description="Context length in tokens; 0: its own")
    draft: ModelRef | None = Field(
        default=None, description="auto, off, or the name of a small model that drafts for it"
    )
    gpus: list[GpuId] | None = Field(
        default=None, description="Ids of the GPUs it shall run on and no others; an empty list: any", max_length=16
    )


async def load(deps: ApiDeps, wanted: ServeBody) -> Job:
    """Has a model of this box served; the job tells how far it is."""
    _check_place(deps, wanted)
    model = find_model(deps, wanted.model)
    _check_gpus(deps, wanted.gpus or [])
    entry = _entry(deps, model)
    await _want(deps, model, _own(wanted))
    if entry is not None and entry.state in _FELL:
        deps.loop.post(RetryAsked(model))
    elif entry is None or entry.state is not ServingState.READY:
        deps.loop.post(WakeAsked(model, deps.clock()))
    job = new_load(secrets.token_hex(6), model, deps.clock())
    if entry is not None and entry.state is ServingState.READY and not _own(wanted):
        job = advance(job, (entry,), deps.clock())
    deps.loop.post(JobReported(job))
    return job


async def unload(deps: ApiDeps, name: str) -> str:
    """Takes a model from those that are served; its file stays."""
    entry = find_entry(deps, name)
    for _ in range(TRIES):
        settings = deps.settings.current
        kept = [ref for ref in settings.serving.models if not _means(deps, ref, entry.model)]
        if await _changed(deps, {"serving": {"models": kept}}, settings.revision):
            deps.loop.post(Dismissed(entry.model))
            return entry.model
    raise _busy()


def sleep(deps: ApiDeps, name: str) -> str:
    entry = find_entry(deps, name)
    if entry.state is not ServingState.READY:
        raise Problem(
            409, "not_ready", f"{entry.model} is {entry.state.value}; only a ready model can be put to sleep."
        )
    deps.loop.post(SleepAsked(entry.model))
    return entry.model


def wake(deps: ApiDeps, name: str) -> str:
    entry = find_entry(deps, name)
    if entry.state is not ServingState.SLEEPING:
        raise Problem(409, "not_asleep", f"{entry.model} is {entry.state.value}; it does not sleep.")
    deps.loop.post(WakeAsked(entry.model, deps.clock()))
    return entry.model


async def end_load(deps: ApiDeps, job: Job) -> Job:
    """To give up a load is to want the model no longer; one that is over is taken off the list."""
    if job.ended:
        deps.loop.post(JobForgotten(job.id))
    elif _entry(deps, job.subject) is not None:
        await unload(deps, job.subject)
    return job


def find_model(deps: ApiDeps, name: str) -> str:
    """The id of a model on this box; raises Problem."""
    library = deps.loop.outlook.snapshot.library
    if library is None:
        raise Problem(409, "still_looking", "The box is still looking through its model files. Try again in a moment.")
    found = library.named(name) or library.at(name)
    if found is None:
        near = nearest_names(name, [model.id for model in library.models])
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise Problem(404, "unknown_model", f"No model of this box is called {name[:200]}.{hint}", nearest=near)
    return found.id


def find_entry(deps: ApiDeps, name: str) -> ServingEntry:
    entries = {entry.model: entry for entry in deps.loop.outlook.decision.serving}
    found = resolve_name(name, entries)
    if found is None:
        raise Problem(404, "not_served", f"{name[:200]} is not among the models that this box serves.")
    return entries[found]


def _check_place(deps: ApiDeps, wanted: ServeBody) -> None:
    """Fails closed: a wish that cannot be met is refused, never quietly changed."""
    if wanted.kind in ("pipeline", "experts"):
        raise Problem(409, "one_box_only", "A model is split over several boxes; this mesh has only one.")
    others = [node for node in wanted.nodes or () if node != deps.loop.outlook.snapshot.node.id]
    if others:
        raise Problem(409, "unknown_node", f"No box of this mesh has the id {others[0][:200]}.")


def _check_gpus(deps: ApiDeps, gpus: list[str]) -> None:
    snapshot = deps.loop.outlook.snapshot
    if gpus and snapshot.inventory is not None:
        found = pin(gpus, snapshot.inventory, snapshot.engine_devices)
        if isinstance(found, PinProblem):
            raise Problem(409, f"pin_{found.code.value}", found.detail)


def _own(wanted: ServeBody) -> dict[str, object]:
    """What is asked for this model alone."""
    asked: dict[str, object | None] = {"context": wanted.ctx, "draft": wanted.draft, "gpus": wanted.gpus}
    return {name: value for name, value in asked.items() if value is not None}


async def _want(deps: ApiDeps, model: str, asked: dict[str, object]) -> None:
    for _ in range(TRIES):
        settings = deps.settings.current
        refs = settings.serving.models
        models = list(refs) if any(_means(deps, ref, model) for ref in refs) else [*refs, model]
        own = {"per_model": {model: asked}} if asked else {}
        if await _changed(deps, {"serving": {"models": models, **own}}, settings.revision, ahead=True):
            return
    raise _busy()


async def _changed(deps: ApiDeps, patch: dict[str, object], revision: int, *, ahead: bool = False) -> bool:
    """False when somebody else changed the settings in between."""
    try:
        await deps.settings.change(patch, revision, ahead=ahead)
    except StaleRevision:
        return False
    return True


def _busy() -> Problem:
    return Problem(409, "stale_revision", "The settings are being changed by others right now. Try again.")


def _means(deps: ApiDeps, ref: str, model: str) -> bool:
    """Whether a name in the settings means this model, as the run loop reads it."""
    library = deps.loop.outlook.snapshot.library
    found = library.named(ref) if library else None
    return ref == model or (found is not None and found.id == model)


def _entry(deps: ApiDeps, model: str) -> ServingEntry | None:
    return next((entry for entry in deps.loop.outlook.decision.serving if entry.model == model), None)
