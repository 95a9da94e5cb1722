"""Which removals count, and who stays in."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import msgspec
import pytest

from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.issuing import renewed
from appliance.mesh.identity.revocation import Cause, Revocation, revoke
from appliance.mesh.identity.standing import standing
from tests.unit.mesh.identity.people import (
    ANCHOR,
    FOUNDER,
    NOW,
    forged,
    inviter,
    key_of,
    member,
    node_of,
    removed,
)

ANNA, CARLA = inviter("anna"), inviter("carla")
FAR = inviter("far", ANNA)  # one step further from the mesh key


def out(certificate: Certificate, *revocations: Revocation) -> str | None:
    """Why, in whatever order they were heard; None: in."""
    found = {_why(certificate, order) for order in itertools.islice(itertools.permutations(revocations), 24)}
    (only,) = found
    return only


def _why(certificate: Certificate, revocations: Iterable[Revocation]) -> str | None:
    try:
        standing(revocations).check(certificate)
    except Untrusted as refused:
        return refused.reason
    return None


def test_who_was_not_removed_is_in() -> None:
    """Removals of others do not matter."""
    assert out(member("bert"), removed("dora", ANNA), removed("emil", FOUNDER, Cause.BANNED)) is None


def test_a_removal_meets_every_renewal() -> None:
    """Somebody who had not heard of it may have renewed the certificate in the meantime."""
    again = renewed(CARLA, ANCHOR, member("bert"), NOW)
    assert out(again, removed("bert", ANNA)) == Reason.REMOVED


def test_who_was_removed_may_be_invited_again() -> None:
    """Its new certificate has a new serial; the old one stays out."""
    assert out(member("bert", serial="second time"), removed("bert", ANNA)) is None
    assert out(member("bert"), removed("bert", ANNA)) == Reason.REMOVED


def test_a_reused_serial_stays_out() -> None:
    """An inviter that gives the same number again does not undo a removal, and the number harms nobody else."""
    reused = forged(member("bert", issuer=CARLA), key_of("carla"), let_in_at=NOW + 1)
    assert out(reused, removed("bert", ANNA)) == Reason.REMOVED
    assert out(member("dora", serial="bert"), removed("bert", ANNA)) is None


def test_who_is_banned_stays_out_whatever_it_shows() -> None:
    """Until its owner gives it another identity, which needs another invitation."""
    assert out(member("bert", serial="second time"), removed("bert", ANNA, Cause.BANNED)) == Reason.BANNED
    assert out(member("bert"), removed("bert", ANNA), removed("bert", CARLA, Cause.BANNED)) == Reason.BANNED


def test_who_left_is_out_and_its_guests_stay() -> None:
    """Leaving is no reproach."""
    left = removed("anna", ANNA, Cause.LEFT)
    assert out(member("anna"), left) == Reason.REMOVED
    assert out(member("bert", issuer=ANNA), left) is None


def test_guests_of_a_removed_box_go_unless_they_were_known() -> None:
    """What it signs after its removal is worth nothing, however it is dated."""
    known, later = member("bert", issuer=ANNA), member("dora", issuer=ANNA, now=NOW - 10**9)
    removal = removed("anna", CARLA, keeps=[known])
    assert out(known, removal) is None
    assert out(later, removal) == Reason.REMOVED


def test_a_kept_guest_gets_no_new_rights() -> None:
    """Kept is the certificate that was known, not the name on it."""
    known = member("bert", issuer=ANNA)
    better = forged(known, key_of("anna"), may_invite=True)
    assert out(better, removed("anna", CARLA, keeps=[known])) == Reason.REMOVED


def test_a_kept_inviter_goes_on_letting_in() -> None:
    """It did nothing wrong, and its own guests need not be known to anybody."""
    assert FAR.certificate is not None
    assert out(member("new", issuer=FAR), removed("anna", CARLA, keeps=[FAR.certificate])) is None
    assert out(member("new", issuer=FAR), removed("anna", CARLA)) == Reason.REMOVED


def test_what_one_remover_keeps_is_kept() -> None:
    """Two remove the same box at once and know different guests: nobody innocent goes."""
    bert, dora = member("bert", issuer=ANNA), member("dora", issuer=ANNA)
    both = removed("anna", CARLA, keeps=[bert]), removed("anna", FOUNDER, keeps=[dora])
    assert (out(bert, *both), out(dora, *both)) == (None, None)


def test_two_that_remove_each_other_are_both_out() -> None:
    """No date decides, so that nobody gains by dating back."""
    mutual = removed("anna", CARLA), removed("carla", ANNA)
    assert ANNA.certificate is not None
    assert CARLA.certificate is not None
    assert (out(ANNA.certificate, *mutual), out(CARLA.certificate, *mutual)) == (Reason.REMOVED, Reason.REMOVED)


def test_the_holder_of_the_mesh_key_has_the_last_word() -> None:
    """When it removes a box, what that box had removed comes back; unless the holder upholds it."""
    sabotage = removed("carla", ANNA)
    assert CARLA.certificate is not None
    assert out(CARLA.certificate, sabotage) == Reason.REMOVED
    assert out(CARLA.certificate, sabotage, removed("anna", FOUNDER)) is None
    assert out(CARLA.certificate, sabotage, removed("anna", FOUNDER, upholds=[sabotage])) == Reason.REMOVED


def test_the_nearer_box_beats_the_further_one() -> None:
    """Whoever was let in by another cannot remove it and get away with it."""
    assert ANNA.certificate is not None
    revenge = removed("anna", FAR)
    assert out(ANNA.certificate, revenge) == Reason.REMOVED
    assert out(ANNA.certificate, revenge, removed("far", CARLA)) is None


def test_removals_by_guests_of_a_removed_box_go_with_it() -> None:
    """It could have made as many of these as it liked."""
    assert CARLA.certificate is not None
    assert FAR.certificate is not None
    sabotage = removed("carla", FAR)
    assert out(CARLA.certificate, sabotage, removed("anna", FOUNDER)) is None
    assert out(CARLA.certificate, sabotage, removed("anna", FOUNDER, keeps=[FAR.certificate])) == Reason.REMOVED


def test_one_that_is_out_by_itself_cannot_be_saved_by_being_kept() -> None:
    """Kept by the remover of its host, and removed on its own account."""
    bert = member("bert", issuer=ANNA)
    assert out(bert, removed("anna", CARLA, keeps=[bert]), removed("bert", CARLA)) == Reason.REMOVED


def test_the_reason_names_the_box_that_was_removed() -> None:
    """So that a person knows whom to ask for a new invitation."""
    with pytest.raises(Untrusted, match=node_of("anna")):
        standing([removed("anna", CARLA)]).check(member("bert", issuer=ANNA))


def test_a_removal_counts_by_its_content() -> None:
    """Another record with the same mark does not exist."""
    one = removed("bert", ANNA)
    assert one.mark != revoke(ANNA, ANCHOR, msgspec.structs.replace(one.said, at=NOW + 1)).mark
