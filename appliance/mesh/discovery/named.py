"""Meshes that are found by their name: the first box creates it, the others find it (pure).

Two boxes that begin at the same moment both create it. They see each other at the next look: the one that is alone in
its mesh goes over to the other; of two that are alone, the one whose mesh has the larger id. A mesh with several
members is never left. Whoever looks for a name takes what is published under it: a name is no secret and no proof.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.mesh.discovery.listing import Listing
from appliance.mesh.discovery.names import as_read
from appliance.mesh.discovery.publisher import BACK_OFF_S, Chance


@dataclass(frozen=True, slots=True)
class Own:
    """The mesh of that name to which this box belongs."""

    mesh: str
    alone: bool


@dataclass(frozen=True, slots=True)
class Join:
    listings: tuple[Listing, ...]  # in the order to try them


@dataclass(frozen=True, slots=True)
class Create:
    pass


@dataclass(frozen=True, slots=True)
class LookAgain:
    at: float


@dataclass(frozen=True, slots=True)
class Stay:
    pass


def begin(name: str, listings: Iterable[Listing], now: float, chance: Chance) -> Join | LookAgain:
    """After the first look: when there is nothing, somebody else may be about to create it."""
    found = _named(name, listings)
    return Join(found) if found else LookAgain(now + chance.uniform(*BACK_OFF_S))


def decide(name: str, listings: Iterable[Listing], own: Own | None) -> Join | Create | Stay:
    """After each later look."""
    found = _named(name, listings)
    if own is None:
        return Join(found) if found else Create()
    better = tuple(each for each in found if own.alone and _yields_to(own, each))
    return Join(better) if better else Stay()


def _named(name: str, listings: Iterable[Listing]) -> tuple[Listing, ...]:
    wanted = as_read(name)
    found = (each for each in listings if as_read(each.offer.name) == wanted and not each.offer.full)
    return tuple(sorted(found, key=lambda each: (each.offer.nodes < 2, each.offer.mesh, each.author)))


def _yields_to(own: Own, other: Listing) -> bool:
    return other.offer.mesh != own.mesh and (other.offer.nodes > 1 or other.offer.mesh < own.mesh)
