"""Whose boxes are trusted."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.identity.coding import pack
from appliance.mesh.identity.errors import Malformed
from appliance.mesh.identity.owners import Policy, Trust, Verdict, decode, endorse, judge, owned_nodes
from appliance.mesh.identity.signing import public_of
from appliance.storage.identity import id_of
from tests.unit.mesh.identity.people import NOW, key_of, node_of

OWNER = key_of("owner")
OWNERS = frozenset({id_of(public_of(OWNER))})
MINE = endorse(OWNER, node_of("mine"), NOW)
OWNED = owned_nodes([MINE], OWNERS)
LISTED = frozenset({node_of("listed")})


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        (Policy.OFF, {"mine", "listed", "stranger"}),
        (Policy.PREFER_OWNED, {"mine", "listed", "stranger"}),
        (Policy.REQUIRE_OWNED, {"mine"}),
        (Policy.ALLOW_LIST, {"listed"}),
    ],
)
def test_each_policy_lets_in_whom_it_says(policy: Policy, allowed: set[str]) -> None:
    """And gives a reason to all others."""
    trust = Trust(policy, OWNERS, LISTED, OWNED)
    verdicts = {name: judge(node_of(name), trust) for name in ("mine", "listed", "stranger")}
    assert {name for name, verdict in verdicts.items() if verdict.allowed} == allowed
    assert all(node_of(name) in one.why for name, one in verdicts.items() if not one.allowed)


def test_owned_boxes_come_first_where_they_are_preferred() -> None:
    """The others may still take part."""
    trust = Trust(Policy.PREFER_OWNED, OWNERS, frozenset(), OWNED)
    assert judge(node_of("mine"), trust) == Verdict(allowed=True, preferred=True)
    assert judge(node_of("stranger"), trust) == Verdict(allowed=True, preferred=False)


def test_only_genuine_endorsements_count() -> None:
    """By an owner one trusts, for the box it names."""
    other = endorse(key_of("someone"), node_of("theirs"), NOW)
    moved = msgspec.structs.replace(MINE, node=node_of("thief"))
    posing = msgspec.structs.replace(other, owner=public_of(OWNER))
    assert owned_nodes([MINE, other, moved, posing], OWNERS) == {node_of("mine")}


def test_an_endorsement_travels() -> None:
    """As bytes."""
    assert decode(pack(MINE)) == MINE


@given(st.binary(max_size=300))
def test_garbage_is_malformed(data: bytes) -> None:
    """And nothing else happens."""
    with pytest.raises(Malformed):
        decode(data)
