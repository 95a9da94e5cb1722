"""Which device is tested next by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.hardware.engine_layout import HOST, Lain
from appliance.hardware.trials import PROCESSOR, SelfTest, Trial, marks
from appliance.hardware.types import Gpu, Memory
from appliance.node.jobs import Job, JobKind, JobState
from appliance.node.snapshot import ChildState, RequestLoad, Snapshot, TroubleKind
from appliance.node.untested import MEMORY_NEEDED, proofs, untested
from appliance.settings.schema import HardwareSettings, Settings
from tests.builders import MODEL_ID, make_child, make_model, make_snapshot, with_child
from tests.gpu_boxes import ENGINE, GIB, listing, machine, nvidia

ONE, TWO = nvidia(0x41, 1), nvidia(0x65, 2)
RIGHT = SelfTest(ok=True, at=0.0, answer_ms=5.0)


def box(*gpus: Gpu, **fields: Any) -> Snapshot:
    here = machine(*gpus)
    names = [(f"CUDA{number}", gpu.name, None) for number, gpu in enumerate(gpus)]
    return replace(make_snapshot(inventory=here, engine_devices=listing(here, *names)), **fields)


def first(snapshot: Snapshot) -> str | None:
    return next(iter(untested(snapshot)), None)


def tried(snapshot: Snapshot, *devices: str, test: SelfTest = RIGHT) -> Snapshot:
    assert snapshot.inventory is not None
    mark = marks(snapshot.inventory, ENGINE)
    return replace(snapshot, trials={device: Trial(mark[device], test) for device in devices})


def limited(**fields: Any) -> Settings:
    return Settings(hardware=HardwareSettings(**fields))


def test_one_after_the_other() -> None:
    """GPUs first, then the processor, then no more."""
    snapshot = box(ONE, TWO)
    assert first(snapshot) == ONE.id
    assert first(tried(snapshot, ONE.id)) == TWO.id
    assert first(tried(snapshot, ONE.id, TWO.id)) == PROCESSOR
    assert first(tried(snapshot, ONE.id, TWO.id, PROCESSOR)) is None


def test_a_test_that_failed_is_not_repeated() -> None:
    """It has a card, and a button."""
    wrong = SelfTest(ok=False, at=0.0, code="wrong_answer")
    assert first(tried(box(ONE), ONE.id, PROCESSOR, test=wrong)) is None


def test_a_new_driver_or_engine_is_a_new_device() -> None:
    """What was found with the former one says nothing."""
    before = tried(box(ONE), ONE.id, PROCESSOR)
    assert first(replace(box(replace(ONE, driver="2.0")), trials=before.trials)) == ONE.id
    assert before.engine_devices is not None
    assert first(replace(before, engine_devices=replace(before.engine_devices, engine="new"))) == ONE.id


@pytest.mark.parametrize(
    "fields",
    [
        {"requests": RequestLoad(in_flight=1)},
        {"requests": RequestLoad(queued=1)},
        {"draining": True},
        {"troubles": {TroubleKind.ENGINE_MISSING: "It is not there."}},
        {"settings": limited(test_new_devices=False)},
        {"engine_devices": None},
        {"inventory": None},
        {"jobs": {"x": Job("x", JobKind.BENCHMARK, "cpu", JobState.RUNNING, 0.0)}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_it_waits(fields: dict[str, Any]) -> None:
    """For a quiet moment, for what it needs to know, and for people who do not want it."""
    assert first(box(ONE)) == ONE.id
    assert first(box(ONE, **fields)) is None


@pytest.mark.parametrize("state", [ChildState.STARTING, ChildState.STOPPING])
def test_it_waits_while_engines_come_and_go(state: ChildState) -> None:
    """They need the same memory and the same cores."""
    snapshot = box(ONE)
    assert first(with_child(snapshot, make_child(snapshot, state=state))) is None
    assert first(with_child(snapshot, make_child(snapshot))) == ONE.id


def test_a_full_gpu_is_left_alone() -> None:
    """Until there is room; one that shares the machine's memory has no figures of its own."""
    assert first(box(replace(ONE, memory_used=24 * GIB - 1))) == PROCESSOR
    assert first(box(replace(ONE, memory_total=None, unified_memory=True))) == ONE.id


def test_a_full_machine_is_left_alone() -> None:
    """The processor's test, and that of any GPU, needs a little of it."""
    snapshot = box(ONE)
    assert snapshot.inventory is not None
    little = replace(snapshot.inventory, memory=Memory(64 * GIB, MEMORY_NEEDED - 1))
    assert first(replace(snapshot, inventory=little)) is None


@pytest.mark.parametrize(
    "gpu",
    [replace(ONE, pinnable=False, silent=True), replace(ONE, id="index:0", pinnable=False)],
    ids=["silent", "no id"],
)
def test_a_gpu_that_cannot_be_named_is_left_out(gpu: Gpu) -> None:
    """Nobody could tell which one was tested."""
    assert first(box(gpu)) == PROCESSOR


def test_a_gpu_that_was_taken_back_is_left_alone() -> None:
    """It is somebody's own."""
    assert first(box(ONE, settings=limited(memory_caps={ONE.id: 0}))) == PROCESSOR


def test_a_gpu_that_this_engine_cannot_use_is_left_out() -> None:
    """Another flavour could."""
    assert first(replace(box(ONE), engine_devices=listing(machine(ONE)))) == PROCESSOR


def serving(snapshot: Snapshot, *said: Lain, **fields: Any) -> Snapshot:
    bundled = make_model(bundled=True)
    assert snapshot.library is not None
    snapshot = replace(snapshot, library=replace(snapshot.library, models=(bundled,)))
    fields = {"laid_out": said, "answer_ms": 12.0, "since": 7.0, **fields}
    return with_child(snapshot, make_child(snapshot, MODEL_ID, **fields))


def test_the_bundled_model_being_served_is_a_proof() -> None:
    """Of the one device it lies on."""
    proof = SelfTest(ok=True, at=7.0, answer_ms=12.0)
    assert proofs(serving(box(ONE), Lain(HOST, 3, 11))) == {PROCESSOR: proof}
    assert proofs(serving(box(ONE), Lain("CUDA0", 3, 11), Lain(HOST, 1, 1))) == {ONE.id: proof}


def test_where_it_cannot_be_told_it_proves_nothing() -> None:
    """Two devices, none that is known, no answer yet, or a test that was there before."""
    snapshot = box(ONE, TWO)
    both = serving(snapshot, Lain("CUDA0", 3, 11), Lain("CUDA1", 3, 11))
    assert proofs(both) == proofs(serving(snapshot)) == {}
    assert proofs(serving(snapshot, Lain(HOST, 3, 11), answer_ms=None)) == {}
    assert proofs(serving(tried(snapshot, PROCESSOR), Lain(HOST, 3, 11))) == {}
    other = with_child(snapshot, make_child(snapshot, laid_out=(Lain(HOST, 3, 11),), answer_ms=1.0))
    assert proofs(other) == {}
