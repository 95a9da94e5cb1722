"""Which mesh suits a box best."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.mesh.discovery.score import Points, Seeker, points, rated, to_join
from tests.unit.mesh.discovery.published import MESH, listing_of, offer_of


@pytest.mark.parametrize(
    ("fields", "seeker", "expected"),
    [
        ({"max_clients": 0}, Seeker(), Points(full=-1000, nodes=5)),
        ({}, Seeker(), Points(free=20, nodes=5)),
        ({"max_clients": 8, "clients": 1}, Seeker(), Points(free=7, nodes=5)),
        ({"max_clients": 80, "clients": 1}, Seeker(), Points(free=20, nodes=5)),
        ({"max_clients": 8, "clients": 9}, Seeker(), Points(full=-1000, nodes=5)),
        ({"nodes": 10}, Seeker(), Points(free=20, nodes=50)),
        ({"nodes": 999}, Seeker(), Points(free=20, nodes=50)),
        ({"serving": ("a", "b")}, Seeker(), Points(free=20, nodes=5, served=20)),
        ({"wanted": ("a", "b", "c")}, Seeker(holds=frozenset({"A", "c"})), Points(free=20, nodes=5, wanted=30)),
        ({"region": "EU"}, Seeker(region="eu"), Points(free=20, nodes=5, region=200)),
        ({"region": ""}, Seeker(region=""), Points(free=20, nodes=5)),
        ({}, Seeker(last_mesh=MESH), Points(free=20, nodes=5, last_mesh=500)),
    ],
)
def test_each_point_has_its_reason(fields: dict[str, Any], seeker: Seeker, expected: Points) -> None:
    """The weights are fixed."""
    assert points(offer_of(**fields), seeker) == expected


def test_the_total_is_the_sum() -> None:
    """Of everything, with the base."""
    assert Points(last_mesh=500, full=-1000, free=3, nodes=5).total == 100 + 500 - 1000 + 3 + 5


def test_the_best_is_first_and_equals_have_an_order() -> None:
    """The same for every box that looks."""
    meshes = [listing_of(mesh=each * 16, nodes=nodes) for each, nodes in (("c", 1), ("b", 1), ("a", 2))]
    assert [each.listing.offer.mesh[0] for each in rated(meshes, Seeker())] == ["a", "b", "c"]


def test_a_full_mesh_is_not_asked() -> None:
    """Not even the last one, however many points it has."""
    full = listing_of(max_clients=1, clients=1, region="eu", serving=("m",) * 32)
    other = listing_of(mesh="b" * 16)
    assert to_join([full, other], Seeker(last_mesh=MESH, region="eu")) == (other,)
