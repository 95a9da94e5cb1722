"""What drafts for a model, if anything: by what its owner wants, what is there, and whether it was measured to pay.

Nothing is switched while it answers: a helper is tried before a model is ready. Its engine is started without the
helper, measured, started with it and measured again; what was found is kept, and the next start goes there directly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from appliance.hardware.trials import hardware_of
from appliance.models.draft_trials import DraftTrial, Speed
from appliance.models.drafts import AUTO, OFF, Helper, Way, helper_for
from appliance.models.types import Model
from appliance.node.fallback import left_out
from appliance.node.snapshot import ChildState, EngineSpec, Snapshot
from appliance.node.wish import own_settings


@dataclass(frozen=True, slots=True)
class Choice:
    """A part of an EngineSpec."""

    drafting: str = ""
    draft: str = ""
    trial: bool = False


NOTHING, ALONE_FIRST = Choice(), Choice(trial=True)


class Standing(StrEnum):
    """How a model stands with its helper."""

    NOT_WANTED = "not_wanted"
    NONE_THERE = "none_there"
    USED = "used"
    TRYING = "trying"
    NO_ROOM = "no_room"
    DOES_NOT_PAY = "does_not_pay"
    LEFT_OUT = "left_out"


def wish_of(model: Model, snapshot: Snapshot) -> str:
    serving = snapshot.settings.serving
    return own_settings(model.id, serving).draft or serving.speculation


def wanted_helper(model: Model, snapshot: Snapshot) -> Helper | None:
    """One that sees or hears is left alone."""
    if snapshot.library is None or model.projector:
        return None
    return helper_for(model, wish_of(model, snapshot), snapshot.library.models)


def choose(model: Model, snapshot: Snapshot) -> Choice:
    helper = wanted_helper(model, snapshot)
    if helper is None or _failed(helper, model, snapshot):
        return NOTHING
    using = Choice(helper.way.value, helper.path)
    machine = machine_of(model, snapshot)
    if machine is None or helper.way is Way.REPEATS:  # of which short texts show nothing
        return using
    trial = snapshot.draft_trials.get(model.id)
    if trial is None or trial.pair != pair_of(model, helper):
        return NOTHING if _answers_alone(model, snapshot) and not _named(model, snapshot) else ALONE_FIRST
    if trial.machine != machine:
        return _as_it_runs(model, snapshot, using) or ALONE_FIRST
    if trial.alone is None:
        return ALONE_FIRST
    return using if trial.helped is None or trial.pays(named=_named(model, snapshot)) else NOTHING


def undecided(model: Model, snapshot: Snapshot) -> bool:
    """Whether a start has to wait: what was measured cannot be looked up before the machine is known."""
    helper = wanted_helper(model, snapshot) if machine_of(model, snapshot) is None else None
    return helper is not None and helper.way is not Way.REPEATS


def as_granted(wanted: EngineSpec, running: EngineSpec) -> EngineSpec:
    """A helper that found no room when the engine started is not asked for again while it runs."""
    if running.no_room_for and running.no_room_for == (wanted.draft or wanted.drafting):
        return without_room(wanted)
    return wanted


def without_room(spec: EngineSpec) -> EngineSpec:
    return replace(spec, drafting="", draft="", no_room_for=spec.draft or spec.drafting)


def to_measure(spec: EngineSpec, snapshot: Snapshot) -> DraftTrial | None:
    """What is known so far, when an engine that just got ready has to be measured; None when nothing is to be found
    out with it."""
    model = snapshot.library.find(spec.model) if snapshot.library else None
    helper = wanted_helper(model, snapshot) if model else None
    machine = machine_of(model, snapshot) if model else None
    if model is None or helper is None or machine is None or helper.way is Way.REPEATS:
        return None
    if not (spec.trial or spec.drafting):
        return None
    if spec.drafting and (spec.drafting, spec.draft) != (helper.way.value, helper.path):
        return None
    fresh = DraftTrial(pair_of(model, helper), machine)
    known = snapshot.draft_trials.get(model.id, fresh)
    if (known.pair, known.machine) != (fresh.pair, fresh.machine):
        known = fresh
    if spec.drafting and known.alone is None:
        return None
    return known if (known.helped if spec.drafting else known.alone) is None else None


def measured(trial: DraftTrial, spec: EngineSpec, speed: Speed) -> DraftTrial:
    return replace(trial, helped=speed) if spec.drafting else replace(trial, alone=speed)


def standing(model: Model, snapshot: Snapshot, spec: EngineSpec | None) -> Standing:
    helper = wanted_helper(model, snapshot)
    if helper is None:
        chosen = wish_of(model, snapshot) not in {AUTO, OFF} and not model.projector
        return Standing.NONE_THERE if chosen else Standing.NOT_WANTED
    if _failed(helper, model, snapshot):
        return Standing.LEFT_OUT
    trial = trial_in_force(model, snapshot)
    if trial is not None and trial.helped is not None and not trial.pays(named=_named(model, snapshot)):
        return Standing.DOES_NOT_PAY
    if spec is not None and spec.no_room_for == helper.key:
        return Standing.NO_ROOM
    known = helper.way is Way.REPEATS or (trial is not None and trial.helped is not None)
    return Standing.USED if known else Standing.TRYING


def trial_in_force(model: Model, snapshot: Snapshot) -> DraftTrial | None:
    """What was measured with the files, the engine and the machine that are here now."""
    helper, trial = wanted_helper(model, snapshot), snapshot.draft_trials.get(model.id)
    if helper is None or trial is None:
        return None
    now = pair_of(model, helper), machine_of(model, snapshot)
    return trial if (trial.pair, trial.machine) == now else None


def pair_of(model: Model, helper: Helper) -> str:
    size = helper.model.size if helper.model else 0
    return "|".join((model.path, str(model.size), helper.way.value, helper.path, str(size)))


def machine_of(model: Model, snapshot: Snapshot) -> str | None:
    inventory, listed = snapshot.inventory, snapshot.engine_devices
    if inventory is None or listed is None:
        return None
    serving = snapshot.settings.serving
    pinned = own_settings(model.id, serving).gpus
    parts = (listed.engine, inventory.cpu.name, str(serving.threads or inventory.cpu.cores))
    return "|".join((*parts, *hardware_of(inventory), *pinned))


def _as_it_runs(model: Model, snapshot: Snapshot, using: Choice) -> Choice | None:
    """A machine that looks different, for a moment or for good, is no reason to end an engine that answers."""
    child = snapshot.children.get(model.id)
    if child is None or child.state is not ChildState.READY:
        return None
    spec = child.spec
    return using if spec.no_room_for else Choice(spec.drafting, spec.draft, spec.trial)


def _answers_alone(model: Model, snapshot: Snapshot) -> bool:
    """A helper that turned up meanwhile is no reason to end it either: it is tried at the next start."""
    child = snapshot.children.get(model.id)
    return child is not None and child.state is ChildState.READY and not (child.spec.drafting or child.spec.trial)


def _failed(helper: Helper, model: Model, snapshot: Snapshot) -> bool:
    left = left_out(model.id, snapshot)
    return left is not None and left.helper == helper.key


def _named(model: Model, snapshot: Snapshot) -> bool:
    return wish_of(model, snapshot) != AUTO
