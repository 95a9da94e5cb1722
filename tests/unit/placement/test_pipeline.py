"""Layers on several boxes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.placement.needs import Wish
from appliance.placement.pipeline import pipeline
from appliance.placement.plan import PIPELINE, plans
from appliance.placement.room import Known, NodeResources, resources_of
from tests.unit.placement.values import gpu, inventory, published

LARGE = published("Qwen3-32B")  # 32 GiB
LARGER = published("Llama-3.3-70B")


def node(name: str, total: int, rtt_ms: float | None = None, known: Known | None = None) -> NodeResources:
    card = replace(gpu(total=total), id=f"{name}:0") if total else None
    return resources_of(inventory(*([card] if card else [])), name, name.title(), known, rtt_ms)


def test_the_box_with_the_most_room_leads_and_near_ones_follow() -> None:
    """No more of them than are needed."""
    found = pipeline(LARGE, Wish(4096), (node("a", 8), node("b", 24, 9.0), node("c", 24, 2.0), node("d", 24, 5.0)))
    assert found.fits
    assert [stage.id for stage in found.stages] == ["b", "a", "c"]
    assert found.left_out == {"d": "It is not needed: the others have room enough."}


def test_far_boxes_and_those_without_a_gpu_are_left_out() -> None:
    """Each with its reason."""
    found = pipeline(LARGE, Wish(4096), (node("a", 24), node("far", 24, 120.0), node("bare", 0, 1.0)))
    assert not found.fits
    assert "too far away: 120 ms" in found.left_out["far"]
    assert found.left_out["bare"] == "It has no GPU with room for layers."


def test_shares_follow_the_room() -> None:
    """A box with twice the room takes twice the layers."""
    nodes = (node("a", 25), node("b", 13, 2.0))
    (plan,) = plans(LARGE, Wish(4096), nodes, PIPELINE)
    assert plan.fits
    assert [round(part.share, 3) for part in plan.nodes] == [0.667, 0.333]
    assert plan.nodes[0].reason.startswith("It leads")


def test_what_all_together_cannot_hold_says_so() -> None:
    """With the room that there is."""
    (plan,) = plans(LARGER, Wish(4096), (node("a", 24), node("b", 24, 2.0)), PIPELINE)
    assert not plan.fits
    assert plan.why_not == "Does not fit: it needs 72 GiB, and there is room for 46 GiB."


def test_the_network_is_a_part_of_the_prediction() -> None:
    """Each token crosses it."""
    known = Known(bandwidth={"a:0": 1e12, "b:0": 1e12, "cpu": 1e11})
    speeds = []
    for rtt in (0.0, 20.0):
        (plan,) = plans(LARGE, Wish(4096), (node("a", 24, None, known), node("b", 24, rtt, known)), PIPELINE)
        assert plan.predicted is not None
        assert plan.predicted.tokens_per_s is not None
        speeds.append(plan.predicted.tokens_per_s)
    assert 1000 / speeds[1] - 1000 / speeds[0] == pytest.approx(30.0)
