"""Signatures that are good for one purpose only."""

from __future__ import annotations

from itertools import permutations

import pytest

from appliance.mesh.identity.signing import Domain, public_of, sign, signed_by
from appliance.storage.identity import id_of, node_id
from tests.unit.mesh.identity.people import key_of

KEY = key_of("anna")


@pytest.mark.parametrize("domain", Domain)
def test_a_signature_holds_for_its_purpose(domain: Domain) -> None:
    """And for no other, nor for other words or another key."""
    signature = sign(KEY, domain, b"words")
    assert signed_by(public_of(KEY), signature, domain, b"words")
    assert not any(signed_by(public_of(KEY), signature, other, b"words") for other in Domain if other is not domain)
    assert not signed_by(public_of(KEY), signature, domain, b"other words")
    assert not signed_by(public_of(key_of("bert")), signature, domain, b"words")


def test_no_purpose_begins_like_another() -> None:
    """So that no words can make one out of the other."""
    assert not any(one.value.startswith(other.value) for one, other in permutations(Domain, 2))
    assert all(domain.value.startswith(b"meshbox/1 ") and domain.value.endswith(b"\0") for domain in Domain)


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(32), bytes(33), b"\xff" * 32])
def test_a_key_that_is_none_signs_nothing(public: bytes) -> None:
    """Whatever a stranger sends as one."""
    assert not signed_by(public, sign(KEY, Domain.TOKEN, b"words"), Domain.TOKEN, b"words")


def test_the_id_of_a_box_is_that_of_its_key() -> None:
    """Others work it out from the public half."""
    assert id_of(public_of(KEY)) == node_id(KEY)
