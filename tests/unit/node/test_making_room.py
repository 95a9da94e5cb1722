"""Who gives way to a model that somebody waits for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from appliance.node.making_room import making_room
from appliance.node.serving import wanted_entries
from appliance.node.snapshot import ChildState, Snapshot
from appliance.placement.room import GIB
from tests.builders import make_child, make_model, make_snapshot, with_child
from tests.unit.placement.values import gpu, inventory, published

PROFILE = published("Llama-3.1-8B")  # about 10 GiB with a modest context
NOW = 1000.0
NAMES = ("old", "new", "asked")


def box(*running: str, sizes: Mapping[str, int] | None = None, total: int = 24) -> Snapshot:
    """A card that is full with what runs, and somebody who waits for `asked`."""
    models = tuple(
        make_model(n, profile=PROFILE, size=PROFILE.weights.total, context_length=PROFILE.context_length) for n in NAMES
    )
    sizes = sizes or dict.fromkeys(running, 11)
    card = gpu(total=total, used=sum(sizes.values()))
    snapshot = make_snapshot(wanted=NAMES, models=models, inventory=inventory(card), called={"asked": NOW})
    for name in running:
        child = make_child(snapshot, name)
        spec = replace(child.spec, claims=(("pci:0", sizes[name] * GIB),))
        snapshot = with_child(snapshot, replace(child, spec=spec))
    return snapshot


def leaving(snapshot: Snapshot, **idle: float | None) -> tuple[str, ...]:
    return making_room(snapshot, wanted_entries(snapshot, NOW), idle.get, NOW)


def test_the_longest_unused_gives_way() -> None:
    """And only as many as it takes."""
    assert leaving(box("old", "new"), old=50.0, new=10.0) == ("old",)
    assert leaving(box("old", "new"), old=5.0, new=10.0) == ("new",)


def test_one_that_was_never_asked_is_unused_since_it_is_ready() -> None:
    """Longer than one that was asked."""
    assert leaving(box("old", "new"), old=None, new=10.0) == ("old",)


def test_nobody_is_cut_off() -> None:
    """Who answers stays; what waits goes on waiting."""
    assert leaving(box("old", "new"), old=0.0, new=3.0) == ("new",)
    assert leaving(box("old", "new"), old=0.0, new=0.0) == ()


def test_whoever_need_not_leave_after_all_stays() -> None:
    """The smaller one went first and did not suffice; the larger one alone does."""
    sizes = {"old": 2, "new": 20}
    assert leaving(box("old", "new", sizes=sizes), old=50.0, new=10.0) == ("new",)


def test_while_one_is_on_its_way_out_nobody_else_is_asked() -> None:
    """Its memory will do."""
    snapshot = replace(box("old", "new"), yielding=frozenset({"old"}))
    assert leaving(snapshot, old=50.0, new=10.0) == ()
    child = replace(snapshot.children["old"], state=ChildState.STOPPING)
    assert leaving(with_child(replace(snapshot, yielding=frozenset()), child), old=50.0, new=10.0) == ()


def test_nobody_leaves_when_nobody_waits() -> None:
    """A full box is no reason."""
    assert leaving(replace(box("old", "new"), called={}), old=50.0, new=50.0) == ()
