"""The status document of a box, as a pure function of what it knows."""

from __future__ import annotations

from typing import Any

from appliance.api.drafting import drafting_document
from appliance.api.gpu_documents import gpus_document
from appliance.api.jobs import job_document
from appliance.api.peers import link_document, members, peer_document
from appliance.api.times import timestamp
from appliance.mesh.types import NodeShare
from appliance.models.types import BrokenFile, Model
from appliance.node.fitting import verdict_on
from appliance.node.issues import Issue
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot
from appliance.placement.words import sentence
from appliance.run_loop import Outlook

Document = dict[str, Any]


def status_document(outlook: Outlook, now: float) -> Document:
    """Everything there is to know; on a single box the mesh is a mesh of one."""
    snapshot, decision = outlook.snapshot, outlook.decision
    node = snapshot.node
    return {
        "node": {
            "id": node.id,
            "name": snapshot.settings.node.name,
            "role": "node",
            "state": decision.state.value,
            "version": node.version,
            "flavor": node.flavor,
            "uptime_s": int(now - node.started_at),
        },
        "hardware": hardware_document(outlook),
        "mesh": {"id": None, "name": None, "members": members(snapshot), "publication": None},
        "peers": [peer_document(peer) for peer in snapshot.peers.values()],
        "links": [link_document(link) for link in snapshot.links],
        "gpus": gpus_document(outlook),
        "serving": [serving_entry(entry, snapshot) for entry in decision.serving],
        "models": models_document(outlook),
        "demand": [],
        "requests": {"in_flight": snapshot.requests.in_flight, "queued": snapshot.requests.queued},
        "jobs": [job_document(job) for job in snapshot.jobs.values()],
        "issues": [issue_document(issue) for issue in decision.issues if not issue.dismissed],
    }


def hardware_document(outlook: Outlook) -> Document | None:
    inventory = outlook.snapshot.inventory
    if inventory is None:
        return None
    cpu, memory = inventory.cpu, inventory.memory
    return {
        "cpu": {"name": cpu.name, "cores": cpu.cores, "features": list(cpu.features)},
        "memory": {"total": memory.total, "available": memory.available},
        "notes": list(inventory.notes),
    }


def serving_entry(entry: ServingEntry, snapshot: Snapshot) -> Document:
    child, failure = entry.child, entry.failure
    return {
        "model": entry.model,
        "state": entry.state.value,
        "kind": entry.kind,
        "nodes": [{"id": x.node, "share": x.share} for x in entry.nodes or (NodeShare(snapshot.node.id, 1.0),)],
        "progress": entry.progress,
        "predicted": None,
        "measured": {"first_answer_ms": child.answer_ms} if child and child.answer_ms is not None else None,
        "address": _address(entry),
        "context_length": child.context if child else None,
        "pid": child.pid if child else None,
        "since": timestamp(child.since) if child else None,
        "restarts": child.restarts if child else 0,
        "retry_at": timestamp(child.retry_at) if child and child.retry_at is not None else None,
        "reason": {"code": failure.code, "detail": failure.detail} if failure else None,
        "gpus": list(entry.spec.gpus) if entry.spec else [],
        "memory": dict(entry.spec.claims) if entry.spec else {},
        "on_demand": entry.guest,
        "note": entry.note,
        "drafting": drafting_document(entry, snapshot),
    }


def _address(entry: ServingEntry) -> str | None:
    endpoint = entry.child.endpoint if entry.child else None
    return f"{endpoint.host}:{endpoint.port}" if endpoint else None


def models_document(outlook: Outlook) -> list[Document]:
    library = outlook.snapshot.library
    if library is None:
        return []
    served = {entry.model: entry.state.value for entry in outlook.decision.serving}
    found = [
        _model(model, served.get(model.id, "available")) | fit_document(model, outlook.snapshot)
        for model in library.models
    ]
    return found + [_broken(file) for file in library.broken]


def _broken(file: BrokenFile) -> Document:
    return {
        "id": file.id,
        "path": file.path,
        "state": "broken",
        "reason": file.reason,
        "origin": file.keeper.value,
        "foreign": file.foreign,
    }


def _model(model: Model, state: str) -> Document:
    return {
        "id": model.id,
        "path": model.path,
        "size": model.size,
        "state": state,
        "architecture": model.architecture,
        "context_length": model.context_length,
        "parameters": model.parameters,
        "quantisation": model.quantisation,
        "capabilities": sorted(ability.value for ability in model.abilities),
        "bundled": model.bundled,
        "origin": "bundled" if model.bundled else model.keeper.value,
        "also": list(model.also),
    }


def fit_document(model: Model, snapshot: Snapshot) -> Document:
    """How a model would run here, and what its files say it can do."""
    verdict, claims = verdict_on(model, snapshot), model.profile.claims if model.profile else ()
    return {
        "fit": {
            "code": verdict.code.value,
            "tone": verdict.tone.value,
            "text": sentence(verdict),
            "context": verdict.context or None,
        },
        "traits": {claim.capability.value: {"level": claim.level.value, "source": claim.source} for claim in claims},
    }


def issue_document(issue: Issue) -> Document:
    return {
        "id": issue.id,
        "severity": issue.severity.value,
        "title": issue.title,
        "meaning": issue.meaning,
        "advice": issue.advice,
        "details": list(issue.details),
        "fix": {"label": issue.fix.label, "action": issue.fix.action} if issue.fix else None,
        "page": issue.place.path if issue.place else None,
        "since": timestamp(issue.since) if issue.since is not None else None,
        "dismissed": issue.dismissed,
    }


def changed_sections(before: Document, after: Document) -> dict[str, Any]:
    """The sections of the document that differ; a passing second alone is no change."""
    return {name: value for name, value in after.items() if _without_clock(value) != _without_clock(before.get(name))}


def _without_clock(section: object) -> object:
    return {k: v for k, v in section.items() if k != "uptime_s"} if isinstance(section, dict) else section
