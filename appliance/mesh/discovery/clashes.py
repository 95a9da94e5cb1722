"""Two boxes that cannot be told apart: one name twice, or one identity in two places (pure).

Two boxes with one identity are a copied data folder. They throw each other out of every mesh, and no message between
them says why. A box that was started anew is no such thing, though its former self is remembered for a while: two count
only when both were there for longer than a record lives.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from appliance.mesh.discovery.names import as_read
from appliance.mesh.discovery.nearby import TTL_S, Neighbourhood, Sighting
from appliance.mesh.discovery.record import Nearby

CERTAIN_S = TTL_S * 1.5  # side by side for so long: neither is a memory


@dataclass(frozen=True, slots=True, order=True)
class SameName:
    name: str
    nodes: tuple[str, ...]  # at least two


@dataclass(frozen=True, slots=True, order=True)
class SameIdentity:
    node: str
    addresses: tuple[tuple[str, ...], ...]  # of each of them
    ours: bool  # one of them is this box


def same_names(boxes: Iterable[Nearby]) -> tuple[SameName, ...]:
    """`boxes` with this one among them. Names are compared as people read them."""
    nodes: defaultdict[str, set[str]] = defaultdict(set)
    shown: dict[str, str] = {}
    for box in boxes:
        nodes[as_read(box.name)].add(box.node)
        shown.setdefault(as_read(box.name), box.name)
    return tuple(sorted(SameName(shown[name], tuple(sorted(ids))) for name, ids in nodes.items() if len(ids) > 1))


def same_identities(known: Neighbourhood, own: str, own_instance: str) -> tuple[SameIdentity, ...]:
    """`own_instance` is how this box is heard by itself: it may be among the sightings or not."""
    running: defaultdict[str, dict[str, Sighting]] = defaultdict(dict)
    for instance, sighting in known.sightings.items():
        running[sighting.box.node][instance] = sighting
    return tuple(
        SameIdentity(node, tuple(sorted(each.box.addresses for each in certain)), ours=node == own)
        for node, found in sorted(running.items())
        if (certain := _at_once(found, own_instance if node == own else ""))
    )


def _at_once(found: dict[str, Sighting], own_instance: str) -> tuple[Sighting, ...]:
    """Those that ran side by side for long enough, by the start of the later and the end of the earlier."""
    if own_instance:  # this box runs for certain: another one with its id is enough
        others = [each for name, each in found.items() if name != own_instance]
        return tuple(each for each in others if each.last_at - each.first_at >= CERTAIN_S)
    begun = sorted(found.values(), key=lambda each: each.first_at)
    last = begun[-1].first_at
    certain = tuple(each for each in begun if each.last_at - last >= CERTAIN_S)
    return certain if len(certain) > 1 else ()
