"""A helper takes only what its model and all others leave."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.hardware.engine_devices import EngineDevices
from appliance.models.draft_trials import DraftTrial, Speed
from appliance.models.types import Library, Model
from appliance.node.commands import RunEngine
from appliance.node.decide import decide
from appliance.node.drafting import Standing, machine_of, pair_of, standing, wanted_helper
from appliance.node.helper_room import helper_bytes
from appliance.node.snapshot import Child, ChildState, EngineSpec, Snapshot
from appliance.settings.schema import ModelSettings
from tests.builders import make_model, make_snapshot, with_child
from tests.unit.placement.values import gpu, inventory, published

NOW = 1000.0
BIG, SMALL = published("Llama-3.1-8B"), published("Llama-3.2-1B")  # 8 GiB of weights, and a relative
GPU = "pci:0"


def made(name: str, profile: Any) -> Model:
    return make_model(name, profile=profile, size=profile.weights.total, context_length=profile.context_length)


TARGET, DRAFT = made("Llama-3.1-8B-Q8_0", BIG), made("Llama-3.2-1B-Q8_0", SMALL)


def box(*gpus: Any, context: int = 8192, **sizes: Any) -> Snapshot:
    """With a draft that was told by name, before anything is known of the engine."""
    machine = inventory(*gpus, **sizes)
    base = make_snapshot(wanted=(TARGET.id,), models=(TARGET, DRAFT), inventory=machine)
    own = {TARGET.id: ModelSettings(draft=DRAFT.id, context=context)}
    serving = base.settings.serving.model_copy(update={"per_model": own})
    return replace(base, settings=base.settings.model_copy(update={"serving": serving}))


def let_in(snapshot: Snapshot) -> EngineSpec:
    """What is started once it was measured that the helper pays."""
    (command,) = starts(measured_well(snapshot))
    return command.spec


def measured_well(snapshot: Snapshot) -> Snapshot:
    known = replace(snapshot, engine_devices=EngineDevices("engine"))
    helper, machine = wanted_helper(TARGET, known), machine_of(TARGET, known)
    if helper is None or machine is None:
        return known
    trial = DraftTrial(pair_of(TARGET, helper), machine, Speed(10.0), Speed(20.0, 8, 6))
    return replace(known, draft_trials={TARGET.id: trial})


def test_it_lies_beside_its_model_when_both_fit() -> None:
    """On the same GPU, and it counts among what the model takes there."""
    snapshot = box(gpu(total=24))
    spec, alone = let_in(snapshot), let_in(with_draft("off", snapshot))
    size = helper_bytes(TARGET, spec, Library((TARGET, DRAFT)))
    assert (spec.drafting, spec.no_room_for) == ("model", "")
    assert dict(spec.claims)[GPU] - dict(alone.claims)[GPU] == size > DRAFT.size // 2
    assert spec.context == alone.context


@pytest.mark.parametrize(
    ("snapshot", "crowded"),
    [
        (box(gpu(total=24)), False),
        (box(gpu(total=12)), False),
        (box(gpu(total=11)), True),  # it would push layers off the GPU
        (box(gpu(total=24), context=0), True),  # the context takes all there is: it would be cut
        (box(total=64), False),
        (box(total=16, available=11), True),
        (box(gpu(total=6), gpu(1, total=6)), True),
        (box(gpu(total=4), total=64), True),  # the model itself lies there only in part
    ],
)
def test_it_stays_away_where_the_model_would_suffer(snapshot: Snapshot, crowded: bool) -> None:
    """The model runs as it would alone, and the page can say why."""
    spec, alone = let_in(snapshot), let_in(with_draft("off", snapshot))
    assert (spec.context, spec.cache_mib) == (alone.context, alone.cache_mib)
    assert (spec.no_room_for == DRAFT.path) is crowded
    assert (spec.drafting == "") is crowded
    if crowded:
        assert spec.claims == alone.claims
        assert standing(TARGET, measured_well(snapshot), spec) is Standing.NO_ROOM


def test_an_engine_that_found_no_room_for_it_goes_on_without() -> None:
    """Also when there is room later: nobody is interrupted for it."""
    crowded = box(gpu(total=11))
    running = Child(let_in(crowded), ChildState.READY, since=0.0, answer_ms=5.0)
    for snapshot in (crowded, box(gpu(total=80))):
        assert decide(with_child(measured_well(snapshot), running), NOW).commands == ()
    off = with_draft("off", crowded)
    assert [command.spec.no_room_for for command in starts(with_child(off, running))] == [""]


def starts(snapshot: Snapshot) -> list[RunEngine]:
    return [command for command in decide(snapshot, NOW).commands if isinstance(command, RunEngine)]


def with_draft(draft: str, snapshot: Snapshot) -> Snapshot:
    serving = snapshot.settings.serving
    own = serving.per_model[TARGET.id].model_copy(update={"draft": draft})
    changed = serving.model_copy(update={"per_model": {TARGET.id: own}})
    return replace(snapshot, settings=snapshot.settings.model_copy(update={"serving": changed}))
