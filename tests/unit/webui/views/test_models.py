"""What is served and what lies on the disk, as rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.models.keepers import Keeper
from appliance.models.types import Capability, Claim, Level, Model, Profile
from appliance.node.decide import decide
from appliance.node.failure import Failure
from appliance.node.jobs import Job, JobKind, JobState
from appliance.node.snapshot import ChildState, Phase, Snapshot
from appliance.run_loop import Outlook
from tests.builders import INVENTORY, MODEL_ID, make_child, make_model, make_snapshot, with_child
from webui.views.models import LibraryRows, element_of, model_facts, models_view
from webui.views.origins import Books


def outlook(snapshot: Snapshot) -> Outlook:
    return Outlook(1, snapshot, decide(snapshot, 0.0))


@pytest.mark.parametrize(
    ("state", "fields", "buttons"),
    [
        (ChildState.READY, {}, (True, False, False, "Unload")),
        (ChildState.STARTING, {"phase": Phase.LOADING}, (False, False, False, "Cancel")),
        (ChildState.FAILED, {"failure": Failure("crash_loop", "again")}, (False, False, True, "Unload")),
    ],
)
def test_a_served_model_offers_what_can_be_done_with_it(
    state: ChildState, fields: dict[str, Any], buttons: tuple[bool, bool, bool, str]
) -> None:
    """Sleep, wake, try again, and what taking it away is called."""
    snapshot = make_snapshot()
    (row,) = models_view(outlook(with_child(snapshot, make_child(snapshot, state=state, **fields)))).served
    assert (row.can_sleep, row.can_wake, row.can_retry, row.unload) == buttons


def test_a_sleeping_model_can_be_woken() -> None:
    """And not put to sleep again."""
    (row,) = models_view(outlook(make_snapshot(asleep=frozenset({MODEL_ID})))).served
    assert (row.card.state, row.can_wake, row.can_sleep) == ("asleep", True, False)


def test_only_what_is_not_served_can_be_loaded() -> None:
    """One row a model, whether served or not."""
    snapshot = make_snapshot(models=(make_model(), make_model("other")))
    view = models_view(outlook(snapshot))
    assert [(row.id, row.served) for row in view.library] == [(MODEL_ID, True), ("other", False)]
    assert view.loadable == {"other"}


def test_a_name_that_means_nothing_has_no_page() -> None:
    """What was wished for and is not there is shown without a link."""
    (row,) = models_view(outlook(make_snapshot(wanted=("ghost",)))).served
    assert (row.card.name, row.known) == ("ghost", False)


def test_a_folder_that_was_not_looked_through_yet_is_not_called_empty() -> None:
    """The first second of a box."""
    assert models_view(outlook(replace(make_snapshot(), library=None))).looking


def test_elements_are_named_alike_whatever_the_model_is_called() -> None:
    """Ids of elements hold nothing that a selector or an attribute could trip over."""
    for name in ('a" onclick="x', "ü\u202e", "\ud800", "a b#c"):
        assert element_of(name).removeprefix("m-").isalnum()
    assert element_of("a") != element_of("b")


def test_a_model_with_a_projector_says_what_it_takes() -> None:
    """As far as that is sure; without the projector it takes text only."""
    sees = Claim(Capability.VISION, Level.SURE, "the projector beside it")
    profile = Profile("llama", 1024, make_model().abilities, claims=(sees,))
    with_eyes = make_model(projector="/models/eyes.gguf", profile=profile)
    said = [dict(model_facts(model))["Good for"] for model in (with_eyes, make_model(profile=profile))]
    assert said == ["chat, text completion, pictures", "chat, text completion"]


@pytest.mark.parametrize(
    ("facts", "source", "words", "owner", "deletable"),
    [
        ({"keeper": Keeper.OLLAMA}, None, "Ollama", "Ollama", False),
        ({}, None, "your models folder", None, False),
        ({}, "org/repo", "org/repo", None, True),
        ({}, "upload", "an upload", None, True),
        ({"keeper": Keeper.LM_STUDIO}, "org/repo", "org/repo", None, True),
        ({"bundled": True}, None, "Meshbox itself", None, False),
    ],
)
def test_a_model_says_whose_it_is(
    facts: dict[str, Any], source: str | None, words: str, owner: str | None, deletable: bool
) -> None:
    """Only what the box fetched itself can be deleted."""
    snapshot = make_snapshot(models=(replace(make_model(), **facts),))
    (row,) = models_view(outlook(snapshot), LibraryRows(Books(source=lambda _: source))).library
    assert ("From", words) in row.facts
    assert (row.owner, row.deletable) == (owner, deletable)


def test_further_names_are_shown() -> None:
    """A few of them are enough."""
    snapshot = make_snapshot(models=(replace(make_model(), also=tuple("abcdefgh")),))
    (row,) = models_view(outlook(snapshot)).library
    assert ("Also called", "a, b, c, d, e, f") in row.facts


def test_when_a_model_was_last_used_is_shown_unless_it_is_in_use() -> None:
    """While it is served, that is now."""
    snapshot = make_snapshot(models=(make_model(), make_model("other")))
    rows = models_view(outlook(snapshot), LibraryRows(Books(last_used=lambda _: 0.0))).library
    assert [row.used.plain if row.used else None for row in rows] == [None, "1970-01-01 00:00:00"]


def test_a_download_has_no_model_judged_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred models are judged once; then only when the box changes, and what was used is told all the same."""
    judged, used = list[str](), dict[str, float]()

    def judge(model: Model, _snapshot: object) -> None:
        judged.append(model.id)

    monkeypatch.setattr("webui.views.models.verdict_of", judge)
    many = tuple(make_model(f"model-{number}", path=f"/models/{number}.gguf") for number in range(200))
    snapshot, rows = make_snapshot(models=many, wanted=()), LibraryRows(Books(last_used=used.get))
    models_view(outlook(snapshot), rows)
    assert len(judged) == 200
    job = Job("1", JobKind.DOWNLOAD, "org/repo", JobState.RUNNING, 0.0)
    first = models_view(outlook(replace(snapshot, jobs={"1": job})), rows).library
    assert len(judged) == 200
    used["model-7"] = 1.0
    second = models_view(outlook(snapshot), rows).library
    assert (judged[200:], second[7].used is None, second[8] is first[8]) == (["model-7"], False, True)
    models_view(outlook(replace(snapshot, inventory=replace(INVENTORY))), rows)
    assert len(judged) == 401
