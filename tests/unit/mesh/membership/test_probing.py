"""Asking whether somebody is there."""

from __future__ import annotations

import random

from appliance.mesh.membership.health import Health
from appliance.mesh.membership.probing import SMALL, AskHelpers, Prober, Silent, TellNack
from appliance.mesh.membership.types import Timing


def prober(*nodes: str, heard: dict[str, float] | None = None) -> Prober:
    found = Prober(Timing(), Health(), random.Random(1), 0.0, lambda node: (heard or {}).get(node, 0.0))
    for node in nodes:
        found.include(node, 0.0)
    return found


def helpers(_target: str) -> tuple[str, ...]:
    return ("den", "lab")


def turns(found: Prober, count: int) -> list[str]:
    """Whose turn it is, again and again."""
    seen: list[str] = []
    while len(seen) < count:
        node = found.due(found.next_at)
        assert node is not None
        seen.append(node)
    return seen


def test_everybody_has_a_turn() -> None:
    """In every round of a large mesh, in an order of chance."""
    nodes = [f"box{n}" for n in range(SMALL + 8)]
    found = prober(*nodes)
    assert sorted(turns(found, len(nodes))) == sorted(nodes)
    assert sorted(turns(found, len(nodes))) == sorted(nodes)


def test_in_a_small_mesh_the_most_silent_comes_first() -> None:
    """So that a crash is found soon, whatever the order."""
    found = prober("attic", "den", "lab", heard={"attic": 5.0, "den": 2.0, "lab": 4.0})
    assert found.due(10.0) == "den"
    assert found.due(11.0) == "lab"
    assert found.due(12.0) == "attic"


def test_once_a_second() -> None:
    """And not more often."""
    found = prober("attic")
    first = found.next_at
    assert found.due(first) == "attic"
    assert found.due(first + 0.5) is None
    assert found.due(first + 1.0) == "attic"


def test_an_answer_gives_the_round_trip() -> None:
    """And only the one who was asked can give it."""
    found = prober("attic", "den")
    number = found.start("attic", None, 10.0)
    assert found.answered(number, "den", 10.1) is None
    answered = found.answered(number, "attic", 10.2)
    assert answered is not None
    assert answered.rtt is not None
    assert round(answered.rtt, 3) == 0.2
    assert found.answered(number, "attic", 10.3) is None


def test_who_is_silent_is_tried_through_others_first() -> None:
    """Then it is silent."""
    found = prober("attic")
    number = found.start("attic", None, 10.0)
    assert found.overdue(10.4, helpers) == []
    assert found.overdue(10.5, helpers) == [AskHelpers(number, "attic", ("den", "lab"))]
    assert found.overdue(10.9, helpers) == []
    assert found.overdue(11.0, helpers) == [Silent("attic")]


def test_an_answer_through_a_helper_counts() -> None:
    """But tells nothing about the way to the target."""
    found = prober("attic")
    number = found.start("attic", None, 10.0)
    found.overdue(10.5, helpers)
    answered = found.answered(number, "lab", 10.7)
    assert answered is not None
    assert answered.rtt is None
    assert found.overdue(11.0, helpers) == []


def test_a_helper_says_when_it_hears_nothing_either() -> None:
    """So that the asker knows that itself is well connected."""
    found = prober("attic")
    own = found.help("attic", origin="den", number=7, rtt=None, now=10.0)
    assert own is not None
    assert found.overdue(10.45, helpers) == [TellNack("den", 7)]
    assert found.answered(own, "attic", 10.5) is None


def test_no_word_from_any_helper_is_a_sign_of_own_trouble() -> None:
    """Who is cut off finds all others silent."""
    health = Health()
    found = Prober(Timing(), health, random.Random(1), 0.0, lambda _: 0.0)
    number = found.start("attic", None, 10.0)
    found.overdue(10.5, helpers)
    found.overdue(11.0, helpers)
    assert health.score == 1
    number = found.start("attic", None, 20.0)
    found.overdue(21.0, helpers)
    found.nack(number, "den")
    found.overdue(23.0, helpers)
    assert health.score == 1


def test_a_slow_link_has_more_time() -> None:
    """Four times what it usually takes."""
    found = prober("attic")
    found.start("attic", 0.3, 10.0)
    assert found.overdue(11.1, helpers) == []
    assert [type(step) for step in found.overdue(11.25, helpers)] == [AskHelpers]


def test_time_that_this_box_slept_is_granted() -> None:
    """Answers may lie unread."""
    found = prober("attic")
    found.start("attic", None, 10.0)
    found.granted(5.0)
    assert found.overdue(15.4, helpers) == []


def test_who_left_is_not_asked_any_more() -> None:
    """Nor is a question to it waited for."""
    found = prober("attic", "den")
    found.start("attic", None, 10.0)
    found.exclude("attic")
    assert found.overdue(20.0, helpers) == []
    assert set(turns(found, 3)) == {"den"}
