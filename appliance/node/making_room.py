"""Which engines give way to a model that somebody waits for: the longest unused, and no more than it takes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from appliance.models.types import Model
from appliance.node.admission import Candidate, Room
from appliance.node.devices import places_of
from appliance.node.footprint import HOLDING, Bytes, held_by
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Child, ChildState, Snapshot
from appliance.node.wish import wished

IdleFor = Callable[[str], float | None]  # seconds since a model was last used; 0 while it is in use


def making_room(snapshot: Snapshot, serving: Iterable[ServingEntry], idle_for: IdleFor, now: float) -> tuple[str, ...]:
    """For the model that waits longest; while engines are on their way out nothing further is asked to leave."""
    waiting = [entry.model for entry in serving if entry.waits_for_room]
    first = min(waiting, key=list(snapshot.called).index, default=None)
    model = snapshot.library.find(first) if snapshot.library and first is not None else None
    if model is None or snapshot.inventory is None:
        return ()
    staying = {name: c for name, c in snapshot.children.items() if not _leaving(c, snapshot) and name != model.id}
    idle = {name: _idle(child, idle_for, now) for name, child in staying.items() if child.state is ChildState.READY}
    unused = sorted((name for name, seconds in idle.items() if seconds > 0), key=lambda name: -idle[name])
    fits = _Fits(model, staying, snapshot)
    return _fewest(unused, fits)


class _Fits:
    """Whether the model would be let in once some engines are gone."""

    def __init__(self, model: Model, staying: dict[str, Child], snapshot: Snapshot) -> None:
        inventory = places_of(snapshot)
        self._room = Room(snapshot, None)
        self._candidate = Candidate(model, wished(model.id, snapshot.settings.serving))
        self._held: dict[str, Bytes] = {name: held_by(c, inventory) for name, c in staying.items()} if inventory else {}

    def __call__(self, gone: Sequence[str]) -> bool:
        held = [part for name, part in self._held.items() if name not in gone]
        return self._room.modest(self._candidate, held) is not None


def _fewest(unused: Sequence[str], fits: _Fits) -> tuple[str, ...]:
    """The longest unused until it fits; then whoever of them need not leave after all stays."""
    gone: list[str] = []
    while not fits(gone):
        if len(gone) == len(unused):
            return ()  # all that could leave is not enough: others are at work, and it waits for them
        gone.append(unused[len(gone)])
    for name in reversed(gone[:]):
        without = [other for other in gone if other != name]
        if fits(without):
            gone = without
    return tuple(gone)


def _leaving(child: Child, snapshot: Snapshot) -> bool:
    return child.state not in HOLDING or child.state is ChildState.STOPPING or child.spec.model in snapshot.yielding


def _idle(child: Child, idle_for: IdleFor, now: float) -> float:
    """An engine that was never asked is unused since it is ready."""
    since_ready, idle = max(0.001, now - child.since), idle_for(child.spec.model)
    return since_ready if idle is None else min(idle, since_ready)
