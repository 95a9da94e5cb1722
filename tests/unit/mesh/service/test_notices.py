"""What others pass on about members is believed only when it is good by itself."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.identity.coding import SERIAL_BYTES
from appliance.mesh.identity.invites import Book
from appliance.mesh.identity.issuing import Admission, Issuer, issue
from appliance.mesh.identity.owners import Trust
from appliance.mesh.identity.removing import remove
from appliance.mesh.identity.revocation import Cause
from appliance.mesh.identity.roster import with_records
from appliance.mesh.identity.signing import public_of
from appliance.mesh.service.keeping import own_mesh
from appliance.mesh.service.notices import CERTIFICATE, REMOVAL, ROTATION, accept, notices_of
from appliance.mesh.service.papers import Papers, now_ms
from appliance.mesh.service.setup import Setup
from appliance.mesh.types import Role


def papers() -> Papers:
    key = Ed25519PrivateKey.generate()
    return Papers(key, *own_mesh(key, Setup()), Book(), Trust())


def with_guest(founder: Papers) -> tuple[Papers, str]:
    """The founder's papers once it let a box in, and the id of that box."""
    belonging = founder.belonging
    assert belonging.mesh_key is not None
    key, serial = public_of(Ed25519PrivateKey.generate()), os.urandom(SERIAL_BYTES)
    admission = Admission(key, serial, Role.NODE, may_invite=False, let_in_by=founder.node, let_in_at=now_ms())
    given = issue(Issuer(belonging.mesh_key), belonging.anchor, admission, now_ms())
    founder.turn(belonging, with_records(founder.roster, given))
    return founder, given.node


def beside(founder: Papers) -> Papers:
    """Another box of the same mesh that has heard of nothing yet."""
    return Papers(founder.key, founder.belonging, with_records(founder.roster), Book(), Trust())


PAPERS = papers()


@given(st.sampled_from([CERTIFICATE, REMOVAL, ROTATION, "weather"]), st.binary(max_size=400))
def test_garbage_is_refused(topic: str, data: bytes) -> None:
    """Whatever comes, nothing is raised and nothing changes."""
    version = PAPERS.version
    assert not accept(PAPERS, topic, data)
    assert PAPERS.version == version


def test_a_member_and_its_removal_are_passed_on() -> None:
    """Who hears both, in this order, knows what the first box knows; the certificate is no news any more."""
    founder = papers()
    other = beside(founder)
    founder, guest = with_guest(founder)
    for topic, data in notices_of(founder):
        assert accept(other, topic, data)
    assert other.admits(guest)
    before = notices_of(founder)
    belonging = founder.belonging
    issuer = belonging.issuer(founder.key)
    assert issuer is not None
    said = remove(issuer, belonging.anchor, founder.roster, guest, now_ms(), cause=Cause.REMOVED)
    founder.turn(belonging, with_records(founder.roster, *said))
    assert accept(other, REMOVAL, said[0].encoded())
    assert not other.admits(guest)
    assert set(notices_of(other)) == set(notices_of(founder))
    stale = next((topic, data) for topic, data in before if (topic, data) not in notices_of(founder))
    assert not accept(other, *stale)


def test_another_mesh_is_refused() -> None:
    """A certificate that is good elsewhere means nothing here."""
    stranger, _ = with_guest(papers())
    assert not any(accept(papers(), topic, data) for topic, data in notices_of(stranger))
