"""Folds one event into the snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar, assert_never

from appliance.hardware.engine_devices import without_free
from appliance.node import events
from appliance.node.fallback import noted
from appliance.node.footprint import HOLDING
from appliance.node.snapshot import Child, ChildState, Snapshot
from appliance.node.wish import wanted_ids

K = TypeVar("K")
V = TypeVar("V")


def reduce(snapshot: Snapshot, event: events.Event) -> Snapshot:  # noqa: C901, PLR0911, PLR0912 - one line per event
    match event:
        case events.HardwareProbed(inventory):
            return replace(snapshot, inventory=inventory)
        case events.EngineDevicesListed(listed):
            ours = any(child.state in HOLDING for child in snapshot.children.values())
            return replace(snapshot, engine_devices=without_free(listed) if ours else listed)
        case events.TrialsKept(trials):
            return replace(snapshot, trials=trials)
        case events.DraftTried(model, trial):
            return replace(snapshot, draft_trials=_with(snapshot.draft_trials, model, trial))
        case events.DraftForgotten(model):
            return replace(snapshot, draft_trials=_without(snapshot.draft_trials, model))
        case events.LibraryScanned(library):
            return replace(snapshot, library=library)
        case events.SettingsChanged(settings):
            after = replace(snapshot, settings=settings)
            return replace(after, guests=after.guests - wanted_ids(after))
        case events.ChildReported(child):
            return _with_child(snapshot, child)
        case events.ChildForgotten(model):
            children, yielding = _without(snapshot.children, model), snapshot.yielding - {model}
            return replace(snapshot, children=children, yielding=yielding)
        case events.RetryAsked(model):
            return replace(snapshot, attempts=_with(snapshot.attempts, model, snapshot.attempts.get(model, 0) + 1))
        case events.SleepAsked(model):
            return replace(_uncalled(snapshot, model), asleep=snapshot.asleep | {model})
        case events.WakeAsked(model, at):
            return _called(snapshot, model, at)
        case events.GiveWayAsked(model):
            return replace(_uncalled(snapshot, model), yielding=snapshot.yielding | {model})
        case events.Dismissed(model):
            return replace(_uncalled(snapshot, model), asleep=snapshot.asleep - {model})
        case events.JobReported(job):
            return replace(snapshot, jobs=_with(snapshot.jobs, job.id, job))
        case events.JobForgotten(job_id):
            return replace(snapshot, jobs=_without(snapshot.jobs, job_id))
        case events.LoadMeasured(requests):
            return replace(snapshot, requests=requests)
        case events.TroubleFound(kind, detail):
            return replace(snapshot, troubles=_with(snapshot.troubles, kind, detail))
        case events.TroubleEnded(kind):
            return replace(snapshot, troubles=_without(snapshot.troubles, kind))
        case events.IssuesNoted(present, at, settled):
            return replace(snapshot, attention=snapshot.attention.noted(present, at, settled=settled))
        case events.IssueHidden(issue_id, grave):
            return replace(snapshot, attention=snapshot.attention.with_hidden(issue_id, grave=grave))
        case events.IssueShown(issue_id):
            return replace(snapshot, attention=snapshot.attention.with_shown(issue_id))
        case events.PeersReported(peers, links):
            others = {peer.id: peer for peer in peers if peer.id != snapshot.node.id}
            return replace(snapshot, peers=MappingProxyType(others), links=links)
        case events.DrainStarted():
            return replace(snapshot, draining=True)
        case _:
            assert_never(event)


def _with_child(snapshot: Snapshot, child: Child) -> Snapshot:
    children = _with(snapshot.children, child.spec.model, child)
    there = child.state is ChildState.READY
    called = _without(snapshot.called, child.spec.model) if there else snapshot.called
    return replace(snapshot, children=children, called=called, left_out=noted(snapshot.left_out, child))


def _called(snapshot: Snapshot, model: str, at: float) -> Snapshot:
    """Whoever waits longest keeps its place; a call is heard again and again as long as somebody waits."""
    return replace(
        snapshot,
        asleep=snapshot.asleep - {model},
        yielding=snapshot.yielding - {model},
        guests=snapshot.guests | ({model} - wanted_ids(snapshot)),
        called=_with(snapshot.called, model, at),
    )


def _uncalled(snapshot: Snapshot, model: str) -> Snapshot:
    return replace(snapshot, called=_without(snapshot.called, model), guests=snapshot.guests - {model})


def _with(old: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    return MappingProxyType({**old, key: value})


def _without(old: Mapping[K, V], key: K) -> Mapping[K, V]:
    return MappingProxyType({k: v for k, v in old.items() if k != key})
