"""Boxes that start models by themselves, in a simulated mesh."""

from __future__ import annotations

import msgspec

from appliance.mesh.membership.facts import Facts, MemoryFact, ModelFact
from appliance.mesh.membership.promotion import LISTED_ONLY, Memory, NodeView, decide_promotions, view_of
from tests.sim.world import Box, World

LOADS = 3.0  # seconds from the decision until it serves
EVERY = 0.5


class Promoting:
    def __init__(self, world: World) -> None:
        self.world = world
        self.moves: list[tuple[float, str, str]] = []
        self._memories: dict[str, Memory] = {}

    def begin(self, box: Box) -> None:
        self._round(box)

    def serving(self, model: str) -> list[str]:
        return [box.id for box in self.world.running() if self._state(box, model) == "ready"]

    def _round(self, box: Box) -> None:
        if not box.up or self.world.boxes[box.id] is not box:
            return
        machine, now = box.member, self.world.local(box)
        memory = self._memories.get(box.id, Memory())
        view = view_of(own_view(box.id, facts(box)), machine.members, machine.demand.all(now))
        moves, self._memories[box.id] = decide_promotions(box.id, view, memory, now)
        for move in moves:
            self.moves.append((self.world.now, box.id, move.model))
            self._set(box, move.model, "loading")
            self.world.at(self.world.now + LOADS, self._set, box, move.model, "ready")
        self.world.at(self.world.now + EVERY, self._round, box)

    def _set(self, box: Box, model: str, state: str) -> None:
        if box.up:
            models = tuple(
                msgspec.structs.replace(one, state=state) if one.id == model else one for one in facts(box).models
            )
            self.world.describe(box.id, msgspec.structs.replace(facts(box), models=models))

    def _state(self, box: Box, model: str) -> str | None:
        return next((one.state for one in facts(box).models if one.id == model), None)


def facts(box: Box) -> Facts:
    return box.member._parts.own._facts


def own_view(node: str, told: Facts) -> NodeView:
    serves = {model.id: model.state for model in told.models if model.state != LISTED_ONLY}
    free = told.memory.total - told.memory.used
    fits = frozenset(m.id for m in told.models if m.state == LISTED_ONLY and 0 < m.need <= free)
    return NodeView(node, serves, fits)


def shelf(name: str, **states: str) -> Facts:
    """A box with these models, and room for each."""
    models = tuple(ModelFact(model, state, need=10) for model, state in states.items())
    return Facts(name=name, memory=MemoryFact(100, 0), models=models)
