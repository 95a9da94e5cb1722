"""Boxes that cannot be told apart."""

from __future__ import annotations

from appliance.mesh.discovery.clashes import CERTAIN_S, SameIdentity, SameName, same_identities, same_names
from appliance.mesh.discovery.nearby import Neighbourhood, heard
from appliance.mesh.discovery.record import Nearby
from tests.unit.mesh.discovery.test_nearby import node, record

OWN = "o" * 16


def box(number: int, name: str) -> Nearby:
    return Nearby(node(number), name, None, ("192.168.1.2",), 9338, "1")


def seen(*spans: tuple[str, str, float, float]) -> Neighbourhood:
    """Node, instance, first and last time."""
    known = Neighbourhood()
    for number, (id_, instance, first, last) in enumerate(spans):
        said = record(id_, instance, address=f"192.168.1.{number + 1}")
        known = heard(heard(known, said, first), said, last)
    return known


def test_one_name_twice_is_told() -> None:
    """As people read names: letter case and width do not matter."""
    assert same_names([box(1, "Kitchen"), box(2, "k\uff49tchen "), box(3, "Attic")]) == (
        SameName("Kitchen", (node(1), node(2))),
    )


def test_a_box_does_not_clash_with_itself() -> None:
    """Two records of one box are one box."""
    assert same_names([box(1, "Kitchen"), box(1, "Kitchen")]) == ()


def test_two_running_boxes_with_one_identity_are_told() -> None:
    """Each with its addresses."""
    known = seen((node(1), "x", 0, CERTAIN_S + 10), (node(1), "y", 5, CERTAIN_S + 10))
    assert same_identities(known, OWN, "me") == (
        SameIdentity(node(1), (("192.168.1.1",), ("192.168.1.2",)), ours=False),
    )


def test_a_restarted_box_is_no_copy() -> None:
    """Its former self is remembered, and says nothing any more."""
    known = seen((node(1), "before", 0, 1000), (node(1), "after", 1001, 1001 + CERTAIN_S))
    assert same_identities(known, OWN, "me") == ()


def test_a_copy_of_this_box_is_told() -> None:
    """It need not hear itself for that: it knows that it runs."""
    known = seen((OWN, "other", 0, CERTAIN_S))
    assert same_identities(known, OWN, "me") == (SameIdentity(OWN, (("192.168.1.1",),), ours=True),)


def test_this_box_and_its_former_self_are_no_copies() -> None:
    """Hearing itself is no clash, and neither is what is left of an earlier start."""
    known = seen((OWN, "me", 0, 5000), (OWN, "before", 0, CERTAIN_S - 1))
    assert same_identities(known, OWN, "me") == ()
