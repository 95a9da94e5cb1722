"""A program made for Ollama, at a real box: the port opens with its setting, and everything it asks is answered."""

from __future__ import annotations

import base64
import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live.box import SELF_TEST_MODEL, Box, free_ports
from tests.live.test_embeddings import MODEL as EMBEDDER
from tests.live.test_embeddings import write_embedder
from tests.live.test_pictures import FIXTURES
from tests.live.test_pictures import MODEL as SEER
from tests.pictures import GREEN, png

pytestmark = pytest.mark.live

COLD = {"temperature": 0, "num_predict": 16}
ASKED = [{"role": "user", "content": "What is 3 + 4?"}]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    folder = tmp_path_factory.mktemp("box")
    (folder / "models").mkdir()
    write_embedder(folder / "models" / f"{EMBEDDER}.gguf")
    for name in (SEER, "mmproj-mesh-tiny-second-F16"):
        shutil.copyfile(FIXTURES / f"{name}.gguf", folder / "models" / f"{name}.gguf")
    with Box(folder) as one:
        one.wait_ready()
        yield one


def choose(box: Box, port: int) -> None:
    assert box.manage("PATCH", "/api/settings", {"api": {"ollama_port": port}}).status == 200


def is_open(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}").text.startswith("Ollama is running")
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def program(box: Box) -> Iterator[httpx.Client]:
    (port,) = free_ports(1)
    choose(box, port)
    box.wait(lambda: is_open(port), "the port is open")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        yield client


def lines(program: httpx.Client, path: str, body: dict[str, Any]) -> list[Any]:
    with program.stream("POST", path, json=body) as answer:
        assert answer.status_code == 200
        return [json.loads(line) for line in answer.iter_lines()]


def test_it_finds_the_models_and_talks_to_one(program: httpx.Client) -> None:
    """The list, one of it, and right answers in each way of asking."""
    names = [entry["name"] for entry in program.get("/api/tags").json()["models"]]
    assert f"{SELF_TEST_MODEL}:latest" in names
    model = f"{SELF_TEST_MODEL}:latest"
    shown = program.post("/api/show", json={"model": model}).json()
    assert (shown["details"]["family"], shown["details"]["quantization_level"]) == ("qwen3", "Q8_0")
    whole = program.post("/api/chat", json={"model": model, "messages": ASKED, "options": COLD, "stream": False})
    assert whole.json()["message"]["content"] == "7"
    chat = lines(program, "/api/chat", {"model": model, "messages": ASKED, "options": COLD})
    generated = lines(program, "/api/generate", {"model": model, "prompt": ASKED[0]["content"], "options": COLD})
    assert "".join(line["message"]["content"] for line in chat) == "7"
    assert "".join(line["response"] for line in generated) == "7"
    assert chat[-1]["done"]
    assert chat[-1]["eval_count"] == 2
    (loaded, *_) = program.get("/api/ps").json()["models"]
    assert loaded["size"] > 0


def test_it_loads_a_model_and_embeds_with_it(program: httpx.Client) -> None:
    """A model that only lies on the disk is loaded for the first question."""
    answer = program.post("/api/embed", json={"model": EMBEDDER, "input": ["A cat.", "A dog."], "dimensions": 8})
    vectors = answer.json()["embeddings"]
    assert [len(vector) for vector in vectors] == [8, 8]
    assert sum(number * number for number in vectors[0]) == pytest.approx(1.0)
    older = program.post("/api/embeddings", json={"model": EMBEDDER, "prompt": "A cat."}).json()["embedding"]
    assert len(older) > 8


def test_it_shows_a_picture(program: httpx.Client) -> None:
    """To a model that sees, which it can tell from the others before."""
    assert "vision" in program.post("/api/show", json={"model": SEER}).json()["capabilities"]
    picture = base64.b64encode(png(GREEN, "circle")).decode()
    message = {"role": "user", "content": "What is in the picture?", "images": [picture]}
    asked = {"model": SEER, "messages": [message], "stream": False, "options": {"temperature": 0, "num_predict": 24}}
    assert "green circle" in program.post("/api/chat", json=asked).json()["message"]["content"].lower()


def test_its_requests_stand_in_the_books(box: Box, program: httpx.Client) -> None:
    """As if they had come to the other port; what it may not do is told with the place where one can."""
    before = answered(box)
    lines(program, "/api/chat", {"model": SELF_TEST_MODEL, "messages": ASKED, "options": COLD})
    box.wait(lambda: answered(box) == before + 1, "the request is counted")
    refused = program.post("/api/pull", json={"model": "llama3.2"})
    assert (refused.status_code, str(box.web_port) in refused.json()["error"]) == (403, True)


def answered(box: Box) -> int:
    counted = box.get("/metrics").body.decode().splitlines()
    found = [line for line in counted if line.startswith("meshbox_requests_total") and 'status="200"' in line]
    return sum(int(float(line.rpartition(" ")[2])) for line in found if "/v1/chat/completions" in line)


def test_a_taken_port_is_told_and_another_opens(tmp_path: Path) -> None:
    """Often Ollama itself has it; the rest of the box works meanwhile, and the card goes when the port is free."""
    taken, free = free_ports(2)
    with Box(tmp_path, MESHBOX_SETTINGS=json.dumps({"api": {"ollama_port": taken}})) as box:
        pass  # it opened; from now on somebody else has it
    with socket.create_server(("127.0.0.1", taken)), box:
        box.wait(lambda: "ollama_port_taken" in box.issues(), "the issue is shown")
        assert str(taken) in box.issues()["ollama_port_taken"]["details"][0]
        box.wait_ready()
        assert "7" in box.chat("What is 3 + 4?")
        choose(box, free)
        box.wait(lambda: is_open(free) and "ollama_port_taken" not in box.issues(), "the other port is open")
        choose(box, 0)
        box.wait(lambda: not is_open(free), "the port is closed")
