"""Which published mesh suits this box best (pure). The points are shown, so that nobody has to wonder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass

from appliance.mesh.discovery.listing import Listing, Offer
from appliance.mesh.discovery.names import as_read

BASE = 100
LAST_MESH = 500
FULL = -1000
MOST_FREE = 20
NODE, MOST_NODES = 5, 10
SERVED = 10
WANTED = 15
REGION = 200


@dataclass(frozen=True, slots=True)
class Seeker:
    """The box that looks for a mesh."""

    last_mesh: str | None = None
    region: str = ""
    holds: frozenset[str] = frozenset()  # models on its disk


@dataclass(frozen=True, slots=True)
class Points:
    base: int = BASE
    last_mesh: int = 0
    full: int = 0
    free: int = 0  # places for clients
    nodes: int = 0
    served: int = 0  # models that it answers for
    wanted: int = 0  # models that it wants and the seeker has
    region: int = 0

    @property
    def total(self) -> int:
        return sum(astuple(self))


@dataclass(frozen=True, slots=True)
class Rated:
    listing: Listing
    points: Points


def points(offer: Offer, seeker: Seeker) -> Points:
    holds = {as_read(model) for model in seeker.holds}
    return Points(
        last_mesh=LAST_MESH if offer.mesh == seeker.last_mesh else 0,
        full=FULL if offer.full else 0,
        free=_free(offer),
        nodes=NODE * min(offer.nodes, MOST_NODES),
        served=SERVED * len(offer.serving),
        wanted=WANTED * sum(as_read(model) in holds for model in offer.wanted),
        region=REGION if seeker.region and as_read(seeker.region) == as_read(offer.region) else 0,
    )


def rated(listings: Iterable[Listing], seeker: Seeker) -> tuple[Rated, ...]:
    """The best first; equals in an order on which all agree."""
    found = (Rated(listing, points(listing.offer, seeker)) for listing in listings)
    return tuple(sorted(found, key=lambda each: (-each.points.total, each.listing.offer.mesh, each.listing.author)))


def to_join(listings: Iterable[Listing], seeker: Seeker) -> tuple[Listing, ...]:
    """In the order to try them: one may be false, or gone, or have filled up. A full mesh is not asked."""
    return tuple(each.listing for each in rated(listings, seeker) if not each.listing.offer.full)


def _free(offer: Offer) -> int:
    if offer.max_clients is None:
        return MOST_FREE
    return min(max(offer.max_clients - offer.clients, 0), MOST_FREE)
