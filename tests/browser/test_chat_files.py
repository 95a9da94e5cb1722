"""Files that go along with a question."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.chat_page import answer_of, answers_with, ask, asked, enter, finished, said, stream
from tests.browser.conftest import Account, faults
from tests.live.box import Box

pytestmark = [pytest.mark.browser, pytest.mark.live]

MAKE_PICTURE = """([width, height]) => {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").fillRect(0, 0, width / 2, height);
  return canvas.toDataURL("image/png");
}"""
SIZE_OF = """async (address) => {
  const picture = new Image();
  picture.src = address;
  await picture.decode();
  return [picture.naturalWidth, picture.naturalHeight];
}"""
GIVE = """([way, name, type, content]) => {
  const data = new DataTransfer();
  data.items.add(new File([content], name, { type }));
  const target = document.getElementById(way === "paste" ? "question" : "room");
  const made = way === "paste"
    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  target.dispatchEvent(made);
}"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("box")) as one:
        one.wait_ready()
        yield one


def attach(page: Page, name: str, kind: str, content: bytes) -> None:
    page.set_input_files("#files", FilePayload(name=name, mimeType=kind, buffer=content))


def picture(page: Page, width: int, height: int) -> bytes:
    return base64.b64decode(str(page.evaluate(MAKE_PICTURE, [width, height])).partition(",")[2])


def test_a_text_goes_along_with_its_name(box: Box, page: Page) -> None:
    """The real model takes it; the file cannot end its own block."""
    enter(page, box)
    attach(page, "notes.md", "text/markdown", b"a\r\n````\nb")
    expect(page.get_by_role("list", name="Attachments")).to_contain_text("notes.md")
    questions: list[Any] = []
    page.on("request", lambda r: questions.append(r.post_data_json) if r.url.endswith("/completions") else None)
    asked(page, "What is 3 + 4?")
    assert questions[0]["messages"][0]["content"] == ("File: notes.md\n`````\na\n````\nb\n`````\n\nWhat is 3 + 4?")
    expect(answer_of(page).locator(".trouble")).to_be_hidden()
    expect(page.locator(".said.user")).to_contain_text("notes.md")
    expect(page.get_by_role("list", name="Attachments")).to_be_hidden()
    page.reload()
    expect(page.locator(".said.user")).to_contain_text("notes.md")


def test_a_large_picture_is_made_smaller(box: Box, page: Page, account: Account) -> None:
    """At most 1568 pixels along the longer edge, as JPEG, whatever it was."""
    enter(page, box)
    attach(page, "shot.png", "image/png", picture(page, 3136, 1000))
    expect(page.get_by_role("img", name="shot.png")).to_be_visible()
    assert faults(page) == []
    questions = answers_with(page, stream(said("A picture.")))
    asked(page, "What is this?", "A picture.")
    part, words = questions[0]["messages"][0]["content"]
    assert part["type"] == "image_url"
    assert part["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert page.evaluate(SIZE_OF, part["image_url"]["url"]) == [1568, 500]
    assert words == {"type": "text", "text": "What is this?"}
    assert account.complaints == []


@pytest.mark.parametrize(
    ("name", "kind", "part"),
    [
        ("a.wav", "audio/wav", {"type": "input_audio", "input_audio": {"data": "AQID", "format": "wav"}}),
        ("a.mp3", "audio/mpeg", {"type": "input_audio", "input_audio": {"data": "AQID", "format": "mp3"}}),
        (
            "a.pdf",
            "application/pdf",
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AQID"}},
        ),
    ],
)
def test_sound_and_pdf_go_as_they_are(box: Box, page: Page, name: str, kind: str, part: dict[str, Any]) -> None:
    """In the form that the API knows, even without words."""
    enter(page, box)
    attach(page, name, kind, b"\x01\x02\x03")
    expect(page.get_by_role("list", name="Attachments")).to_contain_text(name)
    questions = answers_with(page, stream(said("Heard.")))
    page.get_by_role("button", name="Send", exact=True).click()
    finished(page)
    assert questions[0]["messages"][0]["content"] == [part]


def test_a_model_without_eyes_says_so(box: Box, page: Page) -> None:
    """The box refuses the picture; the page says what to do."""
    enter(page, box)
    attach(page, "shot.png", "image/png", picture(page, 20, 20))
    expect(page.get_by_role("img", name="shot.png")).to_be_visible()
    ask(page, "What is this?")
    finished(page)
    trouble = answer_of(page).locator(".trouble")
    expect(trouble).to_contain_text("may not be able to read the attached files")
    expect(trouble).to_contain_text("No model of this box takes pictures.")


@pytest.mark.parametrize(
    ("name", "kind", "content", "words"),
    [
        ("tool.bin", "application/octet-stream", b"\x00\xff\x00", "tool.bin is no file that can be attached."),
        ("photo.heic", "image/heic", b"no picture", "photo.heic is a picture that this browser cannot read."),
        ("long.txt", "text/plain", b"x" * ((1 << 20) + 1), "long.txt is too large. A text file may have up to 1 MiB."),
    ],
)
def test_what_cannot_go_along_is_told(box: Box, page: Page, name: str, kind: str, content: bytes, words: str) -> None:
    """In words, and nothing is attached."""
    enter(page, box)
    attach(page, name, kind, content)
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.get_by_role("list", name="Attachments")).to_be_hidden()


def test_an_attachment_can_be_taken_back(box: Box, page: Page) -> None:
    """The other one stays, and the focus is where one writes."""
    enter(page, box)
    attach(page, "one.txt", "text/plain", b"1")
    attach(page, "two.txt", "text/plain", b"2")
    page.get_by_role("button", name="Remove one.txt").click()
    expect(page.get_by_role("list", name="Attachments").get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_label("Your message", exact=True)).to_be_focused()


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_files_can_be_pasted_and_dropped(box: Box, page: Page, way: str) -> None:
    """Like chosen ones."""
    enter(page, box)
    page.evaluate(GIVE, [way, "given.txt", "text/plain", "hello"])
    expect(page.get_by_role("list", name="Attachments")).to_contain_text("given.txt")
    expect(page.get_by_label("Your message", exact=True)).to_have_value("")
