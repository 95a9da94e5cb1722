"""Whether what drafts for a model finds room beside it: it may neither push a model off its GPU nor cut its context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from appliance.models.drafts import MOST_AHEAD, Way
from appliance.models.types import Library, Model
from appliance.node.admission import Room
from appliance.node.drafting import without_room
from appliance.node.footprint import Bytes, together
from appliance.node.snapshot import EngineSpec, Snapshot
from appliance.placement.fit import profile_of
from appliance.placement.needs import needs, needs_ahead
from appliance.placement.room import Device, NodeResources


def seat_helpers(
    specs: Mapping[str, EngineSpec], held: Sequence[Bytes], snapshot: Snapshot, now: float
) -> Mapping[str, EngineSpec]:
    """Of models that are let in now, with what each was granted: a helper takes what all of them leave."""
    library = snapshot.library
    if library is None or not any(spec.drafting for spec in specs.values()):
        return specs
    room, taken = Room(snapshot, now), [*held, *(dict(spec.claims) for spec in specs.values())]
    seated = dict(specs)
    for name, spec in specs.items():
        model = library.find(name)
        if model is None or not spec.drafting:
            continue
        seat = _seat(spec, room.beside(model, taken))
        size = helper_bytes(model, spec, library)
        if size > seat.room:
            seated[name] = without_room(spec)
            continue
        taken.append({seat.id: size})
        seated[name] = replace(spec, claims=tuple(sorted(together([dict(spec.claims), {seat.id: size}]).items())))
    return seated


def helper_bytes(model: Model, spec: EngineSpec, library: Library) -> int:
    """Its weights, its own context of the same length, and room to compute."""
    context = spec.context or model.context_length
    if spec.drafting == Way.AHEAD:
        return needs_ahead(profile_of(model), context, spec.slots, MOST_AHEAD).total
    draft = next((other for other in library.models if other.path == spec.draft), None)
    return needs(profile_of(draft), context, spec.slots).total if draft else 0


def _seat(spec: EngineSpec, beside: NodeResources) -> Device:
    """On the GPUs of its model, where most is left; else in the machine's memory."""
    claims = dict(spec.claims)
    own = [gpu for gpu in beside.gpus if claims.get(gpu.id)]
    return max(own, key=lambda gpu: gpu.room, default=beside.memory)
