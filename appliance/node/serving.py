"""What is served: each wanted model beside the engine that runs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from appliance.hardware.trials import hardware_of
from appliance.mesh.types import NodeShare
from appliance.models.names import resolve_name
from appliance.models.types import Model
from appliance.node.admission import Candidate, Grant, No, Refusal, admit
from appliance.node.devices import ANYWHERE, pins_for, places_of
from appliance.node.drafting import as_granted, choose, undecided
from appliance.node.failure import GIVEN_UP, Failure
from appliance.node.fallback import projector_of
from appliance.node.footprint import held_by
from appliance.node.helper_room import seat_helpers
from appliance.node.snapshot import Child, ChildState, EngineSpec, Phase, Snapshot, TroubleKind
from appliance.node.wish import own_settings, prompt_cache_mib, wished
from appliance.placement.pinning import Pins, margins_mib, meant
from appliance.placement.room import GPU_MARGIN

CALL_LASTS_SECONDS = 60.0  # whoever still waits calls again
WAITS = "It waits until a model that is not in use has made room."


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
    guest: bool = False  # not in the settings: a request asked for it
    note: str | None = None  # why it stands as it does, for a person
    waits_for_room: bool = False  # somebody waits for it, and other models have to make room first

    @property
    def progress(self) -> float | None:
        return self.child.progress if self.child else None


def wanted_entries(snapshot: Snapshot, now: float) -> tuple[ServingEntry, ...]:
    """One entry for each model of the settings, in their order, without repeats; then what requests have called for."""
    refs = (*snapshot.settings.serving.models, *_guests(snapshot, now))
    found = {entry.model: entry for entry in (_entry(ref, snapshot) for ref in refs)}
    entries = {**found, **_let_in(found, snapshot, now)}.values()
    return tuple(replace(e, guest=True) if e.model in snapshot.guests else e for e in entries)


def _guests(snapshot: Snapshot, now: float) -> Iterator[str]:
    """Those that nobody asks for any more, and that never ran, are forgotten."""
    for model in sorted(snapshot.guests):
        if model in snapshot.children or _is_called(model, snapshot, now):
            yield model


def _is_called(model: str, snapshot: Snapshot, now: float) -> bool:
    """A request calls again and again; who loads a model on the page waits as long as the job runs."""
    if model not in snapshot.called:
        return False
    recent = now - snapshot.called[model] < CALL_LASTS_SECONDS
    return recent or any(job.loads(model) for job in snapshot.jobs.values())


def _entry(ref: str, snapshot: Snapshot) -> ServingEntry:
    """As far as it can be told without looking at the others; one that has yet to find room is planned, with a spec."""
    if snapshot.library is None or snapshot.inventory is None:
        return ServingEntry(ref, ServingState.PLANNED)
    model = snapshot.library.named(ref)
    if model is None:
        return _still_running(ref, snapshot) or ServingEntry(ref, ServingState.FAILED, failure=_missing(ref, snapshot))
    if (detail := snapshot.troubles.get(TroubleKind.ENGINE_MISSING)) is not None:
        return ServingEntry(model.id, ServingState.FAILED, failure=Failure("engine_missing", detail))
    if model.id in snapshot.asleep or model.id in snapshot.yielding:
        return ServingEntry(model.id, ServingState.SLEEPING)
    return _kept_in_place(model, snapshot) or _placed(model, snapshot)


def _placed(model: Model, snapshot: Snapshot) -> ServingEntry:
    pins = pins_for(model, snapshot)
    if isinstance(pins, Failure):
        return ServingEntry(model.id, ServingState.FAILED, failure=pins)
    if pins is None:
        return ServingEntry(model.id, ServingState.PLANNED)
    child = snapshot.children.get(model.id)
    if undecided(model, snapshot):
        return _as_it_runs(child) if child else ServingEntry(model.id, ServingState.PLANNED)
    spec = engine_spec(model, snapshot, pins)
    if child is None or not _same_process(spec, child.spec):
        return ServingEntry(model.id, ServingState.PLANNED, spec=spec)
    return _as_it_runs(child)


def _same_process(wanted: EngineSpec, running: EngineSpec) -> bool:
    """What an engine was granted when it started stays as it is until something else changes."""
    wanted = as_granted(wanted, running)
    return replace(wanted, context=running.context, cache_mib=running.cache_mib) == running


def _let_in(entries: Mapping[str, ServingEntry], snapshot: Snapshot, now: float) -> Mapping[str, ServingEntry]:
    """The entries of models that are to start, with what they are granted; or why they have to wait."""
    starting = [entry for entry in entries.values() if entry.spec is not None and entry.child is None]
    inventory = places_of(snapshot)
    if not starting or snapshot.library is None or inventory is None:
        return {}
    called = [model for model in snapshot.called if _is_called(model, snapshot, now)]
    starting.sort(key=lambda entry: called.index(entry.model) if entry.model in called else len(called))
    candidates = [_candidate(entry.model, snapshot) for entry in starting]
    replaced = {entry.model for entry in starting}
    others = [child for model, child in snapshot.children.items() if model not in replaced]
    held = [held_by(child, inventory) for child in others]
    found = admit(candidates, held, snapshot, now)
    answered = [_answered(entry, found[entry.model], waiting=entry.model in called) for entry in starting]
    specs = {entry.model: entry.spec for entry in answered if entry.spec is not None}
    seated = seat_helpers(specs, held, snapshot, now)
    return {entry.model: replace(entry, spec=seated.get(entry.model)) for entry in answered}


def _candidate(model_id: str, snapshot: Snapshot) -> Candidate:
    model = snapshot.library.find(model_id) if snapshot.library else None
    if model is None:
        raise ValueError(f"{model_id} is not in the library")
    return Candidate(model, wished(model_id, snapshot.settings.serving))


def _answered(entry: ServingEntry, answer: Grant | Refusal, *, waiting: bool) -> ServingEntry:
    if isinstance(answer, Grant) and entry.spec is not None:
        granted = replace(entry.spec, context=answer.context, cache_mib=answer.cache_mib, claims=answer.claims)
        return replace(entry, spec=granted)
    if isinstance(answer, Refusal) and answer.why is No.CROWDED:
        state = ServingState.PLANNED if waiting else ServingState.SLEEPING
        return replace(entry, state=state, spec=None, note=WAITS if waiting else answer.text, waits_for_room=waiting)
    text = answer.text if isinstance(answer, Refusal) else ""
    return replace(entry, state=ServingState.FAILED, spec=None, failure=Failure("too_big", text))


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
    wish, helper = wished(model.id, serving), choose(model, snapshot)
    return EngineSpec(
        model=model.id,
        path=model.path,
        abilities=model.abilities,
        context=wish.context,
        asked_context=wish.context,
        slots=wish.slots,
        kv_type=wish.kv.label,
        threads=serving.threads,
        projector=projector_of(model.id, model.projector, snapshot),
        drafting=helper.drafting,
        draft=helper.draft,
        trial=helper.trial,
        cache_mib=prompt_cache_mib(serving, snapshot.inventory),
        asked_cache_mib=serving.prompt_cache_mib,
        size=model.size,
        self_test=model.bundled,
        settled=model.profile is not None and not pins.devices and _only_a_processor(snapshot),
        warm_up=helper.drafting != "" or model.projector is not None or not _is_dense(model),
        attempt=snapshot.attempts.get(model.id, 0),
        gpus=pins.gpus,
        devices=pins.devices,
        visible=pins.visible,
        margins_mib=margins_mib(pins, snapshot.settings.hardware.memory_caps, GPU_MARGIN >> 20),
    )


def _only_a_processor(snapshot: Snapshot) -> bool:
    """A list that was made of other hardware says nothing of a card that came since."""
    listed, inventory = snapshot.engine_devices, snapshot.inventory
    if listed is None or inventory is None or listed.hardware != hardware_of(inventory):
        return False
    return not listed.devices and listed.trouble is None


def _is_dense(model: Model) -> bool:
    """Every token goes through all of its weights: no experts that wait for theirs."""
    return model.profile is not None and model.profile.experts is None


def _missing(ref: str, snapshot: Snapshot) -> Failure:
    broken = snapshot.library.broken if snapshot.library else ()
    found = resolve_name(ref, (b.id for b in broken))
    for file in broken:
        if file.id == found:
            return Failure("model_broken", f"{file.path}: {file.reason}")
    return Failure("model_missing", f"No file of this box is called {ref!r}.")


def _state(child: Child) -> ServingState:
    match child.state:
        case ChildState.READY:
            return ServingState.READY
        case ChildState.STARTING if child.restarts or child.failure:
            return ServingState.RECOVERING
        case ChildState.STARTING:
            return ServingState.PROBING if child.phase is Phase.PROBING else ServingState.LOADING
        case ChildState.FAILED if child.failure and child.failure.code in GIVEN_UP:
            return ServingState.FAILED
        case ChildState.FAILED:
            return ServingState.RECOVERING
        case ChildState.STOPPED | ChildState.STOPPING:
            return ServingState.PLANNED
