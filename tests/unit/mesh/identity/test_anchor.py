"""Mesh keys, one after the other."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.identity.anchor import MOST_ROTATIONS, OVERLAP, Anchor, Rotation, announce, follow, follow_all
from appliance.mesh.identity.errors import Malformed, Reason, Untrusted
from appliance.mesh.identity.signing import Domain, public_of, sign
from appliance.mesh.identity.verifying import TOLERANCE, generation_holds
from tests.unit.mesh.identity.people import ANCHOR, MESH_KEY, NOW, key_of

SECOND, THIRD = key_of("second"), key_of("third")
TO_SECOND = announce(ANCHOR, MESH_KEY, public_of(SECOND), NOW)
AFTER = follow(ANCHOR, TO_SECOND)
TO_THIRD = announce(AFTER, SECOND, public_of(THIRD), NOW)


def why(anchor: Anchor, rotation: Rotation) -> str:
    with pytest.raises(Untrusted) as caught:
        follow(anchor, rotation)
    return caught.value.reason


def test_a_mesh_keeps_its_name() -> None:
    """Through every rotation; invitations and certificates name it by its first key."""
    assert follow(AFTER, TO_THIRD).mesh == ANCHOR.mesh
    assert (AFTER.generation, AFTER.key, AFTER.old_until) == (2, public_of(SECOND), NOW + OVERLAP)


def test_a_whole_chain_is_followed() -> None:
    """By a box that was away for several of them; hearing one again changes nothing."""
    both = follow_all(ANCHOR, (TO_SECOND, TO_SECOND, TO_THIRD))
    assert both == follow(AFTER, TO_THIRD)
    assert follow(both, TO_SECOND) == both
    assert both.rotations == (TO_SECOND, TO_THIRD)


def test_a_gap_is_not_jumped_over() -> None:
    """A key whose predecessor is not known could be anybody's."""
    assert why(ANCHOR, TO_THIRD) == Reason.NEW_KEY


def test_only_the_key_before_announces() -> None:
    """Not a stranger, not an older key, and not the new one."""
    stranger = Rotation(TO_SECOND.body, sign(key_of("stranger"), Domain.ROTATION, TO_SECOND.body))
    assert why(ANCHOR, stranger) == Reason.BAD_SIGNATURE
    assert why(AFTER, Rotation(TO_THIRD.body, sign(MESH_KEY, Domain.ROTATION, TO_THIRD.body))) == Reason.BAD_SIGNATURE
    with pytest.raises(Untrusted, match="Only the box that holds the mesh key"):
        announce(AFTER, MESH_KEY, public_of(THIRD), NOW)


def test_a_signature_of_another_kind_is_worth_nothing() -> None:
    """Bytes signed as a certificate are not a rotation."""
    assert why(ANCHOR, Rotation(TO_SECOND.body, sign(MESH_KEY, Domain.CERTIFICATE, TO_SECOND.body))) == (
        Reason.BAD_SIGNATURE
    )


def test_two_successors_are_named() -> None:
    """Whoever stole the old key can announce one too; the first that was heard stays, and the other is trouble."""
    rival = announce(ANCHOR, MESH_KEY, public_of(key_of("thief")), NOW)
    assert why(AFTER, rival) == Reason.FORK
    assert follow(ANCHOR, rival).mesh == ANCHOR.mesh


def test_a_rotation_of_another_mesh_is_refused() -> None:
    """Even when it is genuine there."""
    elsewhere = Anchor((public_of(SECOND),))
    assert why(ANCHOR, announce(elsewhere, SECOND, public_of(THIRD), NOW)) == Reason.OTHER_MESH


def test_the_old_key_holds_for_a_while() -> None:
    """So that nobody is cut off while the new certificates travel; when it was stolen it ends at once."""
    assert generation_holds(1, AFTER, NOW + OVERLAP + TOLERANCE)
    assert not generation_holds(1, AFTER, NOW + OVERLAP + TOLERANCE + 1)
    assert not generation_holds(1, follow(AFTER, TO_THIRD), NOW)
    at_once = follow(ANCHOR, announce(ANCHOR, MESH_KEY, public_of(SECOND), NOW, overlap=0))
    assert not generation_holds(1, at_once, NOW + TOLERANCE + 1)


def test_the_number_of_rotations_is_bounded() -> None:
    """A holder gone mad does not fill the disks of all members."""
    full = Anchor(tuple(public_of(key_of(str(n))) for n in range(MOST_ROTATIONS + 1)), (TO_SECOND,) * MOST_ROTATIONS)
    with pytest.raises(Untrusted) as caught:
        announce(full, key_of(str(MOST_ROTATIONS)), public_of(SECOND), NOW)
    assert caught.value.reason == Reason.FULL


@given(st.binary(max_size=200))
def test_garbage_is_malformed(data: bytes) -> None:
    """Or not signed; nothing else."""
    with pytest.raises((Malformed, Untrusted)):
        follow(ANCHOR, Rotation(data, bytes(64)))


def test_unknown_fields_are_ignored() -> None:
    """And stay signed."""
    body = msgspec.msgpack.encode({**msgspec.msgpack.decode(TO_SECOND.body), "later": 1})
    assert follow(ANCHOR, Rotation(body, sign(MESH_KEY, Domain.ROTATION, body))).key == public_of(SECOND)
