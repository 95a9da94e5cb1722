"""What other boxes pass on about members and removals: verified, then known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from appliance.mesh.identity.anchor import Anchor
from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.revocation import Revocation, verify_revocation
from appliance.mesh.identity.roster import Roster, gone, judged, with_records
from appliance.mesh.identity.verifying import (
    generation_holds,
    verify_begun,
    verify_chain,
    verify_ended,
    verify_generation,
)

T = TypeVar("T")


def learn(roster: Roster, anchor: Anchor, heard: Certificate | Revocation, now: int) -> Roster:
    """The roster with one more record; raises Untrusted."""
    roster, refused = learn_all(roster, anchor, (heard,), now)
    for reason in refused:
        raise reason
    return roster


def learn_all(
    roster: Roster, anchor: Anchor, heard: Iterable[Certificate | Revocation], now: int
) -> tuple[Roster, tuple[Untrusted, ...]]:
    """The same for many at once, removals first. What is not believed is left out, and its reasons are told."""
    records, refused = list(heard), list[Untrusted]()
    removals = [one for one in records if isinstance(one, Revocation)]
    roster = with_records(roster, *_believed(removals, lambda one: _verify_removal(one, anchor, now), refused))
    standing = judged(roster, anchor, now)

    def verify(certificate: Certificate) -> None:
        _verify_admission(certificate, anchor, now)
        standing.check(certificate)

    admissions = [one for one in records if isinstance(one, Certificate)]
    return with_records(roster, *_believed(admissions, verify, refused)), tuple(refused)


def _believed(records: Iterable[T], verify: Callable[[T], None], refused: list[Untrusted]) -> list[T]:
    good: list[T] = []
    for record in records:
        try:
            verify(record)
        except Untrusted as reason:
            refused.append(reason)
        else:
            good.append(record)
    return good


def _verify_removal(revocation: Revocation, anchor: Anchor, now: int) -> None:
    verify_revocation(revocation, anchor)
    if not generation_holds(revocation.said.generation, anchor, now):
        raise Untrusted(Reason.OLD_KEY, "That removal was signed under a key of the mesh that was replaced.")


def _verify_admission(certificate: Certificate, anchor: Anchor, now: int) -> None:
    """Who comes back soon after its end is renewed, so it may be known until then."""
    verify_chain(certificate, anchor)
    verify_generation(certificate.claims, anchor, now)
    verify_begun(certificate.claims, now)
    if gone(certificate, now):
        verify_ended(certificate.claims, now)
