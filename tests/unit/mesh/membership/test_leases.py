"""Who runs the head of a split."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.mesh.membership.facts import Facts, LeaseFact
from appliance.mesh.membership.leases import LENGTH, SETTLE, Candidate, Claim, End, Leases, Step, claims_of, ranked
from appliance.mesh.membership.table import Member
from appliance.mesh.types import PeerState
from tests.unit.mesh.membership.pair import record

BOTH = (Candidate("attic", 48), Candidate("den", 24))


def steps(leases: Leases, start: float, end: float, *claims: Claim, among: Sequence[Candidate] = BOTH) -> Step:
    """Step after step, a second each; what comes out at the end."""
    at = start
    while True:
        found = leases.step(claims, {"split": among} if among else {}, at)
        if at >= end:
            return found
        at = min(at + 1, end)


def test_the_best_host_is_the_one_with_most_memory_then_by_name() -> None:
    """All decide the same."""
    assert ranked([Candidate("b", 24), Candidate("c", 48), Candidate("a", 24)]) == ["c", "a", "b"]


def test_the_best_claims_at_once_and_runs_when_all_could_hear_of_it() -> None:
    """Not before."""
    leases = Leases("attic")
    first = steps(leases, 0, 0)
    assert first.claims == (LeaseFact("split", 1, 0),)
    assert first.hosting == frozenset()
    assert steps(leases, 1, SETTLE).hosting == {"split"}


def test_the_others_wait_a_lease_for_the_best() -> None:
    """It may be about to claim."""
    leases = Leases("den")
    assert steps(leases, 0, LENGTH - 1).claims == ()
    assert steps(leases, LENGTH, LENGTH).claims == (LeaseFact("split", 1, 0),)


def test_what_another_one_runs_is_left_to_it() -> None:
    """Even if this box were better: nothing moves without need."""
    leases = Leases("attic")
    for at in range(30):
        assert leases.step([Claim("split", "den", 3, at)], {"split": BOTH}, float(at)).claims == ()


def test_a_claim_that_is_not_renewed_counts_for_one_lease() -> None:
    """Then the best takes it, with a larger epoch."""
    leases = Leases("attic")
    assert steps(leases, 0, LENGTH, Claim("split", "den", 3, 7)).claims == ()
    assert steps(leases, LENGTH + 1, LENGTH + 1, Claim("split", "den", 3, 7)).claims == (LeaseFact("split", 4, 0),)


def test_it_renews_its_claim() -> None:
    """Several times in a lease."""
    leases = Leases("attic")
    beats = {steps(leases, float(at), float(at)).claims[0].beat for at in range(11)}
    assert len(beats) >= 4


def test_the_larger_epoch_wins() -> None:
    """After two halves met again the older host stops."""
    leases = Leases("attic")
    steps(leases, 0, 5)
    step = steps(leases, 6, 6, Claim("split", "den", 2, 0))
    assert step.hosting == frozenset()
    assert step.ended == {"split": End.OUTRANKED}


def test_a_smaller_epoch_changes_nothing() -> None:
    """The other one will stop."""
    leases = Leases("attic")
    steps(leases, 0, 1, Claim("split", "den", 2, 0))
    steps(leases, 2, 14, Claim("split", "den", 2, 0))
    assert steps(leases, 15, 15, Claim("split", "den", 2, 1)).hosting == {"split"}


def test_of_two_equal_claims_one_yields() -> None:
    """And on both sides it is the same one."""
    attic, den = Leases("attic"), Leases("den")
    steps(attic, 0, 0)
    steps(den, 0, LENGTH)
    assert steps(attic, 1, 1, Claim("split", "den", 1, 0)).ended == {"split": End.OUTRANKED}
    assert steps(den, LENGTH + 1, LENGTH + 1, Claim("split", "attic", 1, 0)).ended == {}


def test_who_stood_still_for_longer_than_a_lease_stops() -> None:
    """Others may have taken it over meanwhile; and their claims look old only because this box slept."""
    leases = Leases("attic")
    assert steps(leases, 0, 5).hosting == {"split"}
    step = leases.step([Claim("split", "den", 2, 0)], {"split": BOTH}, 60.0)
    assert step.hosting == frozenset()
    assert step.ended == {"split": End.STALE}


def test_a_sleeper_does_not_take_what_it_could_not_see_renewed() -> None:
    """First it looks for a lease whether the other one still renews."""
    leases = Leases("attic")
    steps(leases, 0, 1, Claim("split", "den", 2, 0))
    assert leases.step([Claim("split", "den", 2, 0)], {"split": BOTH}, 60.0).claims == ()
    assert leases.step([Claim("split", "den", 2, 1)], {"split": BOTH}, 61.0).claims == ()


def test_what_is_not_wanted_any_more_ends() -> None:
    """Or what this box is no longer fit for."""
    leases = Leases("attic")
    steps(leases, 0, 5)
    assert steps(leases, 6, 6, among=BOTH[1:]).ended == {"split": End.NOT_WANTED}
    again = Leases("attic")
    steps(again, 0, 5)
    assert steps(again, 6, 6, among=()).claims == ()


def test_claims_of_the_dead_count_and_those_of_who_left_do_not() -> None:
    """The dead may only be thought dead."""
    facts = Facts(leases=(LeaseFact("split", 2, 5),))
    dead = Member(record("attic", facts=facts), PeerState.DEAD, 0.0, 0.0)
    left = Member(record("den", facts=facts), PeerState.LEFT, 0.0, 0.0)
    assert claims_of({"attic": dead, "den": left}) == [Claim("split", "attic", 2, 5)]
