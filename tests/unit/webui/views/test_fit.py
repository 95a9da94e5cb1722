"""Verdicts and plans in words."""

from __future__ import annotations

from dataclasses import replace

from appliance.hardware.types import Memory
from tests.builders import INVENTORY, make_model, make_snapshot
from webui.views.fit import plan_cards, verdict_of, verdict_of_size

GIB = 1 << 30


def test_a_model_beyond_the_memory_is_called_too_big_and_why() -> None:
    """A number for what it needs, a number for what there is."""
    verdict = verdict_of(make_model(size=500 * GIB), make_snapshot())
    assert (verdict.tone, verdict.text) == ("bad", "too big")
    assert "GiB" in verdict.why


def test_a_small_model_fits() -> None:
    """In green."""
    assert verdict_of(make_model(size=GIB), make_snapshot()).tone == "good"


def test_nothing_is_said_of_what_is_not_known() -> None:
    """No size, no hardware, no verdict."""
    assert verdict_of_size(None, make_snapshot()) is None
    assert verdict_of_size(GIB, make_snapshot(inventory=None)) is None


def test_every_way_to_run_it_is_named_with_its_reason() -> None:
    """Also those that are not possible."""
    snapshot = make_snapshot(inventory=replace(INVENTORY, memory=Memory(64 * GIB, 60 * GIB)))
    cards = plan_cards(make_model(size=GIB), snapshot)
    assert {card.title for card in cards} == {"On this box", "Split over several boxes", "Its experts shared out"}
    assert all(card.verdict.why for card in cards)
