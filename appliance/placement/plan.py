"""Every way in which a model could be run on the boxes there are, each with what speaks for or against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from appliance.models.types import Profile
from appliance.placement.fit import Code, Fit, Verdict, fit_at
from appliance.placement.needs import Needs, Wish, needs
from appliance.placement.packing import Place
from appliance.placement.pipeline import Pipeline, pipeline
from appliance.placement.room import Device, NodeResources
from appliance.placement.speed import Prediction, predict
from appliance.placement.words import sentence, size

SOLO, PIPELINE, EXPERTS = "solo", "pipeline", "experts"
KINDS = (SOLO, PIPELINE, EXPERTS)
ONE_BOX = "There is only one box in this mesh."


@dataclass(frozen=True, slots=True)
class PlanNode:
    id: str
    share: float
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    kind: str
    nodes: tuple[PlanNode, ...]
    fits: bool
    context: int
    needs: Needs
    verdict: Verdict
    place: Place | None = None
    devices: tuple[str, ...] = ()
    predicted: Prediction | None = None
    why_not: str | None = None


def plans(profile: Profile, wish: Wish, nodes: tuple[NodeResources, ...], kind: str | None = None) -> tuple[Plan, ...]:
    """The best first: what fits before what does not, GPUs before processors, few devices before many."""
    found: list[Plan] = []
    if kind in {None, SOLO}:
        found += sorted((p for node in nodes for p in _solo(profile, wish, node)), key=_rank)
    if kind in {None, PIPELINE}:
        found.append(_pipeline(profile, wish, nodes))
    if kind in {None, EXPERTS}:
        found.append(_experts(profile, wish, nodes))
    return tuple(sorted(found, key=lambda plan: not plan.fits))


def _rank(plan: Plan) -> tuple[bool, int, bool, int, int]:
    """A shorter context on one GPU comes after the whole one on several."""
    order = list(Place).index(plan.place) if plan.place else len(Place)
    shorter = plan.verdict.context < plan.verdict.full_context
    return not plan.fits, order, shorter, len(plan.devices), -plan.context


def _solo(profile: Profile, wish: Wish, node: NodeResources) -> Iterator[Plan]:
    """More GPUs, or GPU and processor together, only as long as fewer do not give all that was asked for."""
    whole = False
    for gpus in _gpu_sets(node):
        plan = _solo_plan(profile, wish, replace(node, gpus=gpus), Place.GPU)
        yield plan
        if whole := plan.fits and plan.context == plan.verdict.full_context:
            break
    if node.gpu_room and not node.unified and not whole:
        yield _solo_plan(profile, wish, node, Place.MIXED)
    yield _solo_plan(profile, wish, node, Place.PROCESSOR)


def _gpu_sets(node: NodeResources) -> Iterator[tuple[Device, ...]]:
    """The roomiest GPU, the two roomiest, and so on; in the order of the inventory."""
    roomiest = sorted((gpu for gpu in node.gpus if gpu.room), key=lambda gpu: -gpu.room)
    for count in range(1, len(roomiest) + 1):
        chosen = roomiest[:count]
        yield tuple(gpu for gpu in node.gpus if gpu in chosen)


def _solo_plan(profile: Profile, wish: Wish, node: NodeResources, place: Place) -> Plan:
    found = fit_at(profile, wish, node, place)
    devices = () if place is Place.PROCESSOR else tuple(gpu.id for gpu in node.gpus)
    return Plan(
        kind=SOLO,
        nodes=(PlanNode(node.id, 1.0, _solo_reason(found, node)),),
        fits=found.fits,
        context=found.context,
        needs=found.needs,
        verdict=found.verdict,
        place=place,
        devices=devices,
        predicted=predict(found.placed) if found.fits else None,
        why_not=None if found.fits else sentence(found.verdict),
    )


def _solo_reason(found: Fit, node: NodeResources) -> str:
    match found.place:
        case Place.GPU if len(node.gpus) == 1:
            return f"All of it on {node.gpus[0].name}."
        case Place.GPU:
            return f"All of it, spread over {len(node.gpus)} GPUs of this box."
        case Place.MIXED:
            return f"{found.verdict.gpu_share:.0%} of it on the GPU, the rest in the machine's memory."
        case Place.PROCESSOR:
            return "All of it in the machine's memory, computed by the processor."


def _pipeline(profile: Profile, wish: Wish, nodes: tuple[NodeResources, ...]) -> Plan:
    if len(nodes) < 2:
        return _impossible(PIPELINE, profile, wish, nodes, ONE_BOX)
    found = pipeline(profile, wish, nodes)
    predicted = predict(found.layout.placed, len(found.stages), found.rtt_ms) if found.fits else None
    return Plan(
        kind=PIPELINE,
        nodes=tuple(_stage(found, node) for node in nodes),
        fits=found.fits,
        context=found.context,
        needs=needs(profile, found.context, wish.slots, wish.kv),
        verdict=found.verdict,
        predicted=predicted,
        why_not=None if found.fits else sentence(found.verdict),
    )


def _stage(found: Pipeline, node: NodeResources) -> PlanNode:
    if node.id in found.left_out:
        return PlanNode(node.id, 0.0, found.left_out[node.id])
    host = "It leads, having the most room: " if node.id == found.stages[0].id else "It takes "
    share = found.share(node)
    return PlanNode(node.id, share, f"{host}{share:.0%} of the layers, in {size(node.gpu_room)}.")


def _experts(profile: Profile, wish: Wish, nodes: tuple[NodeResources, ...]) -> Plan:
    if profile.experts is None:
        return _impossible(EXPERTS, profile, wish, nodes, "This model has no experts to share out.")
    if len(nodes) < 2:
        return _impossible(EXPERTS, profile, wish, nodes, ONE_BOX)
    weights = profile.weights
    half = replace(profile, weights=replace(weights, experts=tuple(size // 2 for size in weights.experts)))
    found = [(node, fit_at(half, wish, node, Place.GPU if node.gpu_room else Place.PROCESSOR)) for node in nodes]
    able = [(node, one) for node, one in found if one.fits]
    if len(able) < 2:
        why = "Fewer than two boxes have room for everything but the experts, and half of those."
        return _impossible(EXPERTS, profile, wish, nodes, why)
    smallest = min((one for _, one in able), key=lambda one: one.context)
    return Plan(
        kind=EXPERTS,
        nodes=tuple(PlanNode(node.id, *_shard(one, len(able))) for node, one in found),
        fits=True,
        context=smallest.context,
        needs=smallest.needs,
        verdict=smallest.verdict,
        predicted=predict(smallest.placed),
    )


def _shard(found: Fit, boxes: int) -> tuple[float, str]:
    if not found.fits:
        return 0.0, "It has too little room for everything but the experts, and half of those."
    return 1 / boxes, "It runs everything but the experts, the most used experts, and its share of the others."


def _impossible(kind: str, profile: Profile, wish: Wish, nodes: tuple[NodeResources, ...], why: str) -> Plan:
    context = wish.context or profile.context_length
    return Plan(
        kind=kind,
        nodes=tuple(PlanNode(node.id, 0.0, why) for node in nodes),
        fits=False,
        context=0,
        needs=needs(profile, context, wish.slots, wish.kv),
        verdict=Verdict(Code.NOT_POSSIBLE),
        why_not=why,
    )
