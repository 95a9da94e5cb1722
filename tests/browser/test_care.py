"""Logs, repairs, connecting and support, in a real browser in front of a real box with a model that cannot load."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Account, faults
from tests.browser.steps import log_in
from tests.live.box import PASSWORD, SELF_TEST_MODEL, Box
from tests.unit.models.gguf_files import write_gguf

pytestmark = [pytest.mark.browser, pytest.mark.live]

FAILING = "hollow-1b"  # a whole file of a known kind, but nothing that an engine could load
PAGES = ("/logs", "/repairs", "/connect", "/connect?agent=open-webui", "/about")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    folder = tmp_path_factory.mktemp("box")
    (folder / "models").mkdir()
    write_gguf(folder / "models" / f"{FAILING}.gguf")
    settings = json.dumps({"serving": {"models": [SELF_TEST_MODEL, FAILING]}})
    with Box(folder, MESHBOX_SETTINGS=settings) as one:
        one.wait_ready()
        one.wait(lambda: f"model_failed:{FAILING}" in one.issues(), "the model fails")
        yield one


def card(page: Page) -> Locator:
    return page.get_by_role("region", name=f"{FAILING} is not answering")


def try_again(box: Box) -> None:
    """Makes the box say something: an engine is started once more."""
    box.wait(lambda: box.manage("POST", f"/api/issues/model_failed:{FAILING}/fix").status == 202, "it is tried again")


def rows(page: Page, words: str) -> Locator:
    return page.locator("#log_lines li", has_text=words)


def is_at_end(page: Page) -> bool:
    return bool(page.locator("#log").evaluate("box => box.scrollHeight - box.scrollTop - box.clientHeight < 40"))


def test_new_lines_appear_without_a_reload(box: Box, page: Page, account: Account) -> None:
    """At the end of the list, which stays in sight; nothing is shown twice, in the clock of the reader."""
    log_in(page, box)
    page.goto(box.web_url + f"/logs?level=info&source=meshbox.engine.{FAILING}")
    expect(page.locator("[data-zone]")).to_contain_text("time zone of this browser")
    started = rows(page, "engine started as process")
    before = started.count()
    page.evaluate("window.sameDocument = true")
    try_again(box)
    expect(started.nth(before)).to_be_visible()
    page.locator("#log_lines li:last-child").wait_for()
    assert is_at_end(page)
    found = [re.findall(r"process (\d+)", text)[0] for text in started.all_inner_texts()]
    assert len(found) == len(set(found))
    assert page.evaluate("window.sameDocument") is True
    assert account.complaints == []


def test_who_reads_further_up_is_left_there(box: Box, page: Page) -> None:
    """New lines come below, the place stays."""
    log_in(page, box)
    page.goto(box.web_url + "/logs")
    lines = page.locator("#log_lines li")
    page.locator("#log").evaluate("box => { box.scrollTop = 0; }")
    before = lines.count()
    try_again(box)
    expect(lines.nth(before)).to_be_attached()
    assert page.locator("#log").evaluate("box => box.scrollTop") == 0


def test_a_log_that_stands_still_follows_again(box: Box, page: Page) -> None:
    """The choice stays while it is switched."""
    log_in(page, box)
    page.goto(box.web_url + f"/logs?source=meshbox.engine.{FAILING}")
    page.get_by_label("Follow").select_option("off")
    expect(page).to_have_url(re.compile("follow=off"))
    lines = page.locator("#log_lines li")
    before = lines.count()
    try_again(box)
    box.wait(lambda: f"model_failed:{FAILING}" in box.issues(), "it failed again")
    assert lines.count() == before
    page.get_by_label("Follow").select_option("on")
    expect(page.get_by_label("Source")).to_have_value(f"meshbox.engine.{FAILING}")
    expect(lines.nth(before)).to_be_attached()


def test_the_log_is_read_without_scripts(box: Box, browser: Browser) -> None:
    """Chosen by a form, with the time zone named."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, box)
    page.goto(box.web_url + "/logs")
    expect(rows(page, "the page listens")).to_have_count(1)
    expect(page.get_by_text("Times are in UTC.")).to_be_visible()
    page.get_by_label("Text").fill("THE API listens")
    page.get_by_label("Source").select_option("box")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#log_lines li")).to_have_count(1)
    expect(page.locator("#log_lines li time")).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as text").click()
    assert re.fullmatch(r"\S+Z INFO +meshbox.serve: the API listens .*\n", download.value.path().read_text())
    context.close()


