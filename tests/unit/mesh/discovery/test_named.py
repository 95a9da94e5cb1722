"""Meshes that are found by their name."""

from __future__ import annotations

import random

from appliance.mesh.discovery.named import Create, Join, LookAgain, Own, Stay, begin, decide
from tests.unit.mesh.discovery.published import listing_of

A, B, C = ("a" * 16, "b" * 16, "c" * 16)


def test_what_is_there_is_joined() -> None:
    """Whatever the letter case; meshes of other names do not count."""
    home = listing_of(name="HOME ")
    assert begin("home", [listing_of(name="lab", mesh=B), home], 0.0, random.Random(1)) == Join((home,))
    assert decide("home", [home], None) == Join((home,))


def test_nothing_is_created_before_a_second_look() -> None:
    """After a moment that differs from box to box."""
    answers = {begin("home", [], 100.0, random.Random(seed)) for seed in range(20)}
    assert all(isinstance(each, LookAgain) and 103.0 <= each.at <= 110.0 for each in answers)
    assert len(answers) == 20


def test_the_first_one_creates_it() -> None:
    """When there is still none."""
    assert decide("home", [listing_of(name="lab")], None) == Create()


def test_a_full_mesh_is_not_found() -> None:
    """Joining it would fail."""
    assert decide("home", [listing_of(name="home", max_clients=0)], None) == Create()


def test_of_two_that_were_created_together_one_remains() -> None:
    """Each sees both; exactly one of them goes over."""
    both = [listing_of(name="home", mesh=A), listing_of(name="home", mesh=B)]
    assert decide("home", both, Own(A, alone=True)) == Stay()
    assert decide("home", both, Own(B, alone=True)) == Join((both[0],))


def test_one_that_is_alone_goes_to_those_who_are_not() -> None:
    """Whatever the ids say."""
    listings = [listing_of(name="home", mesh=A), listing_of(name="home", mesh=C, nodes=3)]
    assert decide("home", listings, Own(B, alone=True)) == Join((listings[1], listings[0]))


def test_a_mesh_with_members_is_never_left() -> None:
    """Nobody lures several boxes away by a listing."""
    assert decide("home", [listing_of(name="home", mesh=A, nodes=99)], Own(B, alone=False)) == Stay()
