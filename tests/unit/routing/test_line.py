"""The fair line before an engine."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from appliance.routing.line import FIRST_GUESS, LONG_WAIT, MOST_RETRY, TURN_OF_THE_OLD, FairLine, Turn


def served_one_by_one(line: FairLine, seconds: float = 1.0, start: float = 0.0) -> list[Turn]:
    """Everybody who waits, in the order of their turns, at an engine with one place."""
    now, order = start, []
    while granted := line.grant(1, now):
        order += granted
        now += seconds
        line.leave(granted[0], now)
    return order


def names(turns: list[Turn]) -> str:
    return "".join(turn.caller for turn in turns)


def test_a_free_place_is_given_at_once() -> None:
    """Nobody waits as long as there are places."""
    line = FairLine()
    turns = [line.come("a", 0.0) for _ in range(3)]
    assert (line.grant(2, 0.0), line.running, line.waiting) == (turns[:2], 2, 1)


def test_callers_take_turns() -> None:
    """Who asks ten times does not push back who asks twice."""
    line = FairLine()
    for caller in "aaaaaaaaaabbcc":
        line.come(caller, 0.0)
    assert names(served_one_by_one(line)) == "abcabcaaaaaaaa"


def test_long_answers_count_for_more() -> None:
    """The engine's time is shared, not the number of requests."""
    line, now = FairLine(), 0.0
    for caller in "aabbbbbbbbbb":
        line.come(caller, now)
    order = ""
    while granted := line.grant(1, now):
        now += 4.0 if granted[0].caller == "a" else 1.0
        line.leave(granted[0], now)
        order += granted[0].caller
    between = order[1 : order.rindex("a")]
    assert (order[0], set(between), len(between) in (4, 5)) == ("a", {"b"}, True)


def test_interactive_requests_come_before_batch_work() -> None:
    """Whoever sent it, and however early."""
    line = FairLine()
    line.come("a", 0.0, batch=True)
    line.come("b", 0.0, batch=True)
    line.come("a", 1.0)
    line.come("c", 2.0)
    assert names(served_one_by_one(line, 0.5, 2.0)) == "acba"


def test_what_waits_long_gets_every_fourth_place() -> None:
    """Batch work is done however many interactive requests come."""
    line = FairLine()
    old = line.come("z", 0.0, batch=True)
    for number in range(20):
        line.come(f"a{number}", LONG_WAIT)
    order = served_one_by_one(line, 0.1, LONG_WAIT)
    assert order.index(old) == TURN_OF_THE_OLD - 1


def test_one_who_comes_back_has_no_claim_for_the_time_away() -> None:
    """Whoever was idle takes turns with the others from now on, and is not served before all of them."""
    line, now = FairLine(), 0.0
    for _ in range(8):
        line.come("a", now)
    for _ in range(4):
        (turn,) = line.grant(1, now)
        now += 1
        line.leave(turn, now)
    for _ in range(4):
        line.come("b", now)
    assert names(served_one_by_one(line, 1.0, now)) in ("abababab", "babababa")


def test_leaving_gives_the_place_up() -> None:
    """Whoever leaves the line is not served, and whoever leaves the engine makes room."""
    line = FairLine()
    first, second, third = (line.come(caller, 0.0) for caller in "abc")
    assert line.grant(1, 0.0) == [first]
    line.leave(second, 1.0)
    line.leave(first, 1.0)
    assert (line.grant(1, 1.0), line.waiting) == ([third], 0)


def test_the_order_told_is_the_order_kept() -> None:
    """A position that a client sees is the one in which it is served, as long as nobody else comes."""
    line = FairLine()
    for number, caller in enumerate("aaabbcaadd"):
        line.come(caller, 0.0, batch=number % 3 == 0)
    told = list(line.order(LONG_WAIT * 2))
    kept = [line.grant(number + 1, LONG_WAIT * 2)[0] for number in range(len(told))]
    assert told == kept


def test_waiting_times_follow_what_was_measured() -> None:
    """A guess first, then the usual time of an answer, and what runs longer counts as well."""
    line = FairLine()
    assert line.seconds_until(3, 1, 0.0) == 3 * FIRST_GUESS
    line.come("a", 0.0)
    line.leave(line.grant(1, 0.0)[0], 2.0)
    assert (line.seconds_until(3, 1, 2.0), line.seconds_until(4, 2, 2.0)) == (6.0, 4.0)
    line.come("a", 2.0)
    line.grant(1, 2.0)
    assert line.seconds_until(1, 1, 42.0) == 40.0


def test_each_who_finds_it_full_is_told_a_time_of_its_own() -> None:
    """So they come back one after the other, as places become free: when all are served who wait now, at the latest."""
    line = FairLine()
    for _ in range(40):
        line.come("a", 100.0)
    told = [line.room_in(2, 100.0) for _ in range(3)]
    assert told == [FIRST_GUESS / 2, FIRST_GUESS, 1.5 * FIRST_GUESS]
    assert max(line.room_in(2, 100.0) for _ in range(1000)) == 40 * FIRST_GUESS / 2
    for _ in range(4000):
        line.come("a", 100.0)
    assert max(line.room_in(2, 100.0) for _ in range(4000)) == MOST_RETRY
    assert line.room_in(2, 2000.0) == FIRST_GUESS / 2


