"""What is served: each wanted model beside the engine that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from appliance.hardware.trials import hardware_of
from appliance.mesh.types import NodeShare
from appliance.models.drafts import draft_for
from appliance.models.names import resolve_name
from appliance.models.types import Ability, Capability, Level, Model
from appliance.node.devices import ANYWHERE, pins_for
from appliance.node.failure import Failure
from appliance.node.snapshot import Child, ChildState, EngineSpec, Phase, Snapshot, TroubleKind
from appliance.node.wish import own_settings, prompt_cache_mib, wished
from appliance.placement.pinning import Pins, margins_mib, meant
from appliance.placement.room import GPU_MARGIN
from appliance.routing.table import Route, RouteState, RoutingTable


class ServingState(StrEnum):
    PLANNED = "planned"
    FETCHING = "fetching"
    LOADING = "loading"
    PROBING = "probing"
    READY = "ready"
    SLEEPING = "sleeping"
    RECOVERING = "recovering"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ServingEntry:
    """One model that is to be served, and how far it is."""

    model: str  # id in the library, or what the owner wrote when nothing matches
    state: ServingState
    kind: str = "solo"
    spec: EngineSpec | None = None
    child: Child | None = None
    failure: Failure | None = None
    nodes: tuple[NodeShare, ...] = ()  # of a split, its host first; empty: this box does it all

    @property
    def progress(self) -> float | None:
        return self.child.progress if self.child else None


def wanted_entries(snapshot: Snapshot) -> tuple[ServingEntry, ...]:
    """One entry for each model of the settings, in their order, without repeats."""
    entries = (_entry(ref, snapshot) for ref in snapshot.settings.serving.models)
    return tuple({entry.model: entry for entry in entries}.values())


def _entry(ref: str, snapshot: Snapshot) -> ServingEntry:
    if snapshot.library is None or snapshot.inventory is None:
        return ServingEntry(ref, ServingState.PLANNED)
    model = snapshot.library.find(resolve_name(ref, (m.id for m in snapshot.library.models)) or "")
    if model is None:
        return _still_running(ref, snapshot) or ServingEntry(ref, ServingState.FAILED, failure=_missing(ref, snapshot))
    if (detail := snapshot.troubles.get(TroubleKind.ENGINE_MISSING)) is not None:
        return ServingEntry(model.id, ServingState.FAILED, failure=Failure("engine_missing", detail))
    if model.id in snapshot.asleep:
        return ServingEntry(model.id, ServingState.SLEEPING)
    return _kept_in_place(model, snapshot) or _placed(model, snapshot)


def _placed(model: Model, snapshot: Snapshot) -> ServingEntry:
    pins = pins_for(model, snapshot)
    if isinstance(pins, Failure):
        return ServingEntry(model.id, ServingState.FAILED, failure=pins)
    if pins is None:
        return ServingEntry(model.id, ServingState.PLANNED)
    spec, child = engine_spec(model, snapshot, pins), snapshot.children.get(model.id)
    if child is None or child.spec != spec:
        return ServingEntry(model.id, ServingState.PLANNED, spec=spec)
    return _as_it_runs(child)


def _as_it_runs(child: Child) -> ServingEntry:
    return ServingEntry(child.spec.model, _state(child), spec=child.spec, child=child, failure=child.failure)


def _still_running(ref: str, snapshot: Snapshot) -> ServingEntry | None:
    """An engine that answers goes on when its file cannot be seen any more: a network share may be back in a moment."""
    child = snapshot.children.get(resolve_name(ref, snapshot.children) or "")
    if child is None or child.state is not ChildState.READY:
        return None
    return ServingEntry(child.spec.model, ServingState.READY, spec=child.spec, child=child)


def _kept_in_place(model: Model, snapshot: Snapshot) -> ServingEntry | None:
    """An engine goes on where it is while nothing can be told for sure: the driver of its GPUs does not answer, or
    the engine is being asked anew which GPUs there are."""
    child, inventory = snapshot.children.get(model.id), snapshot.inventory
    if child is None or not child.spec.gpus or inventory is None or child.state is not ChildState.READY:
        return None
    gpus = {gpu.id: gpu for gpu in meant(child.spec.gpus, inventory)}
    wanted = own_settings(model.id, snapshot.settings.serving).gpus
    caps = snapshot.settings.hardware.memory_caps
    moved = wanted and {gpu.id for gpu in meant(wanted, inventory)} != gpus.keys()
    if moved or len(gpus) < len(child.spec.gpus) or any(caps.get(gpu) == 0 for gpu in gpus):
        return None
    listed = snapshot.engine_devices
    unsure = listed is None or listed.hardware != hardware_of(inventory) or listed.trouble is not None
    return _as_it_runs(child) if unsure or not all(gpu.pinnable for gpu in gpus.values()) else None


def engine_spec(model: Model, snapshot: Snapshot, pins: Pins = ANYWHERE) -> EngineSpec:
    serving = snapshot.settings.serving
    wish = wished(model.id, serving)
    return EngineSpec(
        model=model.id,
        path=model.path,
        abilities=model.abilities,
        context=wish.context,
        slots=wish.slots,
        kv_type=wish.kv.label,
        threads=serving.threads,
        projector=model.projector or "",
        draft=_draft(model, snapshot),
        cache_mib=prompt_cache_mib(serving, snapshot.inventory),
        size=model.size,
        self_test=model.bundled,
        attempt=snapshot.attempts.get(model.id, 0),
        gpus=pins.gpus,
        devices=pins.devices,
        visible=pins.visible,
        margins_mib=margins_mib(pins, snapshot.settings.hardware.memory_caps, GPU_MARGIN >> 20),
    )


def _draft(model: Model, snapshot: Snapshot) -> str:
    """Path of the model that drafts for it; one that sees or hears is left alone."""
    serving, library = snapshot.settings.serving, snapshot.library
    wish = own_settings(model.id, serving).draft or serving.speculation
    if library is None or model.projector:
        return ""
    found = draft_for(model, wish, library.models)
    return found.path if found else ""


def _missing(ref: str, snapshot: Snapshot) -> Failure:
    broken = snapshot.library.broken if snapshot.library else ()
    found = resolve_name(ref, (b.id for b in broken))
    for file in broken:
        if file.id == found:
            return Failure("model_broken", f"{file.path}: {file.reason}")
    return Failure("model_missing", f"No file of this box is called {ref!r}.")


_SENSES = {Capability.VISION: "image", Capability.AUDIO: "audio"}
_GIVEN_UP = frozenset({"crash_loop", "load_failed", "wrong_answer"})


def _state(child: Child) -> ServingState:
    match child.state:
        case ChildState.READY:
            return ServingState.READY
        case ChildState.STARTING if child.restarts or child.failure:
            return ServingState.RECOVERING
        case ChildState.STARTING:
            return ServingState.PROBING if child.phase is Phase.PROBING else ServingState.LOADING
        case ChildState.FAILED if child.failure and child.failure.code in _GIVEN_UP:
            return ServingState.FAILED
        case ChildState.FAILED:
            return ServingState.RECOVERING
        case ChildState.STOPPED | ChildState.STOPPING:
            return ServingState.PLANNED


def routing_table(entries: tuple[ServingEntry, ...], snapshot: Snapshot) -> RoutingTable:
    routes: Mapping[str, Route] = {
        entry.model: replace(_route(entry, snapshot), modalities=_modalities(entry, snapshot)) for entry in entries
    }
    return RoutingTable(MappingProxyType(dict(sorted(routes.items()))), _aliases(routes, snapshot))


def _modalities(entry: ServingEntry, snapshot: Snapshot) -> tuple[str, ...]:
    """What it takes beside text, as far as that is sure."""
    model = snapshot.library.find(entry.model) if snapshot.library else None
    profile = model.profile if model is not None and model.projector else None
    sure = [sense for sense in _SENSES if profile is not None and profile.level(sense) is Level.SURE]
    return ("text", *(_SENSES[sense] for sense in sure))


def _aliases(routes: Mapping[str, Route], snapshot: Snapshot) -> Mapping[str, str]:
    """Further names of what is served. A model's own name is never another's alias."""
    per_model = snapshot.settings.serving.per_model
    own = [(alias, model) for model in routes if model in per_model for alias in per_model[model].aliases]
    return MappingProxyType({alias: model for alias, model in reversed(own) if alias not in routes})


def _route(entry: ServingEntry, snapshot: Snapshot) -> Route:
    model = snapshot.library.find(entry.model) if snapshot.library else None
    child = entry.child
    abilities: frozenset[Ability] = child.spec.abilities if child else model.abilities if model else frozenset()
    if entry.state is ServingState.READY and child is not None:
        return Route(entry.model, RouteState.READY, abilities, endpoint=child.endpoint, context=child.context)
    if entry.state is ServingState.SLEEPING:
        return Route(entry.model, RouteState.SLEEPING, abilities)
    if entry.state is ServingState.FAILED and entry.failure is not None:
        return Route(entry.model, RouteState.FAILED, abilities, reason=entry.failure.detail)
    return Route(entry.model, RouteState.LOADING, abilities, progress=entry.progress)
