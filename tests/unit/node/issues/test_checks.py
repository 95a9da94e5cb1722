"""Every known trouble: when it shows, and that it says what to do."""

from __future__ import annotations

import pytest

from appliance.models.keepers import Keeper
from appliance.models.types import BrokenFile, Library
from appliance.node.decide import decide
from appliance.node.failure import Failure
from appliance.node.issues import Fix, Issue
from appliance.node.snapshot import ChildState, Snapshot, TroubleKind
from tests.builders import MODEL_ID, make_child, make_model, make_snapshot, with_child


def issues(snapshot: Snapshot) -> tuple[Issue, ...]:
    return decide(snapshot, 0.0).issues


def failing() -> Snapshot:
    snapshot = make_snapshot()
    failure = Failure("crash_loop", "The engine ended by SIGSEGV.", ("last words",))
    return with_child(snapshot, make_child(snapshot, state=ChildState.FAILED, failure=failure))


def test_a_healthy_box_has_no_issue() -> None:
    """Nothing is shown when there is nothing to do."""
    snapshot = make_snapshot()
    assert issues(with_child(snapshot, make_child(snapshot))) == ()


@pytest.mark.parametrize("kind", list(TroubleKind))
def test_every_reported_trouble_has_its_card(kind: TroubleKind) -> None:
    """What an adapter reports reaches the page, with its details."""
    found = issues(make_snapshot(wanted=(), troubles={kind: "the detail"}))
    assert [(issue.id, issue.details) for issue in found] == [(kind.value, ("the detail",))]


@pytest.mark.parametrize(
    "snapshot",
    [
        *(make_snapshot(troubles={kind: "x"}) for kind in TroubleKind),
        make_snapshot(wanted=("nothing",)),
        make_snapshot(
            library=Library(broken=(BrokenFile("half", "/half.gguf", "It is cut short."),)), wanted=("half",)
        ),
        failing(),
    ],
)
def test_every_card_says_what_happened_what_it_means_and_what_to_do(snapshot: Snapshot) -> None:
    """No card leaves a person alone."""
    for issue in issues(snapshot):
        assert issue.title
        assert issue.meaning.endswith(".")
        assert issue.advice.endswith(".")


def test_a_missing_model_names_the_nearest() -> None:
    """A slip of the keyboard is easy to mend."""
    (issue,) = issues(make_snapshot(wanted=("mesh-tiny-dens",)))
    assert issue.id == "model_missing:mesh-tiny-dens"
    assert MODEL_ID in issue.advice


def test_a_damaged_file_of_another_program_is_mended_there() -> None:
    """The card says whose it is."""
    broken = BrokenFile("half", "/half", "It is cut short.", Keeper.OLLAMA)
    (issue,) = issues(make_snapshot(library=Library(broken=(broken,)), wanted=()))
    assert "It belongs to Ollama" in issue.advice


def test_what_is_not_for_the_engine_is_no_trouble() -> None:
    """Nothing is wrong with it and nothing can be mended."""
    foreign = BrokenFile("apple", "/apple", "It is kept as safetensors.", Keeper.OLLAMA, foreign=True)
    assert issues(make_snapshot(library=Library(broken=(foreign,)), wanted=())) == ()


def test_a_failing_engine_shows_its_last_words_and_a_button() -> None:
    """The log is at hand and a person can try again at once."""
    (issue,) = issues(failing())
    assert issue.details == ("last words",)
    assert issue.fix == Fix("Try again now", "retry_model", MODEL_ID)


def test_an_engine_that_recovered_is_no_issue() -> None:
    """Old failures do not linger."""
    snapshot = make_snapshot()
    child = make_child(snapshot, failure=Failure("crashed", "x"), restarts=1)
    assert issues(with_child(snapshot, child)) == ()


def test_two_models_fail_with_two_cards() -> None:
    """Each trouble has an id of its own."""
    models = (make_model("a"), make_model("b"))
    snapshot = make_snapshot(wanted=("a", "b"), models=models)
    for model_id in ("a", "b"):
        child = make_child(snapshot, model_id, state=ChildState.FAILED, failure=Failure("crashed", "x"))
        snapshot = with_child(snapshot, child)
    assert [issue.id for issue in issues(snapshot)] == ["model_failed:a", "model_failed:b"]
