"""Which claims are believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.membership.record import Record
from appliance.mesh.membership.table import Table, Verdict, topic_item
from appliance.mesh.membership.types import Stats
from appliance.mesh.membership.wire import Malformed, Stamp, Update
from appliance.mesh.types import PeerState
from tests.sim.trust import trust_of
from tests.unit.mesh.membership.pair import record


def table(*records: Record, banned: set[str] | None = None) -> Table:
    found = Table("own", trust_of("own", banned), Stats())
    for one in records:
        found.offer(one.blob, 1.0)
    return found


def test_a_newer_record_is_taken_and_an_older_is_not() -> None:
    """By incarnation, then by version."""
    found = table(record("attic", 5, 2))
    assert found.offer(record("attic", 5, 1).blob, 2.0).verdict is Verdict.OLD
    assert found.offer(record("attic", 4, 9).blob, 2.0).verdict is Verdict.OLD
    assert found.stats.replayed == 2
    assert found.offer(record("attic", 5, 3).blob, 2.0).verdict is Verdict.CHANGED
    assert found.members["attic"].record.age == (5, 3)


def test_a_forged_record_changes_nothing() -> None:
    """It is counted."""
    good, other = record("attic", 5, 1), record("cellar")
    found = table(good)
    forged = record("attic", 6, 1).blob.replace(record("attic", 6, 1).signature, other.signature)
    assert found.offer(forged, 2.0).verdict is Verdict.REFUSED
    assert found.members["attic"].record.age == (5, 1)
    assert found.stats.forged == 1


def test_who_is_not_of_the_mesh_is_not_taken() -> None:
    """However genuine it is."""
    found = table(record("stranger"), banned={"stranger"})
    assert "stranger" not in found.members


def test_the_dead_come_back_only_by_a_new_incarnation_of_their_own() -> None:
    """Not by a newer record of the old one, which may have been on its way."""
    found = table(record("attic", 5, 2))
    found.move(found.members["attic"], PeerState.DEAD, 2.0)
    assert found.offer(record("attic", 5, 3).blob, 3.0).verdict is Verdict.GONE
    assert not list(found.present())
    assert found.offer(record("attic", 6, 1).blob, 3.0).verdict is Verdict.RETURNED
    assert [member.state for member in found.present()] == [PeerState.ALIVE]


def test_claims_have_to_use_the_number_that_their_subject_uses() -> None:
    """Nobody can say that somebody is gone for ever."""
    found = table(record("attic", 5, 2))
    assert found.founded(Update(2, "attic", 5, "den")) is found.members["attic"]
    assert found.founded(Update(2, "attic", 4, "den")) is None
    assert found.founded(Update(2, "attic", 1 << 52, "den")) is None
    assert found.founded(Update(2, "nobody", 5, "den")) is None
    assert found.stats.unfounded == 2


def test_the_gone_are_no_part_of_what_is_compared() -> None:
    """Who forgot them and who did not know the same."""
    found, other = table(record("attic"), record("den")), table(record("attic"))
    found.move(found.members["den"], PeerState.DEAD, 2.0)
    assert found.digest.total == other.digest.total
    found.forget(before=3.0)
    assert set(found.members) == {"attic"}
    assert found.digest.total == other.digest.total


records = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 4), st.integers(1, 4)), max_size=12)


@given(records, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(ages: list[tuple[str, int, int]], rng: object) -> None:
    """Whoever has heard the same records knows the same."""
    made = [record(*age) for age in ages]
    one, other = table(*made), table(*reversed(made), *made)
    assert one.digest.total == other.digest.total
    assert {n: m.record.age for n, m in one.members.items()} == {n: m.record.age for n, m in other.members.items()}


@pytest.mark.parametrize(
    ("stamp", "lacking"),
    [
        (Stamp("attic", 5, 2), False),
        (Stamp("attic", 5, 3), True),
        (Stamp("attic", 4, 9), False),
        (Stamp("den", 1, 1), True),
        (Stamp("#t:00", 0, 1), True),
    ],
)
def test_what_is_lacking(stamp: Stamp, lacking: bool) -> None:
    """Only what is newer than what is here."""
    assert table(record("attic", 5, 2)).lacks(stamp) is lacking


def test_topic_items_travel_among_records() -> None:
    """With the name of their topic."""
    found = table()
    key = found.add_topic("removals", b"good one")
    assert key is not None
    blob = found.blob(key)
    assert blob is not None
    assert topic_item(blob) == ("removals", b"good one")
    assert topic_item(record("attic").blob) is None


def test_only_good_items_are_kept_and_only_once() -> None:
    """Whoever knows the topic says what is good."""
    found = table()
    assert found.add_topic("removals", b"bad") is None
    assert found.add_topic("removals", b"good") is not None
    assert found.add_topic("removals", b"good") is None
    assert len(found.topics) == 1


def test_a_dropped_item_leaves_no_trace() -> None:
    """As if it had never been there."""
    found = table()
    found.add_topic("removals", b"good")
    found.drop_topic("removals", b"good")
    assert found.digest.total == 0


@pytest.mark.parametrize("blob", [b"#", b"#\xff", b"#\x02a", b"#\x02\xff\xffdata"])
def test_an_item_without_its_topic_is_malformed(blob: bytes) -> None:
    """And nothing worse."""
    with pytest.raises(Malformed):
        topic_item(blob)
