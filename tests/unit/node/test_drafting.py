"""What drafts for a model, from the first wish to what was measured, step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.hardware.engine_devices import EngineDevices
from appliance.models.draft_trials import DraftTrial, Speed
from appliance.models.types import Model, Profile
from appliance.node.commands import RunEngine
from appliance.node.decide import decide
from appliance.node.drafting import Standing, measured, standing, to_measure
from appliance.node.events import DraftForgotten, DraftTried
from appliance.node.reduce import reduce
from appliance.node.serving import ServingState, engine_spec
from appliance.node.snapshot import Child, ChildState, EngineSpec, Snapshot
from appliance.settings.schema import ModelSettings
from tests.builders import INVENTORY, make_model, make_snapshot, with_child

NOW = 1000.0
PROFILE = Profile("qwen3", 1024, make_model().abilities, vocabulary=2048, tokenizer="gpt2", pre_tokenizer="qwen2")
TARGET = make_model("Qwen3-8B-Q8_0", size=9000, profile=PROFILE)
DRAFT = make_model("Qwen3-0.6B-Q8_0", size=600, profile=PROFILE)
FAST, SLOW = Speed(200.0, 80, 60), Speed(90.0, 80, 60)
USELESS = Speed(90.0, 80, 0)


def a_box(draft: str = "auto", **fields: Any) -> Snapshot:
    base = make_snapshot(wanted=(TARGET.id,), models=(TARGET, DRAFT), engine_devices=EngineDevices("engine 1"))
    serving = base.settings.serving.model_copy(update={"per_model": {TARGET.id: ModelSettings(draft=draft)}})
    settings = base.settings.model_copy(update={"serving": serving})
    return replace(base, settings=settings, **fields)


def commanded(snapshot: Snapshot) -> EngineSpec | None:
    """What the box wants to run now, when that is not running already."""
    specs = [command.spec for command in decide(snapshot, NOW).commands if isinstance(command, RunEngine)]
    return specs[0] if specs else None


def started(snapshot: Snapshot, state: ChildState = ChildState.STARTING) -> Snapshot:
    spec = commanded(snapshot)
    assert spec is not None
    return with_child(snapshot, Child(spec, state, since=NOW))


def tried(snapshot: Snapshot, speed: Speed) -> Snapshot:
    """The engine that just got ready was measured."""
    spec = snapshot.children[TARGET.id].spec
    known = to_measure(spec, snapshot)
    assert known is not None
    return reduce(snapshot, DraftTried(TARGET.id, measured(known, spec, speed)))


def ready(snapshot: Snapshot) -> Snapshot:
    child = snapshot.children[TARGET.id]
    return with_child(snapshot, replace(child, state=ChildState.READY, answer_ms=5.0))


def way(spec: EngineSpec | None) -> tuple[str, str, bool] | None:
    return None if spec is None else (spec.drafting, spec.draft, spec.trial)


def with_both(helped: Speed, draft: str = "auto") -> Snapshot:
    return tried(started(tried(started(a_box(draft)), Speed(100.0))), helped)


def test_a_new_pair_is_measured_alone_first_then_together_and_then_answers() -> None:
    """Two starts, nobody is answered in between, and nothing further happens."""
    alone = started(a_box())
    assert way(alone.children[TARGET.id].spec) == ("", "", True)
    after = tried(alone, Speed(100.0))
    assert way(commanded(after)) == ("model", DRAFT.path, False)
    together = tried(started(after), FAST)
    assert commanded(together) is None
    assert to_measure(together.children[TARGET.id].spec, together) is None
    assert decide(ready(together), NOW).serving[0].state is ServingState.READY
    assert standing(TARGET, together, None) is Standing.USED


@pytest.mark.parametrize("helped", [SLOW, USELESS, Speed(0.0)])
def test_what_does_not_pay_is_switched_off_and_stays_off(helped: Speed) -> None:
    """The engine starts a last time without it, and is not measured again."""
    off = with_both(helped)
    assert way(commanded(off)) == ("", "", False)
    answering = ready(started(off))
    assert commanded(answering) is None
    assert to_measure(answering.children[TARGET.id].spec, answering) is None
    assert standing(TARGET, answering, None) is Standing.DOES_NOT_PAY


def test_what_its_owner_named_stays_unless_it_never_guesses_right() -> None:
    """Other texts may be easier to guess than those that were measured."""
    assert commanded(with_both(SLOW, DRAFT.id)) is None
    assert way(commanded(with_both(USELESS, DRAFT.id))) == ("", "", False)


def test_what_was_found_once_holds_at_the_next_start() -> None:
    """One start is enough then."""
    trials = with_both(FAST).draft_trials
    assert way(commanded(a_box(draft_trials=trials))) == ("model", DRAFT.path, False)
    assert way(commanded(a_box(draft_trials=with_both(SLOW).draft_trials))) == ("", "", False)


@pytest.mark.parametrize(
    "change",
    [
        {"engine_devices": EngineDevices("engine 2")},
        {"inventory": replace(INVENTORY, cpu=replace(INVENTORY.cpu, name="Another processor"))},
    ],
)
def test_another_engine_or_machine_is_measured_anew_at_the_next_start(change: dict[str, Any]) -> None:
    """But an engine that answers is not ended for it."""
    known = with_both(FAST)
    assert way(commanded(a_box(draft_trials=known.draft_trials, **change))) == ("", "", True)
    assert commanded(replace(ready(known), **change)) is None


@pytest.mark.parametrize("other", [replace(TARGET, size=9001), replace(DRAFT, size=601)])
def test_another_file_is_measured_anew(other: Model) -> None:
    """A size that differs is another file under the same name."""
    known = with_both(FAST)
    assert known.library is not None
    models = tuple(other if model.id == other.id else model for model in known.library.models)
    assert way(commanded(a_box(draft_trials=known.draft_trials, library=replace(known.library, models=models)))) == (
        *("", "", True),
    )


def test_what_a_person_doubts_is_measured_anew_at_once() -> None:
    """The machine may have been busy with something else."""
    assert way(commanded(reduce(ready(with_both(FAST)), DraftForgotten(TARGET.id)))) == ("", "", True)


def test_before_the_machine_is_known_the_start_waits() -> None:
    """Else it would start once more as soon as it is."""
    waiting = a_box(engine_devices=None)
    assert commanded(waiting) is None
    assert decide(waiting, NOW).serving[0].state is ServingState.PLANNED
    assert commanded(a_box("off", engine_devices=None)) is not None


def test_repeats_are_proposed_where_that_is_asked_for_without_a_trial() -> None:
    """Short texts do not repeat: they would show nothing."""
    asked = started(a_box("ngram"))
    spec = asked.children[TARGET.id].spec
    assert way(spec) == ("ngram", "", False)
    assert to_measure(spec, asked) is None
    assert standing(TARGET, asked, spec) is Standing.USED


def test_an_engine_without_a_helper_is_not_measured() -> None:
    """Most start without anything of all this."""
    plain = started(a_box("off"))
    assert to_measure(plain.children[TARGET.id].spec, plain) is None
    assert standing(TARGET, plain, None) is Standing.NOT_WANTED
    lonely = make_snapshot(models=(TARGET,)).library
    for wish, expected in (("auto", Standing.NOT_WANTED), (DRAFT.id, Standing.NONE_THERE)):
        assert standing(TARGET, replace(a_box(wish), library=lonely), None) is expected


def test_a_helper_that_is_not_the_one_that_is_wished_any_more_is_not_measured() -> None:
    """The wish changed while it loaded: that engine is about to be replaced."""
    together = started(tried(started(a_box()), Speed(100.0)))
    spec = together.children[TARGET.id].spec
    assert to_measure(spec, replace(together, settings=a_box("off").settings)) is None


def test_a_trial_belongs_to_what_was_measured() -> None:
    """One half of another pair is worth nothing."""
    other = DraftTrial("another pair", "another machine", Speed(1.0), Speed(9.0))
    asked = started(a_box(draft_trials={TARGET.id: other}))
    known = to_measure(asked.children[TARGET.id].spec, asked)
    assert known is not None
    assert (known.alone, known.helped) == (None, None)


def test_a_model_with_eyes_is_left_alone() -> None:
    """The engine's ways of drafting are for text."""
    sees = replace(TARGET, projector="/models/eyes.gguf")
    assert engine_spec(sees, a_box()).drafting == ""


def test_a_helper_that_turns_up_does_not_end_an_engine_that_answers() -> None:
    """It is tried when the model is loaded next; one that the owner names is tried at once."""
    lonely = ready(started(replace(a_box("off"))))
    for draft, expected in (("auto", None), (DRAFT.id, ("", "", True))):
        later = replace(lonely, settings=a_box(draft).settings)
        assert way(commanded(later)) == expected
