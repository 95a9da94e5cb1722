"""Events fold into the snapshot, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.models.types import Library
from appliance.node import events
from appliance.node.reduce import reduce
from appliance.node.snapshot import ChildState, RequestLoad, Snapshot, TroubleKind
from appliance.settings.schema import Settings
from tests.builders import INVENTORY, MODEL_ID, make_child, make_snapshot, with_child
from tests.peers import make_links, make_peer

BASE = make_snapshot()
CHILD = make_child(BASE, state=ChildState.STARTING)
PEER = make_peer()
LINKS = make_links((PEER,))
MET = replace(BASE, peers={PEER.id: PEER}, links=LINKS)

CALLED = replace(BASE, called={"x": 5.0}, guests=frozenset({"x"}))


@pytest.mark.parametrize(
    ("before", "event", "after"),
    [
        (BASE, events.HardwareProbed(INVENTORY), replace(BASE, inventory=INVENTORY)),
        (BASE, events.LibraryScanned(Library()), replace(BASE, library=Library())),
        (BASE, events.SettingsChanged(Settings(revision=3)), replace(BASE, settings=Settings(revision=3))),
        (BASE, events.ChildReported(CHILD), with_child(BASE, CHILD)),
        (with_child(BASE, CHILD), events.ChildForgotten(MODEL_ID), BASE),
        (BASE, events.ChildForgotten("nobody"), BASE),
        (BASE, events.RetryAsked("m"), replace(BASE, attempts={"m": 1})),
        (replace(BASE, attempts={"m": 1}), events.RetryAsked("m"), replace(BASE, attempts={"m": 2})),
        (BASE, events.LoadMeasured(RequestLoad(2, 1)), replace(BASE, requests=RequestLoad(2, 1))),
        (BASE, events.TroubleFound(TroubleKind.DISK_FULL, "x"), replace(BASE, troubles={TroubleKind.DISK_FULL: "x"})),
        (replace(BASE, troubles={TroubleKind.DISK_FULL: "x"}), events.TroubleEnded(TroubleKind.DISK_FULL), BASE),
        (BASE, events.WakeAsked("x", 5.0), replace(BASE, called={"x": 5.0}, guests=frozenset({"x"}))),
        (BASE, events.WakeAsked(MODEL_ID, 5.0), replace(BASE, called={MODEL_ID: 5.0})),
        (
            replace(BASE, asleep=frozenset({MODEL_ID}), yielding=frozenset({MODEL_ID})),
            events.WakeAsked(MODEL_ID, 5.0),
            replace(BASE, called={MODEL_ID: 5.0}),
        ),
        (CALLED, events.SleepAsked("x"), replace(BASE, asleep=frozenset({"x"}))),
        (CALLED, events.GiveWayAsked("x"), replace(BASE, yielding=frozenset({"x"}))),
        (replace(CALLED, asleep=frozenset({"x"})), events.Dismissed("x"), BASE),
        (
            replace(BASE, yielding=frozenset({MODEL_ID}), children={MODEL_ID: CHILD}),
            events.ChildForgotten(MODEL_ID),
            BASE,
        ),
        (
            replace(BASE, called={MODEL_ID: 1.0}),
            events.ChildReported(make_child(BASE)),
            with_child(BASE, make_child(BASE)),
        ),
        (
            replace(BASE, guests=frozenset({MODEL_ID, "x"})),
            events.SettingsChanged(BASE.settings),
            replace(BASE, guests=frozenset({"x"})),
        ),
        (BASE, events.PeersReported((PEER, replace(PEER, id="node")), LINKS), MET),
        (MET, events.PeersReported(()), BASE),
        (BASE, events.DrainStarted(), replace(BASE, draining=True)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_event_changes_what_it_is_about(before: Snapshot, event: events.Event, after: Snapshot) -> None:
    """The whole snapshot is compared."""
    assert reduce(before, event) == after
