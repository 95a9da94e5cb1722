"""What the chat page offers for what the box knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.models.types import Ability
from appliance.node.decide import decide
from appliance.node.failure import Failure
from appliance.node.snapshot import ChildState, Phase, Snapshot
from appliance.run_loop import Outlook
from tests.builders import MODEL_ID, make_child, make_model, make_snapshot, with_child
from webui.views.chat import Advice, Choice, box_names, chat_view

AUTO = Choice("auto", "Auto: the box chooses", usable=True)


def outlook(snapshot: Snapshot) -> Outlook:
    return Outlook(1, snapshot, decide(snapshot, 0.0))


def ready(snapshot: Snapshot) -> Snapshot:
    return with_child(snapshot, make_child(snapshot))


def test_a_ready_model_is_offered_beside_auto() -> None:
    """No words of advice are needed then."""
    view = chat_view(outlook(ready(make_snapshot())))
    assert view.choices == (AUTO, Choice(MODEL_ID, MODEL_ID, usable=True))
    assert view.advice is None


def test_a_failed_model_is_shown_but_cannot_be_chosen() -> None:
    """The other one still can."""
    view = chat_view(outlook(ready(make_snapshot(wanted=(MODEL_ID, "missing")))))
    assert view.choices == (
        AUTO,
        Choice(MODEL_ID, MODEL_ID, usable=True),
        Choice("missing", "missing (failed)", usable=False),
    )
    assert view.advice is None


@pytest.mark.parametrize(
    ("progress", "begin"),
    [(None, f"{MODEL_ID} is loading. You can ask now"), (0.417, f"{MODEL_ID} is loading (42%). You can ask now")],
)
def test_a_loading_model_can_be_asked_already(progress: float | None, begin: str) -> None:
    """The page says how far it is, and that the answer comes."""
    snapshot = make_snapshot()
    child = make_child(snapshot, state=ChildState.STARTING, phase=Phase.LOADING, progress=progress)
    view = chat_view(outlook(with_child(snapshot, child)))
    assert view.choices[1] == Choice(MODEL_ID, f"{MODEL_ID} (loading)", usable=True)
    assert view.advice is not None
    assert view.advice.text.startswith(begin)
    assert not view.advice.to_models


def test_a_sleeping_model_is_woken_by_the_question() -> None:
    """It can be chosen like a ready one."""
    view = chat_view(outlook(make_snapshot(asleep=frozenset({MODEL_ID}))))
    assert view.choices[1] == Choice(MODEL_ID, f"{MODEL_ID} (asleep)", usable=True)
    assert view.advice is not None
    assert "is asleep" in view.advice.text


def test_when_all_failed_the_reason_and_the_way_out_are_shown() -> None:
    """Nothing can be chosen, not even auto."""
    snapshot = make_snapshot()
    child = make_child(snapshot, state=ChildState.FAILED, failure=Failure("load_failed", "The engine ended."))
    view = chat_view(outlook(with_child(snapshot, child)))
    assert view.choices == (Choice(MODEL_ID, f"{MODEL_ID} (failed)", usable=False),)
    assert view.advice == Advice("bad", f"{MODEL_ID} cannot answer: The engine ended.", to_models=True)


def test_a_box_without_chat_models_leads_to_the_models() -> None:
    """A model that only embeds is not offered."""
    embedder = make_model(abilities=frozenset({Ability.EMBEDDING}))
    view = chat_view(outlook(ready(make_snapshot(models=(embedder,)))))
    assert view.choices == ()
    assert view.advice is not None
    assert view.advice.to_models


def test_a_stopping_box_says_so() -> None:
    """Whatever its models are."""
    view = chat_view(outlook(replace(ready(make_snapshot()), draining=True)))
    assert view.advice is not None
    assert "stopping" in view.advice.text


def test_boxes_are_called_by_name() -> None:
    """This one is among them."""
    snapshot = make_snapshot()
    assert box_names(snapshot) == {"node": snapshot.settings.node.name}
