"""The list of boxes around."""

from __future__ import annotations

from appliance.mesh.discovery.nearby import MOST, MOST_INSTANCES, TTL_S, Neighbourhood, expired, gone, heard
from appliance.mesh.discovery.record import Heard, properties

OWN = "o" * 16


def node(number: int) -> str:
    return "".join("abcdefghijklmnopqrstuvwxyz"[number // 26**place % 26] for place in range(16))


def record(id_: str, instance: str = "", name: str = "box", address: str = "192.168.1.20") -> Heard:
    said = {key.encode(): value.encode() for key, value in properties(id_, name, "1", None, 9338).items()}
    return Heard(instance or id_, said, (address,), 9338)


def around(*records: Heard, now: float = 0.0) -> Neighbourhood:
    known = Neighbourhood()
    for each in records:
        known = heard(known, each, now)
    return known


def test_a_box_shows_up_once() -> None:
    """Hearing it again adds nothing and changes nothing that is shown."""
    known = around(record(node(1)))
    again = heard(known, record(node(1)), 5.0)
    assert again.boxes(OWN) == known.boxes(OWN)
    assert len(again.boxes(OWN)) == 1


def test_the_own_entry_is_hidden() -> None:
    """By its id, whatever start of the box it is from."""
    assert around(record(OWN), record(OWN, "earlier")).boxes(OWN) == ()


def test_of_two_with_one_id_the_later_start_is_shown() -> None:
    """A restarted box may have another address; what is left of its former self is no second box."""
    known = heard(around(record(node(1), "before")), record(node(1), "after", address="192.168.1.30"), 1.0)
    known = heard(known, record(node(1), "before"), 2.0)
    assert [box.addresses for box in known.boxes(OWN)] == [("192.168.1.30",)]


def test_a_goodbye_ends_it() -> None:
    """At once."""
    known = around(record(node(1)), record(node(2)))
    assert [box.node for box in gone(known, node(1)).boxes(OWN)] == [node(2)]
    assert gone(known, "nobody") is known


def test_silence_ends_it() -> None:
    """After the life of a record, by the clock of the listener."""
    known = heard(around(record(node(1))), record(node(2)), 60.0)
    assert len(expired(known, TTL_S - 1).boxes(OWN)) == 2
    assert [box.node for box in expired(known, TTL_S).boxes(OWN)] == [node(2)]


def test_a_record_that_turned_into_rubbish_ends_it() -> None:
    """A box is what its latest record says."""
    known = around(record(node(1)))
    assert heard(known, Heard(node(1), {}, (), None), 1.0).boxes(OWN) == ()


def test_a_flood_is_bounded_and_told() -> None:
    """What was known before stays; what comes on top is not remembered."""
    known = around(record(node(0), name="first"))
    for number in range(1, 1000):
        known = heard(known, record(node(number), name="z"), 1.0)
    assert len(known.sightings) == MOST_INSTANCES
    assert len(known.boxes(OWN)) == MOST
    assert known.boxes(OWN)[0].name == "first"
    assert known.crowded
    assert not expired(known, 1000.0).crowded


def test_a_stolen_instance_is_a_new_sighting() -> None:
    """Another id under a known name has not been there since then."""
    known = heard(around(record(node(1), "x")), record(node(2), "x"), 50.0)
    assert known.sightings["x"].first_at == 50.0
