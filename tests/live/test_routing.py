"""Two models, many clients: who answers what, and in which order."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.live.box import ROOT, SELF_TEST_MODEL, Answer, Box

pytestmark = pytest.mark.live

SECOND = "mesh-tiny-second-Q8_0"
CHAT = "/v1/chat/completions"
CLIENTS = 40
SETTINGS = {"serving": {"models": [SELF_TEST_MODEL, SECOND], "slots": 2}, "api": {"queue_length": 100}}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    folder = tmp_path_factory.mktemp("box")
    (folder / "models").mkdir()
    for name in (SECOND, "mmproj-mesh-tiny-second-F16"):
        shutil.copyfile(ROOT / "tests" / "fixtures" / "models" / f"{name}.gguf", folder / "models" / f"{name}.gguf")
    with Box(folder, MESHBOX_SETTINGS=json.dumps(SETTINGS)) as one:
        one.wait_ready()
        one.wait_ready(SECOND)
        yield one


def asked(content: object, **more: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": content}], "max_tokens": 60, "ignore_eos": True, **more}


def test_the_answer_names_the_model_that_was_chosen(box: Box) -> None:
    """In its field `model` and in its headers, with the reason, when the choice was left to the box."""
    for model in ({}, {"model": "auto"}):
        answer = box.ask(CHAT, asked("What is 3 + 4?", **model))
        assert (answer.status, answer.json["model"]) == (200, answer.headers["x-meshbox-model"])
        assert answer.headers["x-meshbox-route"].startswith("solo; auto: ")


def test_a_picture_is_sent_to_eyes(box: Box) -> None:
    """One named without eyes refuses it and names the one that sees."""
    picture = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    refused = box.ask(CHAT, asked(picture, model=SELF_TEST_MODEL))
    assert (refused.status, refused.json["error"]["models"]) == (400, [SECOND])
    chosen = box.ask(CHAT, asked(picture))
    assert "unsupported_input" not in chosen.body.decode()  # the one with eyes was asked; this is no real picture


def test_many_at_once_wait_in_line(box: Box) -> None:
    """The box shows that they do, everybody is served, and each answer tells how long its line was."""

    def ask(number: int) -> Answer:
        return box.ask(CHAT, asked("What is 3 + 4?", model=SELF_TEST_MODEL, stream=bool(number % 2)))

    def load() -> dict[str, int]:
        return dict(box.manage("GET", "/api/status").json["requests"])

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [pool.submit(ask, number) for number in range(CLIENTS)]
        box.wait(lambda: load()["queued"] > 0, "somebody waits, and the box shows it")
        positions = [int(a.result().headers["x-meshbox-queue"]) for a in answers]
    assert [a.result().status for a in answers] == [200] * CLIENTS
    assert max(positions) > 0
    box.wait(lambda: load() == {"in_flight": 0, "queued": 0}, "nobody waits any more")
