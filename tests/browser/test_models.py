"""Models as a new user meets them: search, fetch, interrupted and resumed, load, settings, delete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Account, faults
from tests.browser.steps import log_in
from tests.fakes.hub import TOKEN, FakeHub
from tests.live.box import SELF_TEST_MODEL, Box

pytestmark = [pytest.mark.browser, pytest.mark.live]

FIXTURES = Path(__file__).parents[1] / "fixtures" / "models"
DRAFT_REPO, DRAFT = "mesh/tiny-draft-GGUF", "mesh-tiny-draft-Q8_0"


@pytest.fixture
def box(tmp_path: Path, hub: FakeHub) -> Iterator[Box]:
    with Box(tmp_path, MESHBOX_HF_ENDPOINT=hub.url) as one:
        one.wait_ready()
        yield one


def search(page: Page, box: Box, words: str) -> None:
    page.goto(box.web_url + "/models")
    page.get_by_label("Search the hub").fill(words)
    page.get_by_role("button", name="Look").click()


def test_from_the_search_to_an_answer(box: Box, page: Page, account: Account) -> None:
    """Search, look, fetch, load, all by clicking; the page follows without a reload and asks nobody but the box."""
    log_in(page, box)
    search(page, box, "tiny")
    page.get_by_role("link", name=DRAFT_REPO).click()
    offer = page.locator("#add article")
    expect(offer).to_contain_text(DRAFT)
    expect(offer.locator(".chip")).to_have_text("fits")
    offer.get_by_role("button", name="Fetch it").click()
    row = page.get_by_role("article", name=f"Fetching {DRAFT_REPO}")
    expect(row.locator(".chip")).to_have_text("done")
    row.get_by_role("button", name="Load it").click()
    served = page.locator("#served").get_by_role("article", name=DRAFT)
    expect(served.locator(".chip")).to_have_text("ready")
    assert box.chat("What is 3 + 4?", DRAFT)
    assert account.hosts == {box.web_url.removeprefix("http://")}
    assert account.complaints == []


def test_a_broken_off_download_goes_on_where_it_was(box: Box, hub: FakeHub, page: Page) -> None:
    """The box ends in the middle; started again it goes on by itself, and the open page sees it through."""
    log_in(page, box)
    hub.pause(after=100_000)
    search(page, box, DRAFT_REPO)
    page.get_by_role("button", name="Fetch it").click()
    row = page.get_by_role("article", name=f"Fetching {DRAFT_REPO}")
    expect(row.locator("progress")).to_be_visible()
    box.wait(lambda: any((j["done_bytes"] or 0) > 0 for j in jobs(box)), "the first bytes are here")
    box.stop()
    expect(page.locator("#offline")).to_be_visible()
    hub.resume()
    asked = len(hub.requests)
    box.start()
    expect(row.locator(".chip")).to_have_text("done", timeout=40_000)
    expect(page.locator("#offline")).to_be_hidden()
    assert any(seen.range for seen in hub.requests[asked:]), "the second try asks only for the rest"
    expect(page.locator("#library").get_by_role("article", name=DRAFT)).to_be_visible()


def test_a_download_can_be_cancelled_and_taken_up_again(box: Box, hub: FakeHub, page: Page) -> None:
    """Cancel ends it at once; its button to try again finishes it."""
    log_in(page, box)
    hub.pause(after=50_000)
    search(page, box, DRAFT_REPO)
    page.get_by_role("button", name="Fetch it").click()
    row = page.get_by_role("article", name=f"Fetching {DRAFT_REPO}")
    row.get_by_role("button", name="Cancel").click()
    expect(row.locator(".chip")).to_have_text("cancelled")
    hub.resume()
    row.get_by_role("button", name="Try again").click()
    expect(row.locator(".chip")).to_have_text("done")


def test_a_hub_that_cannot_be_reached_is_told_in_words(tmp_path: Path, page: Page) -> None:
    """A box without internet says so where one searched, and everything else goes on."""
    with Box(tmp_path, MESHBOX_HF_ENDPOINT="http://127.0.0.1:9") as box:
        log_in(page, box)
        search(page, box, "tiny")
        expect(page.locator("#add").get_by_role("alert")).to_contain_text(re.compile("hub", re.IGNORECASE))
        expect(page.get_by_label("Search the hub")).to_have_value("tiny")


def test_sleep_wake_and_unload_by_button(box: Box, page: Page) -> None:
    """Each button does what it says, and the page shows it."""
    log_in(page, box)
    page.goto(box.web_url + "/models")
    served = page.locator("#served").get_by_role("article", name=SELF_TEST_MODEL)
    served.get_by_role("button", name="Sleep").click()
    expect(served.locator(".chip")).to_have_text("asleep")
    served.get_by_role("button", name="Wake").click()
    expect(served.locator(".chip")).to_have_text("ready")
    served.get_by_role("button", name="Unload").click()
    expect(page.locator("#served")).to_contain_text("No model is served")
    page.locator("#library").get_by_role("button", name="Load").click()
    expect(served.locator(".chip")).to_have_text("ready")


def test_an_uploaded_model_is_there_and_can_be_deleted(box: Box, page: Page) -> None:
    """Through the browser onto the disk, and away again after a question."""
    log_in(page, box)
    page.goto(box.web_url + "/models")
    page.get_by_text("Upload a file from this computer").click()
    page.get_by_label("Model file").set_input_files(FIXTURES / f"{DRAFT}.gguf")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("#upload-words")).to_contain_text("is here")
    row = page.locator("#library").get_by_role("article", name=DRAFT)
    row.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog", name="Delete this model?")
    expect(dialog).to_contain_text(f"{DRAFT}.gguf")
    assert faults(page) == []
    dialog.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("status").first).to_contain_text("The model was deleted.")
    expect(row).to_have_count(0)


@pytest.mark.parametrize("arrived", [False, True])
def test_an_upload_outlives_a_lost_connection(box: Box, page: Page, arrived: bool) -> None:
    """Whether the piece was lost or only the answer to it: it goes on by itself, and the file is here once."""
    lost = list[str]()

    def lose(route: Route) -> None:
        if route.request.method != "POST" or lost:
            route.continue_()
            return
        lost.append(route.request.url)
        if arrived:
            route.fetch()
        route.abort("connectionreset")

    log_in(page, box)
    page.route("**/api/models/upload?*", lose)
    page.goto(box.web_url + "/models")
    page.get_by_text("Upload a file from this computer").click()
    page.get_by_label("Model file").set_input_files(FIXTURES / f"{DRAFT}.gguf")
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("#upload-words")).to_have_text("The connection was lost; trying again.")
    expect(page.locator("#upload-words")).to_contain_text("is here")
    assert len(lost) == 1
    expect(page.locator("#library").get_by_role("article", name=DRAFT)).to_be_visible()


def test_a_gated_model_is_fetched_once_the_right_token_is_stored(box: Box, hub: FakeHub, page: Page) -> None:
    """Refused without one and with a wrong one, each time with what to do; the same row tries again."""
    hub.repos[DRAFT_REPO].gated = True
    log_in(page, box)
    search(page, box, DRAFT_REPO)
    page.get_by_role("button", name="Fetch it").click()
    row = page.get_by_role("article", name=f"Fetching {DRAFT_REPO}")
    for token, words, state in (("hf_of_nobody", "Accept its terms", "failed"), (TOKEN, "", "done")):
        expect(row).to_contain_text("given only to people" if state == "failed" else "may not have")
        row.get_by_role("link", name="Store a token").click()
        page.locator("#token").fill(token)
        page.get_by_role("button", name="Store it").click()
        expect(page.get_by_role("status").first).to_contain_text("The token is stored.")
        page.goto(box.web_url + "/models")
        row.get_by_role("button", name="Try again").click()
        expect(row.locator(".chip")).to_have_text(state)
        expect(row).to_contain_text(words)
    row.get_by_role("button", name="Take off the list").click()
    expect(row).to_have_count(0)


def test_a_question_stays_open_while_the_page_changes(box: Box, page: Page) -> None:
    """Live updates neither close a dialog nor take the focus away."""
    log_in(page, box)
    (Path(box.environment["MESHBOX_MODELS"]) / f"{DRAFT}.gguf").write_bytes((FIXTURES / f"{DRAFT}.gguf").read_bytes())
    page.goto(box.web_url + "/models")
    load = page.locator("#library").get_by_role("article", name=DRAFT).get_by_role("button", name="Load")
    load.focus()
    other = "mesh-tiny-second-Q8_0"
    (Path(box.environment["MESHBOX_MODELS"]) / f"{other}.gguf").write_bytes((FIXTURES / f"{other}.gguf").read_bytes())
    expect(page.locator("#library").get_by_role("article", name=other)).to_be_visible()
    expect(load).to_be_focused()


def test_a_model_has_settings_of_its_own(box: Box, page: Page) -> None:
    """What is wrong is told beside its field; what is right is in force."""
    log_in(page, box)
    page.goto(f"{box.web_url}/models/{SELF_TEST_MODEL}")
    expect(page.get_by_role("article", name="On this box")).to_contain_text("Fits well")
    page.get_by_label("Context length").fill("many")
    page.get_by_role("button", name="Save").click()
    field = page.get_by_label("Context length")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("many")
    assert faults(page) == []
    field.fill("512")
    page.get_by_label("Further names").fill("helper")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_have_text("Saved.")
    box.wait(lambda: box.entry()["state"] == "ready" and box.entry()["context_length"] == 512, "it runs with 512")
    assert "7" in box.chat("What is 3 + 4?", "helper")


def test_models_without_scripts(box: Box, browser: Browser) -> None:
    """Search, fetch, load and unload are plain forms."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, box)
    search(page, box, DRAFT_REPO)
    page.get_by_role("button", name="Fetch it").click()
    box.wait(lambda: [j["state"] for j in jobs(box)] == ["done"], "the file is here")
    box.wait(lambda: DRAFT in [m["id"] for m in box.manage("GET", "/api/models").json["models"]], "it is listed")
    page.goto(box.web_url + "/models")
    page.locator("#library").get_by_role("article", name=DRAFT).get_by_role("button", name="Load").click()
    box.wait_ready(DRAFT)
    page.goto(box.web_url + "/models")
    page.locator("#served").get_by_role("article", name=DRAFT).get_by_role("button", name="Unload").click()
    expect(page.get_by_role("status").first).to_contain_text("unloaded")
    context.close()


def jobs(box: Box) -> list[dict[str, Any]]:
    return [job for job in box.manage("GET", "/api/jobs").json["jobs"] if job["kind"] == "download"]
