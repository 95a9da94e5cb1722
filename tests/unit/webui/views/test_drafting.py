"""What drafts for a model, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.models.draft_trials import Speed
from appliance.models.types import Library
from appliance.node.decide import decide
from appliance.node.failure import Failure
from appliance.node.left_out import LeftOut
from appliance.node.snapshot import Snapshot
from tests.unit.node.test_drafting import DRAFT, NOW, SLOW, TARGET, USELESS, a_box, ready, started, with_both
from webui.views.drafting import DraftingCard, drafting_card

FAILED = LeftOut(0, Failure("crashed", "It ended."), helper=DRAFT.path)


def card(snapshot: Snapshot) -> DraftingCard | None:
    (entry,) = decide(snapshot, NOW).serving
    return drafting_card(TARGET, snapshot, entry)


def test_nothing_is_said_when_nobody_wants_it() -> None:
    """Most people need not know."""
    assert card(a_box("off")) is None


def test_speeds_and_the_share_that_is_taken_are_shown() -> None:
    """With and without, as they were measured."""
    shown = card(ready(with_both(Speed(150.0, 80, 60))))
    assert shown is not None
    assert (shown.tone, shown.chip) == ("good", "on")
    assert shown.facts == (
        ("Helper", DRAFT.id),
        ("Alone", "100.0 tokens a second"),
        ("With its helper", "150.0 tokens a second"),
        ("Proposals taken", "75%"),
    )


@pytest.mark.parametrize(
    ("snapshot", "chip"),
    [
        (a_box(), "being tried"),
        (with_both(SLOW), "off: not faster"),
        (with_both(USELESS), "off: not faster"),
        (a_box(left_out={TARGET.id: FAILED}), "off: did not start"),
        (a_box(DRAFT.id, library=Library((TARGET,))), "off: nothing suits"),
        (a_box("ngram"), "on"),
    ],
)
def test_each_standing_has_its_words(snapshot: Snapshot, chip: str) -> None:
    """And says why."""
    shown = card(snapshot)
    assert shown is not None
    assert shown.chip == chip
    assert shown.why.endswith(".")


def test_no_room_is_told_of_the_engine_that_runs() -> None:
    """It was settled when that started."""
    snapshot = started(a_box(draft_trials=with_both(Speed(150.0, 80, 60)).draft_trials))
    child = snapshot.children[TARGET.id]
    crowded = replace(child.spec, drafting="", draft="", no_room_for=DRAFT.path)
    shown = card(replace(snapshot, children={TARGET.id: replace(child, spec=crowded)}))
    assert shown is not None
    assert shown.chip == "off: no room"


def test_a_measure_that_failed_is_called_so() -> None:
    """Not a speed of nothing."""
    shown = card(with_both(Speed(0.0)))
    assert shown is not None
    assert ("With its helper", "could not be measured") in shown.facts


def test_a_slower_helper_that_was_named_is_told_so() -> None:
    """Its owner may know better, or think again."""
    named, chosen = card(with_both(SLOW, DRAFT.id)), card(with_both(Speed(150.0, 80, 60)))
    assert named is not None
    assert chosen is not None
    assert "chosen by name" in named.why
    assert "chosen by name" not in chosen.why
    assert named.measured
