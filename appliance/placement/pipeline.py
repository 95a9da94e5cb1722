"""A model whose layers lie on several boxes: the one with the most room leads, near ones follow while needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from appliance.models.types import Profile
from appliance.placement.fit import Code, Verdict, fit_at
from appliance.placement.needs import Wish
from appliance.placement.packing import Layout, Place, lay_out
from appliance.placement.room import NodeResources

FARTHEST_MS = 80.0  # beyond it each token waits longer for the network than anyone reads


@dataclass(frozen=True, slots=True)
class Pipeline:
    stages: tuple[NodeResources, ...]  # the leading one first
    left_out: Mapping[str, str]  # why, by node
    context: int
    layout: Layout
    verdict: Verdict

    @property
    def fits(self) -> bool:
        return self.layout.fits

    @property
    def rtt_ms(self) -> float:
        return max((node.rtt_ms or 0.0 for node in self.stages), default=0.0)

    def share(self, node: NodeResources) -> float:
        room = sum(stage.gpu_room for stage in self.stages)
        return node.gpu_room / room if room else 0.0


def pipeline(profile: Profile, wish: Wish, nodes: tuple[NodeResources, ...]) -> Pipeline:
    """`nodes` are at least two."""
    host = max(nodes, key=lambda node: node.gpu_room)
    left_out = {node.id: why for node in nodes if node is not host and (why := _unfit(node)) is not None}
    peers = sorted((n for n in nodes if n is not host and n.id not in left_out), key=lambda n: n.rtt_ms or 0.0)
    stages = [host]
    found = _try(profile, wish, stages)
    while peers and (len(stages) < 2 or not found.fits):
        stages.append(peers.pop(0))
        found = _try(profile, wish, stages)
    unused = {node.id: "It is not needed: the others have room enough." for node in peers}
    return replace(found, left_out=left_out | unused)


def _unfit(node: NodeResources) -> str | None:
    if not node.gpu_room:
        return "It has no GPU with room for layers."
    if node.rtt_ms is not None and node.rtt_ms > FARTHEST_MS:
        return f"It is too far away: {node.rtt_ms:.0f} ms for each question and answer, {FARTHEST_MS:.0f} ms at most."
    return None


def _try(profile: Profile, wish: Wish, stages: list[NodeResources]) -> Pipeline:
    """As if all their GPUs were in one box; the host holds what lies in memory."""
    together = replace(stages[0], gpus=tuple(gpu for node in stages for gpu in node.gpus), unified=False)
    found = fit_at(profile, wish, together, Place.GPU)
    layout = lay_out(profile, replace(wish, context=found.context), together, Place.GPU)
    verdict = found.verdict
    if len(stages) < 2:
        layout, verdict = replace(layout, fits=False), Verdict(Code.NOT_POSSIBLE)
    return Pipeline(tuple(stages), {}, found.context, layout, verdict)