def test_answers_that_take_no_time_are_shared_as_well() -> None:
    """Callers take turns even when the clock does not move."""
    line = FairLine()
    line.come("a", 0.0)
    line.leave(line.grant(1, 0.0)[0], 0.0)
    for caller in "aaabbb":
        line.come(caller, 0.0)
    assert names(served_one_by_one(line, 0.0)) == "ababab"


class Line(RuleBasedStateMachine):
    """Anything may happen in any order."""

    @initialize(places=st.integers(1, 4))
    def begin(self, places: int) -> None:
        self.line, self.places, self.now = FairLine(), places, 0.0
        self.waiting: list[Turn] = []
        self.running: list[Turn] = []

    @rule(caller=st.sampled_from("abcd"), batch=st.booleans())
    def come(self, caller: str, batch: bool) -> None:
        self.waiting.append(self.line.come(caller, self.now, batch=batch))
        self.grant()

    @precondition(lambda self: self.running)
    @rule(data=st.data(), seconds=st.floats(0, 20))
    def end(self, data: st.DataObject, seconds: float) -> None:
        self.now += seconds
        turn = data.draw(st.sampled_from(self.running))
        self.running.remove(turn)
        self.line.leave(turn, self.now)
        self.grant()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        turn = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(turn)
        self.line.leave(turn, self.now)
        self.grant()

    @rule(places=st.integers(1, 4))
    def change(self, places: int) -> None:
        self.places = places
        self.grant()

    def grant(self) -> None:
        told = list(self.line.order(self.now))
        assert sorted(turn.number for turn in told) == [turn.number for turn in self.waiting]
        granted = self.line.grant(self.places, self.now)
        assert granted == told[: len(granted)]
        self.waiting = [turn for turn in self.waiting if turn not in granted]
        self.running += granted

    @invariant()
    def no_place_is_free_while_somebody_waits(self) -> None:
        if hasattr(self, "line"):
            assert (self.line.waiting, self.line.running) == (len(self.waiting), len(self.running))
            assert not self.waiting or len(self.running) >= self.places


TestLine = Line.TestCase
TestLine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(
    crowd=st.lists(st.integers(0, 30), min_size=1, max_size=30),
    older=st.integers(0, 5),
    batch=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_nobody_starves(crowd: list[int], older: int, batch: bool) -> None:
    """However many come later, and whoever they are: every fourth place goes to the oldest."""
    line, now = FairLine(), 0.0
    for number in range(older):
        line.come(f"older {number}", now)
    mine, given = line.come("me", now, batch=batch), 0
    now = LONG_WAIT
    fresh = iter(range(10**6))
    while mine.started is None:
        for _ in range(crowd[given % len(crowd)] + 1):
            line.come(f"new {next(fresh)}", now)
        (turn,) = line.grant(1, now)
        given += 1
        now += 0.5
        line.leave(turn, now)
    assert given <= TURN_OF_THE_OLD * (older + 1)


@given(costs=st.lists(st.floats(0.01, LONG_WAIT / 80), min_size=40, max_size=40), places=st.integers(1, 3))
@settings(max_examples=100, deadline=None)
def test_time_is_shared_within_a_bound(costs: list[float], places: int) -> None:
    """Two callers who always have something waiting get the same time, but for the answers that are just running.
    It is over before anybody has waited long enough to be given a place for that."""
    line, now = FairLine(), 0.0
    used = {"a": 0.0, "b": 0.0}
    running: dict[Turn, float] = {}
    for caller in "ab" * 30:
        line.come(caller, now)
    for cost in costs:
        for turn in line.grant(places, now):
            running[turn] = now + cost * (1.0 if turn.caller == "a" else 0.3)
        turn = min(running, key=lambda one: running[one])
        now = running.pop(turn)
        line.leave(turn, now)
        used[turn.caller] += now - (turn.started or 0.0)
        line.come(turn.caller, now)
    assert now < LONG_WAIT
    assert abs(used["a"] - used["b"]) <= max(costs) * (2 * places + 2)


@pytest.mark.parametrize("places", [0, -1])
def test_no_places_no_turn(places: int) -> None:
    """An engine without places serves nobody, and nobody is lost."""
    line = FairLine()
    line.come("a", 0.0)
    assert (line.grant(places, 0.0), line.waiting, line.seconds_until(1, places, 0.0)) == ([], 1, FIRST_GUESS)


@given(st.lists(st.sampled_from("abcx"), max_size=30))
def test_whoever_starts_at_once_is_counted_as_who_came_and_was_let_in(steps: str) -> None:
    """x: the one that runs longest leaves. The time is the same in the books of everybody."""
    usual, quick, now = FairLine(), FairLine(), 0.0
    running: list[tuple[Turn, Turn]] = []
    for step in steps:
        now += 1.0
        if step == "x":
            for line, turn in zip((usual, quick), running.pop(0) if running else (), strict=False):
                line.leave(turn, now)
            continue
        came = usual.come(step, now)
        assert usual.grant(99, now) == [came]
        running.append((came, quick.start_at_once(step, now)))
    for line in (usual, quick):
        line.come("new", now)
    assert usual.running == quick.running
    assert repr(vars(usual)) == repr(vars(quick))
