"""All members and removals, as one box knows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.identity import roster as rosters
from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.errors import Malformed
from appliance.mesh.identity.issuing import MEMBER_LIFE, Issuer, renewed
from appliance.mesh.identity.revocation import Cause, Revocation
from appliance.mesh.identity.roster import (
    GRACE,
    Roster,
    banned,
    decoded,
    encoded,
    fingerprint,
    members,
    merge,
    pruned,
    settled,
    with_records,
)
from tests.unit.mesh.identity.people import (
    ANCHOR,
    DAY,
    FOUNDER,
    LATER,
    NOW,
    inviter,
    key_of,
    member,
    node_of,
    removed,
    roster_of,
    serial_of,
)

ANNA, CARLA = inviter("anna"), inviter("carla")
NAMES = ["anna", "bert", "carla", "dora"]
CERTIFICATES = [
    one
    for name in NAMES
    for one in (
        member(name),
        member(name, serial=name + " again"),
        member(name, issuer=CARLA),
        renewed(ANNA, ANCHOR, member(name), NOW + DAY),
        member(name, issuer=Issuer(key_of("second")), anchor=LATER),
    )
]
REVOCATIONS = [
    removed(name, by, cause)
    for name in NAMES
    for by in (FOUNDER, ANNA, CARLA, inviter("far", ANNA))
    for cause in (Cause.REMOVED, Cause.BANNED)
]
Heard = list[Certificate | Revocation]
HEARD = st.lists(st.sampled_from([*CERTIFICATES, *REVOCATIONS]), max_size=12)


@contextmanager
def little_room() -> Iterator[None]:
    with patch.multiple(rosters, MOST_CERTIFICATES=4, MOST_REVOCATIONS=5, MOST_BY_ONE=2):
        yield


@given(HEARD, HEARD, HEARD, st.sampled_from([little_room, nullcontext]))
def test_rosters_merge_in_any_order(
    one: Heard, two: Heard, three: Heard, room: Callable[[], AbstractContextManager[None]]
) -> None:
    """Commutative, associative and idempotent, also where there is not room for all."""
    with room():
        a, b, c = roster_of(*one), roster_of(*two), roster_of(*three)
        assert merge(a, b) == merge(b, a)
        assert merge(merge(a, b), c) == merge(a, merge(b, c))
        assert merge(a, a) == a
        assert merge(merge(a, b), b) == merge(a, b)
        assert roster_of(*one, *two, *three) == merge(merge(a, b), c)


@given(HEARD)
def test_the_same_content_has_the_same_fingerprint(heard: Heard) -> None:
    """By which two boxes see that they have nothing to tell each other; and storing loses nothing."""
    assert fingerprint(roster_of(*heard)) == fingerprint(roster_of(*reversed(heard)))
    assert decoded(encoded(roster_of(*heard))) == roster_of(*heard)


@given(HEARD)
def test_it_never_holds_more_than_its_bounds(heard: Heard) -> None:
    """Whoever sends however much."""
    with little_room():
        found = roster_of(*heard)
    assert len(found.certificates) <= 4
    assert len(found.revocations) <= 5


def test_nobody_can_push_out_what_the_holder_of_the_mesh_key_said() -> None:
    """A flood of removals by an inviter leaves the others' standing."""
    with little_room():
        flood = [removed(f"nobody {n}", ANNA) for n in range(20)]
        found = roster_of(removed("bert", FOUNDER), *flood, removed("dora", CARLA))
    assert {(one.said.node, one.by) for one in found.revocations.values()} >= {
        (node_of("bert"), ""),
        (node_of("dora"), node_of("carla")),
    }
    assert sum(one.by == node_of("anna") for one in found.revocations.values()) == 2


def test_what_was_said_nearer_to_the_mesh_key_stays_longest() -> None:
    """However grave the rest is, and however many boxes say it."""
    rabble = [inviter(f"far {number}", ANNA) for number in range(4)]
    with little_room():
        flood = [removed(f"nobody {n}", by, Cause.BANNED) for n in range(3) for by in rabble]
        found = roster_of(removed("bert", FOUNDER), *flood)
    assert node_of("bert") in {one.said.node for one in found.revocations.values()}
    assert len(found.revocations) == 5


def test_members_are_listed_with_who_let_them_in() -> None:
    """In the order in which they came, each once, the removed not at all."""
    found = roster_of(
        member("anna"), member("bert"), member("bert", serial="again"), member("dora"), removed("dora", ANNA)
    )
    listed = members(found, ANCHOR, NOW)
    assert {one.node for one in listed} == {node_of("anna"), node_of("bert")}
    assert {(one.let_in_by, one.let_in_at, one.ended) for one in listed} == {(node_of("founder"), NOW, False)}


def test_a_member_whose_certificate_ended_is_still_one_for_a_while() -> None:
    """A box that was off over the summer comes back by itself."""
    found = roster_of(member("anna"))
    (still,) = members(found, ANCHOR, NOW + MEMBER_LIFE + DAY)
    assert still.ended
    assert members(found, ANCHOR, NOW + MEMBER_LIFE + GRACE + DAY) == ()
    assert pruned(found, ANCHOR, NOW + MEMBER_LIFE + GRACE + DAY) == Roster()


def test_who_is_removed_and_invited_again_is_a_member() -> None:
    """With its new admission."""
    found = roster_of(member("bert"), removed("bert", ANNA), member("bert", serial="again"))
    (bert,) = members(found, ANCHOR, NOW)
    assert bert.certificate.claims.serial == serial_of("again")


def test_what_does_not_count_makes_room() -> None:
    """A flood of certificates goes with the inviter that made it."""
    flood = [member(f"nobody {number}", issuer=ANNA) for number in range(9)]
    before = roster_of(member("bert"), *flood, removed("anna", FOUNDER))
    assert pruned(before, ANCHOR, NOW) == roster_of(member("bert"), removed("anna", FOUNDER))


def test_a_certificate_under_an_older_key_is_kept_and_not_passed_on() -> None:
    """Its holder may come back for another; to others it says nothing."""
    late = LATER.old_until + DAY
    assert pruned(roster_of(member("bert")), LATER, late) == roster_of(member("bert"))
    assert settled(roster_of(member("bert")), LATER, late) == Roster()


def test_bans_are_listed() -> None:
    """For the desk where others ask to join."""
    found = roster_of(removed("bert", ANNA), removed("dora", ANNA, Cause.BANNED))
    assert banned(found, ANCHOR, NOW) == {node_of("dora")}


def test_a_replaced_key_removes_nobody() -> None:
    """Whoever stole it can sign what he likes: what was heard does not count any more."""
    late = LATER.old_until + DAY
    again = member("bert", issuer=Issuer(key_of("second")), anchor=LATER)
    assert members(roster_of(again, removed("bert", FOUNDER)), LATER, NOW) == ()
    assert len(members(roster_of(again, removed("bert", FOUNDER)), LATER, late)) == 1
    assert pruned(roster_of(removed("bert", FOUNDER)), LATER, late) == Roster()


@given(st.binary(max_size=300))
def test_garbage_is_malformed(data: bytes) -> None:
    """A stored roster that cannot be read is named, not replaced."""
    with pytest.raises(Malformed):
        decoded(data)


def test_it_grows_one_by_one_as_well_as_at_once() -> None:
    """Hearing is merging."""
    assert with_records(Roster(), *CERTIFICATES, *REVOCATIONS) == roster_of(*CERTIFICATES, *REVOCATIONS)
