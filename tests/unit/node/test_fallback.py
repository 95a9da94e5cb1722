"""An engine that does not get ready is tried with less."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.models.types import Capability, Claim, Level, Profile
from appliance.node.commands import RunEngine
from appliance.node.decide import Decision, decide
from appliance.node.events import ChildReported, RetryAsked
from appliance.node.failure import Failure
from appliance.node.issues import Fix
from appliance.node.reduce import reduce
from appliance.node.snapshot import Child, ChildState, EngineSpec, Snapshot
from appliance.settings.schema import ModelSettings
from tests.builders import MODEL_ID, make_model, make_snapshot

NOW = 1000.0
CRASH = Failure("crashed", "The engine ended with exit code 1.", ("failed to load",))
SEES = Claim(Capability.VISION, Level.SURE, "the projector beside it")
PROFILE = Profile("llama", 1024, make_model().abilities, claims=(SEES,))
EYES = "/models/eyes.gguf"


def seeing() -> Snapshot:
    return make_snapshot(models=(make_model(projector=EYES, profile=PROFILE),))


def drafting() -> Snapshot:
    base = make_snapshot()
    serving = base.settings.serving.model_copy(update={"per_model": {MODEL_ID: ModelSettings(draft="ngram")}})
    return replace(base, settings=base.settings.model_copy(update={"serving": serving}))


def wanted(snapshot: Snapshot) -> EngineSpec:
    (command,) = decide(snapshot, NOW).commands
    assert isinstance(command, RunEngine)
    return command.spec


def reported(snapshot: Snapshot, spec: EngineSpec, state: ChildState, **fields: object) -> Snapshot:
    child = replace(Child(spec, state, since=NOW), **fields)  # type: ignore[arg-type]
    return reduce(snapshot, ChildReported(child))


def failed(snapshot: Snapshot, failure: Failure = CRASH) -> Snapshot:
    return reported(snapshot, wanted(snapshot), ChildState.FAILED, failure=failure)


def answering(snapshot: Snapshot) -> tuple[Snapshot, Decision]:
    after = reported(snapshot, wanted(snapshot), ChildState.READY, answer_ms=5.0)
    return after, decide(after, NOW)


def test_a_model_whose_projector_fails_is_served_without() -> None:
    """As a model for text, until somebody asks to try again with everything."""
    blind, decision = answering(failed(seeing()))
    assert blind.children[MODEL_ID].spec.projector == ""
    assert decision.commands == ()
    assert decision.routes.routes[MODEL_ID].modalities == ("text",)
    (issue,) = decision.issues
    assert (issue.id, issue.details) == (f"helper_left_out:{MODEL_ID}", CRASH.log_tail)
    assert issue.fix == Fix("Try again with everything", "retry_model", MODEL_ID)
    assert EYES in issue.meaning
    again = reduce(blind, RetryAsked(MODEL_ID))
    assert wanted(again).projector == EYES
    _, seen = answering(again)
    assert (seen.issues, seen.routes.routes[MODEL_ID].modalities) == ((), ("text", "image"))


def test_what_drafts_goes_first() -> None:
    """A model may do without it without losing anything but time."""
    plain, decision = answering(failed(drafting()))
    assert plain.children[MODEL_ID].spec.drafting == ""
    (issue,) = decision.issues
    assert issue.title == f"{MODEL_ID} runs without drafting"
    assert wanted(reduce(plain, RetryAsked(MODEL_ID))).drafting == "ngram"


def test_then_the_projector() -> None:
    """Both are left out when it fails without the first as well."""
    spec = replace(wanted(seeing()), drafting="model", draft="/models/draft.gguf")
    once = reported(seeing(), spec, ChildState.FAILED, failure=CRASH)
    assert (once.left_out[MODEL_ID].helper, once.left_out[MODEL_ID].projector) == ("/models/draft.gguf", "")
    twice = failed(once)
    assert (twice.left_out[MODEL_ID].helper, twice.left_out[MODEL_ID].projector) == ("/models/draft.gguf", EYES)


def test_told_twice_it_is_the_same() -> None:
    """An engine's end is reported more than once; nothing further is taken away for it."""
    spec = replace(wanted(seeing()), drafting="ngram")
    once = reported(seeing(), spec, ChildState.FAILED, failure=CRASH)
    assert reported(once, spec, ChildState.FAILED, failure=CRASH).left_out == once.left_out


@pytest.mark.parametrize(
    ("state", "fields"),
    [
        (ChildState.FAILED, {"failure": CRASH, "answer_ms": 5.0}),  # it was ready before
        (ChildState.FAILED, {"failure": Failure("engine_missing", "No such file.")}),
        (ChildState.FAILED, {"failure": Failure("crashed", "x", ("srv start: couldn't bind HTTP server socket",))}),
        (ChildState.STARTING, {"failure": CRASH}),
        (ChildState.STOPPED, {}),
    ],
)
def test_other_troubles_take_nothing_away(state: ChildState, fields: dict[str, object]) -> None:
    """An engine that did run with everything ended for another reason."""
    assert reported(seeing(), wanted(seeing()), state, **fields).left_out == {}


def test_without_anything_to_leave_out_it_is_an_ordinary_failure() -> None:
    """Its card says so."""
    plain = failed(make_snapshot())
    assert plain.left_out == {}
    assert [issue.id for issue in decide(plain, NOW).issues] == [f"model_failed:{MODEL_ID}"]


def test_no_card_while_it_does_not_answer() -> None:
    """What keeps it from running at all is told first."""
    assert [issue.id for issue in decide(failed(seeing()), NOW).issues] == []
    still = reported(failed(seeing()), wanted(failed(seeing())), ChildState.FAILED, failure=CRASH)
    assert [issue.id for issue in decide(still, NOW).issues] == [f"model_failed:{MODEL_ID}"]
