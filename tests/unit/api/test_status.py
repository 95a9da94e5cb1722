"""The status document: complete, and its changes told apart."""

from __future__ import annotations

import json

from appliance.api.status import changed_sections, status_document
from appliance.api.times import timestamp
from appliance.models.types import BrokenFile, Library
from appliance.node.decide import decide
from appliance.node.snapshot import Snapshot
from appliance.run_loop import Outlook
from tests.builders import MODEL_ID, make_child, make_model, make_snapshot, with_child


def document(snapshot: Snapshot, now: float = 10.0) -> dict[str, object]:
    return status_document(Outlook(1, snapshot, decide(snapshot, now)), now)


def test_every_promised_section_is_there() -> None:
    """On one box the mesh is a mesh of one; nothing is absent."""
    status = document(make_snapshot())
    assert set(status) >= {
        *("node", "mesh", "peers", "gpus", "serving", "models", "demand", "requests", "issues"),
    }
    assert status["node"] == {
        "id": "node",
        "name": "meshbox",
        "role": "node",
        "state": "loading",
        "version": "0.1.0",
        "flavor": "cpu",
        "uptime_s": 10,
    }


def test_a_served_model_shows_who_serves_it() -> None:
    """The host stands first; secrets of the engine stand nowhere."""
    snapshot = make_snapshot()
    status = document(with_child(snapshot, make_child(snapshot, answer_ms=5.0, context=1024, pid=77)))
    serving = status["serving"]
    assert isinstance(serving, list)
    (entry,) = serving
    assert (entry["model"], entry["state"], entry["kind"]) == (MODEL_ID, "ready", "solo")
    assert entry["nodes"] == [{"id": "node", "share": 1.0}]
    assert entry["measured"] == {"first_answer_ms": 5.0}
    assert '"key"' not in json.dumps(status)


def test_files_that_cannot_be_served_are_listed_with_their_reason() -> None:
    """The library hides nothing."""
    library = Library(models=(make_model(),), broken=(BrokenFile("half", "/half.gguf", "It is cut short."),))
    models = document(make_snapshot(library=library))["models"]
    assert isinstance(models, list)
    assert [(m["id"], m["state"]) for m in models] == [(MODEL_ID, "planned"), ("half", "broken")]


def test_a_passing_second_is_no_change() -> None:
    """Nobody is woken by the clock."""
    snapshot = make_snapshot()
    assert changed_sections(document(snapshot, 10.0), document(snapshot, 11.0)) == {}


def test_only_what_changed_is_told() -> None:
    """One section, not the whole document."""
    snapshot = make_snapshot()
    before, after = document(snapshot), document(with_child(snapshot, make_child(snapshot)))
    assert set(changed_sections(before, after)) == {"node", "serving", "models"}


def test_times_are_rfc_3339_in_utc() -> None:
    """As the contract says."""
    assert timestamp(0.0) == "1970-01-01T00:00:00Z"
