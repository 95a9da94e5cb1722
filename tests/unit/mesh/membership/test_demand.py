"""What is wanted: counted once, however often and in whatever order it is told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.membership.demand import ACTIVE, EPOCH, KEPT, MOST_OF_ONE, DemandMap
from appliance.mesh.membership.facts import DemandFact, Facts
from appliance.mesh.membership.record import Body, Record, seal
from tests.sim.trust import trust_of
from tests.unit.mesh.membership.pair import WALL


def told(source: DemandMap, node: str, now: float, skew: float = 0.0, version: int = 1) -> Record:
    wall = int((WALL + now + skew) * 1000)
    return seal(Body(node, 1, version, wall, Facts(demand=source.facts(now))), trust_of(node))


def test_counts_of_all_doors_are_added() -> None:
    """Each door counts for itself."""
    attic, den = DemandMap("attic"), DemandMap("den")
    attic.note("tiny", 0.0, WALL)
    den.note("tiny", 5.0, WALL + 5, requests=3)
    attic.learn(told(den, "den", 6.0), 6.0, WALL + 6)
    found = attic.all(6.0)["tiny"]
    assert (found.count, found.recent, found.last_active) == (4, 4, 5.0)


moments = st.lists(st.tuples(st.integers(0, 7000), st.sampled_from(["tiny", "large"])), max_size=20)


@given(moments, st.data())
def test_hearing_it_again_or_in_another_order_changes_nothing(
    notes: list[tuple[int, str]], data: st.DataObject
) -> None:
    """The larger number of each epoch counts."""
    source, records = DemandMap("attic"), []
    for at, (time, model) in enumerate(sorted(notes)):
        source.note(model, float(time), WALL + time)
        records.append(told(source, "attic", float(time), version=at + 1))
    heard = data.draw(st.permutations(records + records[: len(records) // 2]))
    other = DemandMap("den")
    for record in heard:
        other.learn(record, 7000.0, WALL + 7000)
    assert other.told_by("attic", 7000.0) == source.told_by("attic", 7000.0)


def test_a_restarted_box_counts_on_from_what_others_kept() -> None:
    """It learns what it said before, and adds to it."""
    before = DemandMap("attic")
    before.note("tiny", 0.0, WALL, requests=5)
    after = DemandMap("attic")
    after.note("tiny", 10.0, WALL + 10)
    after.learn(told(before, "attic", 5.0), 10.0, WALL + 10)
    assert after.told_by("attic", 10.0)["tiny"] == 5  # the larger of both: nothing is counted twice
    after.note("tiny", 11.0, WALL + 11)
    assert after.told_by("attic", 11.0)["tiny"] == 6


def test_clocks_need_not_agree() -> None:
    """How long ago something was is a length, not a date."""
    attic, den = DemandMap("attic"), DemandMap("den")
    attic.note("tiny", 100.0, WALL + 100 + 3000)
    den.learn(told(attic, "attic", 160.0, skew=3000), 160.0, WALL + 160)
    assert den.all(160.0)["tiny"].last_active == 100.0
    attic.note("tiny", 100.0, WALL + 100 - 3000)


def test_a_clock_far_behind_makes_it_older_and_no_more() -> None:
    """Never newer than it is."""
    attic, den = DemandMap("attic"), DemandMap("den")
    attic.note("tiny", 100.0, WALL - 2000)
    den.learn(told(attic, "attic", 100.0, skew=-2100), 160.0, WALL + 160)
    found = den.all(160.0)["tiny"]
    assert found.count == 1
    assert found.last_active <= 100.0


def test_it_is_active_for_an_hour_and_known_for_a_day() -> None:
    """Then it is forgotten."""
    found = DemandMap("attic")
    found.note("tiny", 0.0, WALL)
    assert found.all(ACTIVE)["tiny"].active(ACTIVE)
    assert not found.all(ACTIVE + 1)["tiny"].active(ACTIVE + 1)
    assert found.all(ACTIVE + 2 * EPOCH)["tiny"].recent == 0
    assert found.all(KEPT) == {}
    found.forget(KEPT + EPOCH)
    assert found.facts(KEPT + EPOCH) == ()


def test_one_box_cannot_fill_the_map() -> None:
    """Its oldest wishes make room."""
    found = DemandMap("attic")
    for number in range(MOST_OF_ONE + 10):
        found.note(f"model-{number}", float(number), WALL + number)
    assert len(found.told_by("attic", 100.0)) == MOST_OF_ONE
    assert "model-0" not in found.told_by("attic", 100.0)


def test_a_liar_cannot_make_counts_endless() -> None:
    """Nor date them into the future."""
    found = DemandMap("den")
    fact = DemandFact("tiny", 0, tuple((1 << 39, 1 << 53) for _ in range(24)))
    lie = seal(Body("attic", 1, 1, int((WALL + 10**9) * 1000), Facts(demand=(fact,))), trust_of("attic"))
    found.learn(lie, 0.0, WALL)
    assert found.all(0.0)["tiny"].count == 1 << 40
    found.forget(KEPT + 2 * EPOCH)
    assert found.all(KEPT + 2 * EPOCH) == {}


def test_what_a_removed_box_wanted_goes_with_it() -> None:
    """Nobody asks there any more."""
    attic, den = DemandMap("attic"), DemandMap("den")
    den.note("tiny", 0.0, WALL)
    attic.learn(told(den, "den", 0.0), 0.0, WALL)
    attic.drop(["den"])
    assert attic.all(0.0) == {}