def test_the_button_of_a_failing_model_tries_it_again(box: Box, page: Page) -> None:
    """The card says what the engine said; the click starts a new engine, and the card is back when that fails too."""
    log_in(page, box)
    page.goto(box.web_url + "/repairs")
    expect(card(page).get_by_text("Since")).to_be_visible()
    card(page).get_by_text("Details").click()
    expect(card(page).locator("pre")).to_contain_text(re.compile("error|failed"))
    tried = len([line for line in box.lines if f"{FAILING}: engine started" in line])
    card(page).get_by_role("button", name="Try again now").click()
    expect(page.get_by_role("status").filter(has_text="The box tries it again now.")).to_be_visible()
    box.wait(lambda: len([x for x in box.lines if f"{FAILING}: engine started" in x]) > tried, "a new engine")
    expect(card(page)).to_be_visible(timeout=30_000)


def test_an_issue_is_hidden_and_shown_again(box: Box, page: Page) -> None:
    """From the dashboard, the badge and the list; it stays so over a reload."""
    log_in(page, box)
    count = page.locator("#repairs_count")
    card(page).get_by_role("button", name="Hide until it happens again").click()
    expect(page).to_have_url(re.compile(r"/(\?done=hidden)?$"))
    expect(card(page)).to_have_count(0)
    expect(count).to_be_hidden()
    page.get_by_role("link", name="Repairs").click()
    expect(page.get_by_text("Nothing else needs repair.")).to_be_visible()
    page.get_by_text("Hidden until they happen again: 1").click()
    card(page).get_by_role("button", name="Show again").click()
    expect(page.locator("#troubles").get_by_role("region", name=f"{FAILING} is not answering")).to_be_visible()
    expect(count).to_be_visible()


def test_a_line_to_paste_is_copied(box: Box, browser: Browser) -> None:
    """Into the clipboard where there is one; else it is selected, ready to be copied by hand."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    log_in(page, box)
    page.goto(box.web_url + "/connect?agent=curl")
    page.locator("button[data-copy=step-1]").click()
    expect(page.locator("button[data-copy=step-1]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#step-1").inner_text()
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('none')); }")
    page.locator("button[data-copy=base-url]").click()
    expect(page.locator("button[data-copy=base-url]")).to_have_text("Selected")
    assert page.evaluate("getSelection().toString()") == f"{box.api_url}/v1"
    context.close()


def test_another_program_keeps_the_chosen_model(box: Box, page: Page) -> None:
    """The address of the page says both."""
    log_in(page, box)
    page.goto(box.web_url + f"/connect?model={SELF_TEST_MODEL}")
    page.get_by_role("link", name="Codex").click()
    expect(page.get_by_role("heading", name="Codex")).to_be_visible()
    expect(page.get_by_label("Fill in the model")).to_have_value(SELF_TEST_MODEL)
    expect(page.locator("#step-2")).to_contain_text(f'model = "{SELF_TEST_MODEL}"')


def test_the_support_bundle_is_downloaded(box: Box, page: Page, account: Account) -> None:
    """By its button; it holds no password, and the page asked nobody but the box."""
    log_in(page, box)
    page.goto(box.web_url + "/about")
    expect(page.get_by_role("row", name=re.compile("llama.cpp"))).to_contain_text("MIT")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the support bundle").click()
    with zipfile.ZipFile(download.value.path()) as bundle:
        texts = [bundle.read(name).decode() for name in bundle.namelist()]
    assert any(FAILING in text for text in texts)
    assert not [text for text in texts if PASSWORD in text]
    assert account.hosts == {box.web_url.removeprefix("http://")}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 820, 1440])
def test_the_pages_have_no_fault_that_axe_finds(box: Box, page: Page, theme: str, width: int) -> None:
    """Both themes, phone, tablet and desk; and nothing sticks out sideways."""
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    log_in(page, box)
    for path in PAGES:
        page.goto(box.web_url + path)
        assert (path, faults(page)) == (path, [])
        assert page.evaluate("document.documentElement.scrollWidth") <= width
