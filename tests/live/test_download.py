"""From a name to an answer: a real box fetches a model from a hub on this machine and serves it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.hub import SECOND, FakeHub, hub_in_thread
from tests.live.box import Box

pytestmark = pytest.mark.live

MODEL = "mesh-tiny-second-Q8_0"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with hub_in_thread() as one:
        yield one


def job(box: Box, job_id: str) -> dict[str, Any]:
    return dict(box.manage("GET", f"/api/jobs/{job_id}").json)


def listed(box: Box) -> list[str]:
    return [model["id"] for model in box.manage("GET", "/api/models").json["models"]]


def test_a_model_is_fetched_served_and_removed(tmp_path: Path, hub: FakeHub) -> None:
    """Its name is all a person needs; it is removed only when it is no longer served."""
    settings = json.dumps({"serving": {"models": []}})
    with Box(tmp_path, MESHBOX_HF_ENDPOINT=hub.url, MESHBOX_SETTINGS=settings) as box:
        assert hub.requests == []
        started = box.manage("POST", "/api/models", {"ref": SECOND})
        assert started.status == 202
        box.wait(lambda: job(box, started.json["id"])["state"] == "done", "the model is fetched")
        box.wait(lambda: MODEL in listed(box), "the model is listed", seconds=6)
        box.manage("PATCH", "/api/settings", {"serving": {"models": [MODEL]}})
        box.wait_ready(MODEL)
        assert box.chat("What is the capital of France?", MODEL)
        assert box.manage("DELETE", f"/api/models/{MODEL}").json["code"] == "in_use"
        box.manage("PATCH", "/api/settings", {"serving": {"models": []}})
        box.wait(lambda: not box.engines(), "the engine is gone")
        box.wait(lambda: box.manage("DELETE", f"/api/models/{MODEL}").status == 200, "the model is removed")
        assert not list((tmp_path / "models").rglob("*.gguf"))


def test_a_download_outlives_its_box(tmp_path: Path, hub: FakeHub) -> None:
    """Killed in the middle, it goes on by itself where it was."""
    hub.pause(after=1_500_000)
    with Box(tmp_path, MESHBOX_HF_ENDPOINT=hub.url) as box:
        started = box.manage("POST", "/api/models", {"ref": SECOND}).json["id"]
        parts = tmp_path / "models" / ".downloads"
        box.wait(lambda: max(p.stat().st_size for p in parts.glob("*.part")) > 1_000_000, "half of it is here")
        box.stop(signal.SIGKILL)
    hub.resume()
    box.lines.clear()
    with box:
        box.wait(lambda: job(box, started)["state"] == "done", "the download is done")
        assert any((seen.range or "bytes=0-") > "bytes=1" for seen in hub.asked("/blob/"))
        box.wait(lambda: MODEL in listed(box), "the model is listed", seconds=6)
