"""Clients hear of changes, gathered, for as long as they ask now and then."""

from __future__ import annotations

import math

from appliance.mesh.membership.outbox import Outbox
from appliance.mesh.membership.types import Send, Timing
from appliance.mesh.membership.watching import MOST_WATCHERS, Watchers
from appliance.mesh.membership.wire import News, Stamp, Update, decode


def told(watchers: Watchers, outbox: Outbox, now: float) -> list[tuple[str, News]]:
    watchers.tick(now)
    found = []
    for out in outbox.drain():
        assert isinstance(out, Send)
        message = decode(out.data)
        assert isinstance(message, News)
        found.append((out.to, message))
    return found


def test_changes_of_a_second_are_one_message() -> None:
    """The last word about each node."""
    outbox = Outbox()
    watchers = Watchers(outbox, Timing())
    watchers.add("phone", 10.0)
    watchers.note("attic", Stamp("attic", 1, 1), 10.0)
    watchers.note("attic", Update(2, "attic", 1, "den"), 10.4)
    watchers.note("den", Stamp("den", 1, 7), 10.5)
    assert told(watchers, outbox, 10.9) == []
    assert told(watchers, outbox, 11.0) == [
        ("phone", News((Update(2, "attic", 1, "den"),), (Stamp("den", 1, 7),))),
    ]
    assert watchers.next_wake() == math.inf


def test_who_does_not_ask_any_more_is_not_told() -> None:
    """It went away without a word."""
    outbox = Outbox()
    watchers = Watchers(outbox, Timing())
    watchers.add("phone", 10.0)
    watchers.note("attic", Stamp("attic", 1, 1), 100.0)
    assert told(watchers, outbox, 101.0) == []


def test_without_clients_nothing_is_kept() -> None:
    """And nothing wakes the box."""
    watchers = Watchers(Outbox(), Timing())
    watchers.note("attic", Stamp("attic", 1, 1), 10.0)
    assert watchers.next_wake() == math.inf


def test_there_are_only_so_many() -> None:
    """Who was there first stays."""
    outbox = Outbox()
    watchers = Watchers(outbox, Timing())
    for number in range(MOST_WATCHERS + 5):
        watchers.add(f"phone{number}", 10.0)
    watchers.note("attic", Stamp("attic", 1, 1), 10.0)
    assert len(told(watchers, outbox, 11.0)) == MOST_WATCHERS
