"""Which of the models that shall run may start now, and with how much memory each. Nothing is promised twice.

A model is let in beside others only if it runs there as well as it would alone: on the same kind of device, with a
context that conversations fit into. Who is let in is settled first, with modest contexts; what is left then lengthens
them. An engine that runs is never touched here: it gives way only when somebody waits for another model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache

from appliance.models.types import Model
from appliance.node.devices import places_of
from appliance.node.fitting import resources_in
from appliance.node.footprint import Bytes, together, with_held, without_ours
from appliance.node.snapshot import Snapshot
from appliance.node.wish import prompt_cache_mib
from appliance.placement.fit import Fit, fit, profile_of
from appliance.placement.needs import Wish, padded
from appliance.placement.packing import Place
from appliance.placement.room import MIB, PROCESSOR, NodeResources
from appliance.placement.words import sentence

MODEST = 8192  # tokens


class No(Enum):
    CROWDED = auto()  # it would run if others made room
    TOO_BIG = auto()  # not even alone


@dataclass(frozen=True, slots=True)
class Candidate:
    model: Model
    wish: Wish


@dataclass(frozen=True, slots=True)
class Grant:
    """What an engine is let in for. A context of 0: its own, which fits."""

    context: int
    cache_mib: int
    claims: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    why: No
    text: str


Admissions = dict[str, Grant | Refusal]


class Room:
    """The memory of this box, seen by models that do not run yet."""

    def __init__(self, snapshot: Snapshot, now: float | None) -> None:
        places = places_of(snapshot)
        if places is None:
            raise ValueError("nothing is known about the hardware yet")
        self._snapshot = snapshot
        self._empty = without_ours(snapshot, places, now)

    def beside(self, model: Model, held: Iterable[Bytes]) -> NodeResources:
        return resources_in(with_held(self._empty, together(held)), model, self._snapshot)

    def alone(self, candidate: Candidate) -> Fit:
        return _fit(candidate.model, candidate.wish, self.beside(candidate.model, ()))

    def modest(self, candidate: Candidate, held: Sequence[Bytes]) -> Fit | None:
        """How it runs beside what is held, with a modest context; None when that is worse than alone."""
        alone = self.alone(candidate)
        found = _fit(candidate.model, _modest(candidate, alone), self.beside(candidate.model, held))
        return found if alone.fits and found.fits and found.place is alone.place else None


def admit(candidates: Sequence[Candidate], held: Sequence[Bytes], snapshot: Snapshot, now: float) -> Admissions:
    """Decides over `candidates`, the most urgent first, beside what running engines hold."""
    if not candidates:
        return {}
    room, taken = Room(snapshot, now), list(held)
    modest: dict[str, Fit] = {}
    refused: Admissions = {}
    for candidate in candidates:
        found = room.modest(candidate, taken)
        if found is None:
            refused[candidate.model.id] = _refusal(room.alone(candidate))
        else:
            modest[candidate.model.id] = found
            taken.append(_claims(found))
    if not modest and not any(sum(part.values()) for part in held):  # better slowly than not at all
        first = candidates[0]
        return refused | {first.model.id: _granted(first, room.alone(first), room, [], snapshot)}
    return refused | _grants([c for c in candidates if c.model.id in modest], modest, held, room, snapshot)


def _grants(
    chosen: Sequence[Candidate], modest: dict[str, Fit], held: Sequence[Bytes], room: Room, snapshot: Snapshot
) -> Admissions:
    grants: Admissions = {}
    final: list[Bytes] = []
    for place, candidate in enumerate(chosen):
        later = [_claims(modest[other.model.id]) for other in chosen[place + 1 :]]
        grant = _granted(candidate, modest[candidate.model.id], room, [*held, *final, *later], snapshot)
        grants[candidate.model.id] = grant
        final.append(dict(grant.claims))
    return grants


def _granted(candidate: Candidate, modest: Fit, room: Room, held: Sequence[Bytes], snapshot: Snapshot) -> Grant:
    """Memory for earlier prompts is spared before the context grows: it makes every conversation quicker."""
    model, wish = candidate.model, candidate.wish
    left = room.beside(model, [*held, _claims(modest)]).memory.room
    asked = prompt_cache_mib(snapshot.settings.serving, snapshot.inventory)
    cache = asked if snapshot.settings.serving.prompt_cache_mib else min(asked, left // 2 // MIB)
    kept = {PROCESSOR: max(cache, 0) * MIB}
    beside = room.beside(model, [*held, kept])
    found = _fit(model, wish, beside)
    better = found.fits and found.place is modest.place and found.context >= modest.context
    best = found if better else modest
    context = wish.context or _context(best, model, beside)
    return Grant(context, cache, tuple(sorted(together([_claims(best), kept]).items())))


def _context(found: Fit, model: Model, beside: NodeResources) -> int:
    """Left to its own, an engine shortens the context before it lays anything beside a GPU."""
    all_on_one_kind = found.place is Place.GPU or not beside.gpus
    if found.context >= padded(model.context_length) and all_on_one_kind:
        return 0
    return min(found.context, model.context_length or found.context)


def _refusal(alone: Fit) -> Refusal:
    if alone.fits:
        return Refusal(
            No.CROWDED, "Other models take the memory that it needs. It is loaded as soon as it is asked for."
        )
    return Refusal(No.TOO_BIG, sentence(alone.verdict))


def _modest(candidate: Candidate, alone: Fit) -> Wish:
    wish = candidate.wish
    return replace(wish, context=wish.context or min(MODEST, alone.context) or MODEST)


def _claims(found: Fit) -> Bytes:
    return together({placed.device.id: placed.size} for placed in found.placed)


@lru_cache(maxsize=512)
def _fit(model: Model, wish: Wish, resources: NodeResources) -> Fit:
    return fit(profile_of(model), wish, resources)
