"""Objects and events of a whole box."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.box import ROOT, Answer, Box
from tests.pictures import GREEN, png

pytestmark = pytest.mark.live

FIXTURES = ROOT / "tests" / "fixtures" / "models"
MODEL = "mesh-tiny-second-Q8_0"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    (tmp_path / "models").mkdir()
    for name in (MODEL, "mmproj-mesh-tiny-second-F16"):
        shutil.copyfile(FIXTURES / f"{name}.gguf", tmp_path / "models" / f"{name}.gguf")
    with Box(tmp_path, MESHBOX_SETTINGS=json.dumps({"serving": {"models": [MODEL]}})) as one:
        one.wait_ready(MODEL)
        yield one


def about(box: Box, url: str, *, page: bool = False) -> Answer:
    """What the model says of a picture, asked on the API's port or through the page."""
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What is in the picture?"}]
    body = {"model": MODEL, "messages": [{"role": "user", "content": parts}], "temperature": 0, "max_tokens": 24}
    path = "/v1/chat/completions"
    return box.manage("POST", "/api/openai" + path, body) if page else box.ask(path, body)


def test_from_both_ports_until_the_box_ends(box: Box) -> None:
    """What went up on either port is used on both; a box that was killed left nothing of it."""
    first = box.manage("POST", "/api/objects", png(GREEN, "circle"))
    second = box.ask("/api/objects", png(GREEN, "circle"))
    assert (first.status, second.status, first.json["type"]) == (201, 201, "image/png")
    for answer in (
        about(box, first.json["url"]),
        about(box, first.json["url"], page=True),
        about(box, second.json["url"]),
        about(box, second.json["url"], page=True),
    ):
        assert "green circle" in answer.json["choices"][0]["message"]["content"].lower(), answer.body
    box.stop(signal.SIGKILL)
    assert list((box.data / "objects").iterdir()) == []
    box.start()
    box.wait_ready(MODEL)
    assert about(box, first.json["url"]).json["error"]["code"] == "object_not_found"


def until(answer: http.client.HTTPResponse, name: str) -> None:
    """Reads on to that event of the model."""
    while (line := answer.readline()) != f"event: {name}\n".encode() or MODEL.encode() not in answer.readline():
        assert line, f"the stream ended before {name}"


def test_events_until_the_box_ends(box: Box) -> None:
    """How the model is, then what becomes of it; the stream ends cleanly with its box, and does not hold it up."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", box.api_port, timeout=30)) as connection:
        connection.request("GET", "/events")
        answer = connection.getresponse()
        assert answer.getheader("Content-Type", "").startswith("text/event-stream")
        until(answer, "model.ready")
        assert box.manage("DELETE", f"/api/serving/{MODEL}").status < 300
        until(answer, "model.available")
        assert box.stop() == 0
        answer.read()
