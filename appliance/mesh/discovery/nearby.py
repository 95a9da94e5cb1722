"""The boxes around, as a list that changes (pure). Kept by instance, because a copied identity is two of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from appliance.mesh.discovery.record import Heard, Nearby, nearby_of

MOST = 64  # shown; a network that says more is making noise
MOST_INSTANCES = 128  # remembered
TTL_S = 120.0  # a record that nobody repeated for so long has no owner any more
_NOTHING: Mapping[str, Sighting] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sighting:
    """One running box: another start of it is another sighting."""

    box: Nearby
    first_at: float
    last_at: float


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    sightings: Mapping[str, Sighting] = field(default_factory=lambda: _NOTHING)
    crowded: bool = False  # there was more than is remembered

    def boxes(self, own: str) -> tuple[Nearby, ...]:
        """One entry for each id but the own; of two with one id the one that was started last."""
        latest: dict[str, Sighting] = {}
        for sighting in sorted(self.sightings.values(), key=lambda each: each.first_at):
            latest[sighting.box.node] = sighting
        others = [each.box for node, each in latest.items() if node != own]
        return tuple(sorted(others, key=lambda box: (box.name.casefold(), box.node))[:MOST])


def heard(known: Neighbourhood, record: Heard, now: float) -> Neighbourhood:
    """A record came, or came again."""
    box = nearby_of(record, now)
    if box is None:
        return gone(known, record.instance)
    before = known.sightings.get(record.instance)
    if before is not None and before.box.node != box.node:
        before = None  # somebody took over the name of another: it starts anew
    if before is None and record.instance not in known.sightings and len(known.sightings) >= MOST_INSTANCES:
        return replace(known, crowded=True)
    sighting = Sighting(box, now if before is None else before.first_at, now)
    return replace(known, sightings=MappingProxyType({**known.sightings, record.instance: sighting}))


def gone(known: Neighbourhood, instance: str) -> Neighbourhood:
    """Its owner said goodbye."""
    if instance not in known.sightings:
        return known
    left = {name: sighting for name, sighting in known.sightings.items() if name != instance}
    return replace(known, sightings=MappingProxyType(left), crowded=False)


def expired(known: Neighbourhood, now: float) -> Neighbourhood:
    """Without those that were silent for too long."""
    left = {name: each for name, each in known.sightings.items() if now - each.last_at < TTL_S}
    if len(left) == len(known.sightings):
        return known
    return replace(known, sightings=MappingProxyType(left), crowded=False)
