"""Folds one event into the snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar, assert_never

from appliance.node import events
from appliance.node.snapshot import Snapshot

K = TypeVar("K")
V = TypeVar("V")


def reduce(snapshot: Snapshot, event: events.Event) -> Snapshot:  # noqa: C901, PLR0911, PLR0912 - one line per event
    match event:
        case events.HardwareProbed(inventory):
            return replace(snapshot, inventory=inventory)
        case events.EngineDevicesListed(listed):
            return replace(snapshot, engine_devices=listed)
        case events.TrialsKept(trials):
            return replace(snapshot, trials=trials)
        case events.LibraryScanned(library):
            return replace(snapshot, library=library)
        case events.SettingsChanged(settings):
            return replace(snapshot, settings=settings)
        case events.ChildReported(child):
            return replace(snapshot, children=_with(snapshot.children, child.spec.model, child))
        case events.ChildForgotten(model):
            return replace(snapshot, children=_without(snapshot.children, model))
        case events.RetryAsked(model):
            return replace(snapshot, attempts=_with(snapshot.attempts, model, snapshot.attempts.get(model, 0) + 1))
        case events.SleepAsked(model):
            return replace(snapshot, asleep=snapshot.asleep | {model})
        case events.WakeAsked(model):
            return replace(snapshot, asleep=snapshot.asleep - {model})
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


def _with(old: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    return MappingProxyType({**old, key: value})


def _without(old: Mapping[K, V], key: K) -> Mapping[K, V]:
    return MappingProxyType({k: v for k, v in old.items() if k != key})
