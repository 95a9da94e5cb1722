"""Every way of running a model, with reasons."""

from __future__ import annotations

from dataclasses import replace

from appliance.placement.fit import Code
from appliance.placement.needs import Wish
from appliance.placement.packing import Place
from appliance.placement.plan import EXPERTS, ONE_BOX, PIPELINE, SOLO, Plan, PlanNode, plans
from appliance.placement.room import PROCESSOR, Known, NodeResources
from tests.unit.placement.values import box, gpu, published

LLAMA = published("Llama-3.1-8B")
MOE = published("Qwen3-30B-A3B")


def ways(found: tuple[Plan, ...]) -> list[tuple[str, Place | None, tuple[str, ...], bool]]:
    return [(plan.kind, plan.place, plan.devices, plan.fits) for plan in found]


def named(node: NodeResources, name: str, rtt_ms: float | None = None) -> NodeResources:
    return replace(node, id=name, name=name.title(), rtt_ms=rtt_ms)


def test_the_whole_on_one_gpu_comes_first() -> None:
    """Nothing more than that one is proposed beside the processor; one box cannot share anything out."""
    found = plans(LLAMA, Wish(8192), (box(gpu(0, total=24), gpu(1, total=12)),))
    assert ways(found) == [
        (SOLO, Place.GPU, ("pci:0",), True),
        (SOLO, Place.PROCESSOR, (), True),
        (PIPELINE, None, (), False),
        (EXPERTS, None, (), False),
    ]
    assert found[0].nodes == (PlanNode("box", 1.0, "All of it on Card 0."),)
    assert found[2].why_not == ONE_BOX


def test_more_gpus_are_proposed_when_one_is_not_enough() -> None:
    """The whole context on two comes before a shorter one on the first alone."""
    found = plans(LLAMA, Wish(), (box(gpu(0, total=12), gpu(1, total=24)),), SOLO)
    assert ways(found) == [
        (SOLO, Place.GPU, ("pci:0", "pci:1"), True),
        (SOLO, Place.GPU, ("pci:1",), True),
        (SOLO, Place.PROCESSOR, (), True),
    ]
    assert found[0].context > found[1].context


def test_what_does_not_fit_comes_last_and_says_why() -> None:
    """With what it would take."""
    found = plans(published("Llama-3.3-70B"), Wish(4096), (box(gpu(total=24)),), SOLO)
    assert ways(found) == [
        (SOLO, Place.MIXED, ("pci:0",), True),
        (SOLO, Place.GPU, ("pci:0",), False),
        (SOLO, Place.PROCESSOR, (), False),
    ]
    assert found[1].why_not == "Does not fit: it needs 71 GiB, and there is room for 23 GiB."
    assert found[1].needs.total == sum((found[1].needs.weights, found[1].needs.kv, found[1].needs.compute))


def test_speed_is_told_only_where_memory_was_measured() -> None:
    """Tokens a second from the bandwidth; without a measurement there is no number."""
    node = box(gpu(total=24), known=Known(bandwidth={"pci:0": 1e12}))
    on_gpu, on_processor = plans(LLAMA, Wish(8192), (node,), SOLO)
    assert on_gpu.predicted is not None
    assert on_gpu.predicted.tokens_per_s is not None
    assert 100 < on_gpu.predicted.tokens_per_s < 140
    assert on_gpu.predicted.ttft_ms is None
    assert on_processor.predicted is None


def test_of_experts_only_the_used_ones_are_read() -> None:
    """A model of 30 billion that uses 3 is as fast as one of 3."""
    node = box(total=64, available=60, known=Known(bandwidth={PROCESSOR: 50e9}))
    (plan,) = plans(MOE, Wish(8192), (node,), SOLO)
    assert plan.predicted is not None
    assert plan.predicted.tokens_per_s is not None
    assert 12 < plan.predicted.tokens_per_s < 18


def test_a_model_without_experts_cannot_share_them_out() -> None:
    """However many boxes there are."""
    nodes = (box(gpu()), named(box(gpu()), "other", 1.0))
    (plan,) = plans(LLAMA, Wish(8192), nodes, EXPERTS)
    assert (plan.fits, plan.verdict.code) == (False, Code.NOT_POSSIBLE)
    assert plan.why_not == "This model has no experts to share out."


def test_experts_are_shared_out_among_boxes_with_room_for_half() -> None:
    """A box without it is left out, and says why."""
    nodes = (
        named(box(gpu(total=24)), "a"),
        named(box(gpu(total=24)), "b", 1.0),
        named(box(gpu(total=8)), "c", 1.0),
    )
    (plan,) = plans(MOE, Wish(8192), nodes, EXPERTS)
    assert plan.fits
    assert [(node.id, node.share) for node in plan.nodes] == [("a", 0.5), ("b", 0.5), ("c", 0.0)]


def test_experts_need_two_boxes_with_room() -> None:
    """Else it is no sharing."""
    nodes = (named(box(gpu(total=24)), "a"), named(box(gpu(total=8)), "b", 1.0))
    (plan,) = plans(MOE, Wish(8192), nodes, EXPERTS)
    assert not plan.fits
    assert plan.why_not is not None
    assert plan.why_not.startswith("Fewer than two boxes have room")


def test_one_kind_can_be_asked_for() -> None:
    """And nothing else is answered."""
    assert {plan.kind for plan in plans(LLAMA, Wish(), (box(gpu()),), PIPELINE)} == {PIPELINE}
