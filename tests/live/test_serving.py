"""Loading, unloading and putting to sleep, on a running box."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.box import SELF_TEST_MODEL, Box

pytestmark = pytest.mark.live

FIXTURES = Path(__file__).parents[1] / "fixtures" / "models"
SECOND = "mesh-tiny-second-Q8_0"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    folder = tmp_path_factory.mktemp("box")
    with Box(folder) as one:
        one.wait_ready()
        models = Path(one.environment["MESHBOX_MODELS"])
        shutil.copy(FIXTURES / f"{SECOND}.gguf", models / f"{SECOND}.gguf")
        one.wait(lambda: SECOND in ids(one), "the second model is found")
        yield one


def ids(box: Box) -> list[str]:
    return [model["id"] for model in box.manage("GET", "/api/models").json["models"]]


def job(box: Box, job_id: str) -> dict[str, Any]:
    return dict(box.manage("GET", f"/api/jobs/{job_id}").json)


def test_a_model_is_loaded_and_unloaded_by_request(box: Box) -> None:
    """202 with a job; the job ends when the model answers; unloading leaves the file."""
    answer = box.manage("POST", "/api/serving", {"model": "mesh-tiny-second", "ctx": 512})
    assert answer.status == 202
    box.wait(lambda: job(box, answer.json["id"])["state"] == "done", "the load is done")
    assert box.wait_ready(SECOND)["context_length"] == 512
    assert box.chat("Who are you?", SECOND)
    assert box.manage("DELETE", f"/api/serving/{SECOND}").status == 202
    box.wait(lambda: len(box.engines()) == 1, "its engine has ended")
    assert SECOND in ids(box)
    assert SECOND not in [entry["model"] for entry in box.manage("GET", "/api/serving").json["serving"]]


def test_a_sleeping_model_wakes_when_it_is_asked(box: Box) -> None:
    """Its engine is gone while it sleeps; the next request starts it and is answered."""
    box.wait_ready()
    assert box.manage("POST", f"/api/serving/{SELF_TEST_MODEL}/sleep").status == 202
    box.wait(lambda: box.entry()["state"] == "sleeping" and not box.engines(), "it sleeps and its engine has ended")
    assert box.manage("POST", f"/api/serving/{SELF_TEST_MODEL}/sleep").status == 409
    assert "7" in box.chat("What is 3 + 4?")
    assert box.entry()["state"] == "ready"


def test_one_models_own_settings_reach_its_engine(box: Box) -> None:
    """Context, slots and the kind of its cache; an alias is another name for it."""
    own = {"context": 256, "slots": 1, "kv_type": "q8_0", "aliases": ["little-helper"]}
    answer = box.manage("PATCH", "/api/settings", {"serving": {"per_model": {SELF_TEST_MODEL: own}}})
    assert answer.status == 200
    box.wait(lambda: box.entry()["state"] == "ready" and box.entry()["context_length"] == 256, "it runs with its own")
    assert "7" in box.chat("What is 3 + 4?", "little-helper")
    gone = box.manage("PATCH", "/api/settings", {"serving": {"per_model": {SELF_TEST_MODEL: None}}})
    assert SELF_TEST_MODEL not in gone.json["serving"]["per_model"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "no-such-model"}, 404, "unknown_model"),
        ({"model": SELF_TEST_MODEL, "kind": "pipeline"}, 409, "one_box_only"),
        ({"model": SELF_TEST_MODEL, "nodes": ["elsewhere"]}, 409, "unknown_node"),
        ({"model": SELF_TEST_MODEL, "kind": "magic"}, 422, "invalid_fields"),
        ({"model": ""}, 422, "invalid_fields"),
    ],
)
def test_what_cannot_be_is_refused(box: Box, body: dict[str, object], status: int, code: str) -> None:
    """Never a quiet change of what was asked."""
    answer = box.manage("POST", "/api/serving", body)
    assert (answer.status, answer.json["code"]) == (status, code)
