"""Large attachments of the chat: sent up once, named by every later question, sent anew when the box has none."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, Request, Route, expect

from tests.browser.chat_page import API, answer_of, answers_with, asked, enter, finished, said, stream
from tests.browser.conftest import Account
from tests.live.box import ROOT, Box

pytestmark = [pytest.mark.browser, pytest.mark.live]

FIXTURES = ROOT / "tests" / "fixtures" / "models"
MODEL = "mesh-tiny-second-Q8_0"
OBJECTS = "**/api/objects"
SOUND = b"RIFF" + bytes(4) + b"WAVE" + bytes(300_000)
GONE = {"message": "There is no object.", "code": "object_not_found"}
NOISE = """(edge) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: edge, height: edge });
  const brush = canvas.getContext("2d");
  const picture = brush.createImageData(edge, edge);
  for (let at = 0; at < picture.data.length; at += 65536) crypto.getRandomValues(picture.data.subarray(at, at + 65536));
  for (let at = 3; at < picture.data.length; at += 4) picture.data[at] = 255;
  brush.putImageData(picture, 0, 0);
  return canvas.toDataURL("image/png");
}"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """With a model that sees."""
    folder = tmp_path_factory.mktemp("box")
    (folder / "models").mkdir()
    for name in (MODEL, "mmproj-mesh-tiny-second-F16"):
        shutil.copyfile(FIXTURES / f"{name}.gguf", folder / "models" / f"{name}.gguf")
    with Box(folder, MESHBOX_SETTINGS=json.dumps({"serving": {"models": [MODEL]}})) as one:
        one.wait_ready(MODEL)
        yield one


@pytest.fixture
def sent(page: Page) -> list[Request]:
    """What the page puts up, as the list grows."""
    seen: list[Request] = []
    page.on("request", lambda r: seen.append(r) if r.url.endswith("/api/objects") and r.method == "POST" else None)
    return seen


def attach(page: Page, name: str, kind: str, content: bytes) -> None:
    page.set_input_files("#files", FilePayload(name=name, mimeType=kind, buffer=content))
    expect(page.locator("#tray li")).to_be_visible()


def send(page: Page) -> None:
    page.get_by_role("button", name="Send", exact=True).click()
    finished(page)


def sound_in(question: dict[str, Any]) -> str:
    return str(question["messages"][0]["content"][0]["input_audio"]["data"])


def test_a_large_picture_goes_up_once(box: Box, page: Page, sent: list[Request], account: Account) -> None:
    """The real box answers both questions about it, and neither of them carries it."""
    enter(page, box)
    noise = base64.b64decode(str(page.evaluate(NOISE, 700)).partition(",")[2])
    attach(page, "noise.png", "image/png", noise)
    bodies: list[str] = []
    page.on("request", lambda r: bodies.append(r.post_data or "") if r.url.endswith("/completions") else None)
    asked(page, "What is in the picture?")
    expect(answer_of(page).locator(".trouble")).to_be_hidden()
    asked(page, "And now?")
    expect(answer_of(page).locator(".trouble")).to_be_hidden()
    assert len(sent) == 1
    assert [len(body) < 10_000 and "meshbox://objects/" in body for body in bodies] == [True, True]
    assert account.complaints == []


def test_a_small_one_goes_along(box: Box, page: Page, sent: list[Request]) -> None:
    """Nothing is gained by keeping it."""
    enter(page, box)
    attach(page, "a.wav", "audio/wav", SOUND[:1000])
    questions = answers_with(page, stream(said("Heard.")))
    send(page)
    assert (sound_in(questions[0]).startswith("UklGR"), sent) == (True, [])


def test_what_the_box_has_forgotten_is_sent_anew(box: Box, page: Page, sent: list[Request]) -> None:
    """By itself: nobody is told, and the question is answered."""
    enter(page, box)
    attach(page, "a.wav", "audio/wav", SOUND)
    questions = answers_with(page, stream(said("Heard.")))
    send(page)
    page.route(API, lambda route: route.fulfill(status=400, body=json.dumps({"error": GONE})), times=1)
    asked(page, "Again?", "Heard.")
    first, second = (sound_in(question) for question in questions)
    assert first.startswith("meshbox://objects/")
    assert second.startswith("meshbox://objects/")
    assert (first != second, len(sent)) == (True, 2)


@pytest.mark.parametrize(("status", "times"), [(403, 1), (507, 2)])
def test_a_box_that_takes_none_gets_it_in_the_question(
    box: Box, page: Page, sent: list[Request], status: int, times: int
) -> None:
    """Always when it takes none at all; when it is full only until it is not."""
    enter(page, box)
    attach(page, "a.wav", "audio/wav", SOUND)
    questions = answers_with(page, stream(said("Heard.")))
    page.route(OBJECTS, lambda route: route.fulfill(status=status, body="{}"))
    send(page)
    asked(page, "Again?", "Heard.")
    assert [sound_in(question).startswith("UklGR") for question in questions] == [True, True]
    assert len(sent) == times


def test_what_the_box_cannot_use_goes_along(box: Box, page: Page, sent: list[Request]) -> None:
    """It called itself sound and is none: the engine says so, in its own words."""
    enter(page, box)
    attach(page, "a.wav", "audio/wav", b"no sound at all" * 20_000)
    carried: list[int] = []
    page.on("request", lambda r: carried.append(len(r.post_data or "")) if r.url.endswith("/completions") else None)
    page.get_by_label("Model", exact=True).select_option(MODEL)
    page.route(API, hears, times=1)
    send(page)
    assert [size > 300_000 for size in carried] == [False, True]
    assert len(sent) == 1


def hears(route: Route) -> None:
    """As a box does whose model hears."""
    error = {"message": "The object is text/plain.", "code": "object_unusable"}
    route.fulfill(status=400, body=json.dumps({"error": error}))


def test_a_long_text_goes_up_as_well(box: Box, page: Page, sent: list[Request]) -> None:
    """With its name, within its block; the question stands behind it."""
    enter(page, box)
    attach(page, "long.txt", "text/plain", b"word " * 60_000)
    questions = answers_with(page, stream(said("Read.")))
    asked(page, "What is it about?", "Read.")
    file, words = questions[0]["messages"][0]["content"]
    assert (file["type"], file["file"]["filename"]) == ("file", "long.txt")
    assert file["file"]["file_data"].startswith("meshbox://objects/")
    assert words == {"type": "text", "text": "What is it about?"}
    assert (sent[0].post_data or "").startswith("File: long.txt\n```\nword word ")


def test_it_is_told_what_is_being_sent(box: Box, page: Page) -> None:
    """A slow line shows why nothing comes yet; stopping stops that too."""
    enter(page, box)
    attach(page, "a.wav", "audio/wav", SOUND)
    page.route(OBJECTS, lambda _: None)  # never answered
    page.get_by_role("button", name="Send", exact=True).click()
    expect(answer_of(page).locator(".pending")).to_have_text("Sending a.wav…")
    page.get_by_role("button", name="Stop", exact=True).click()
    finished(page)
    expect(answer_of(page)).to_contain_text("You stopped this answer.")
