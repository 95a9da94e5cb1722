"""The activity page in a real browser: it follows the box, and can be read by everybody."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.activity.recorder import Recorder
from tests.browser.conftest import Account, faults
from tests.browser.served import Served, serving
from tests.browser.steps import log_in
from tests.builders import INVENTORY, make_snapshot
from tests.live.box import Box
from tests.unit.activity.builders import ended, gpu, reading

pytestmark = pytest.mark.browser

QUESTION = {"messages": [{"role": "user", "content": "What is 3 + 4?"}], "temperature": 0, "max_tokens": 8}
GPUS = (gpu(0, temperature=50.0), gpu(1, temperature=61.0))
STATUSES = (200, 200, 404, 503, 499)


def fill(recorder: Recorder) -> None:
    """Two hours with a stop between them, and requests of every outcome."""
    now = time.time()
    for step in range(1440):
        at = now - 5 * step
        if not 200 < step < 400:
            recorder.history.add_reading(
                at, reading(gpus=GPUS, memory=float(8 << 30), processor=0.3, in_flight=step % 4)
            )
            recorder.request_ended(
                ended(
                    at,
                    status=STATUSES[step % 5],
                    tokens_in=18,
                    tokens_out=40,
                    first_token=0.2 + step % 7 / 10,
                    speed=50.0,
                )
            )


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, make_snapshot(inventory=replace(INVENTORY, gpus=GPUS))) as served:
        fill(served._web.activity)
        yield served


@pytest.mark.live
def test_a_request_is_seen_without_a_reload(tmp_path: Path, page: Page, account: Account) -> None:
    """From an empty page in words to the first count, on the same page."""
    with Box(tmp_path) as box:
        box.wait_ready()
        log_in(page, box)
        page.goto(box.web_url + "/activity")
        expect(page.locator("#nothing_asked")).to_contain_text("Nothing was asked yet.")
        box.ask("/v1/chat/completions", QUESTION)
        requests = page.locator("#activity_today dl > div").filter(has_text="Requests")
        expect(requests.locator("b")).to_have_text("1")
        expect(page.locator("#nothing_asked")).to_be_hidden()
        expect(page.locator("#activity_requests tbody tr")).to_have_count(1)
        expect(page.locator("#activity_requests tbody tr")).to_contain_text("18 read, 2 made")
        expect(page.locator("#chart_requests .legend")).to_contain_text(re.compile(r"Answered\s*1"))
    assert account.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 820, 1440])
def test_a_full_page_has_no_fault_that_axe_finds(filled: Served, page: Page, theme: str, width: int) -> None:
    """With its tables open, and nothing sticks out sideways."""
    page.set_viewport_size({"width": width, "height": 900})
    filled.log_in(page)
    page.goto(filled.url + "/activity")
    page.get_by_label("Colours").select_option(theme)
    expect(page.locator("html")).to_have_attribute("data-theme", theme)
    for path in ("/activity", "/activity?range=14d"):
        page.goto(filled.url + path)
        expect(page.locator("svg.chart")).to_have_count(10)
        for summary in page.locator(".chart-card summary").all():
            summary.click()
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_pointing_at_a_step_tells_its_figures(filled: Served, page: Page) -> None:
    """In the clock of the reader."""
    context = page.context.browser
    assert context is not None
    away = context.new_context(timezone_id="Asia/Kolkata", viewport={"width": 1440, "height": 900})
    abroad = away.new_page()
    filled.log_in(abroad)
    abroad.goto(filled.url + "/activity")
    band = abroad.locator("#chart_gpu_power .band").nth(-2)
    band.hover()
    at = int(band.get_attribute("data-at") or 0)
    hour, minute = divmod((at // 60 + 330) % 1440, 60)
    expect(band.locator("title")).to_have_text(
        re.compile(rf"^{hour:02}:{minute:02}:\d\d\n0: Test GPU: 100 W\n1: Test GPU: 100 W$")
    )
    label = abroad.locator("#chart_gpu_power text[data-clock]").first
    assert re.fullmatch(r"\d\d:[0-5]0", label.text_content() or "")
    away.close()


def test_it_can_be_read_without_scripts(filled: Served, browser: Browser) -> None:
    """Charts, tables and ranges; times are then in UTC, and it says so."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    filled.log_in(page)
    page.get_by_role("link", name="Activity").click()
    expect(page.locator("svg.chart")).to_have_count(10)
    expect(page.get_by_text("Times are in UTC.")).to_be_visible()
    page.get_by_text("Show as a table: Requests at once").click()
    expect(page.get_by_role("region", name="Requests at once as a table")).to_contain_text("Being answered")
    page.get_by_role("link", name="24 h").click()
    expect(page).to_have_url(re.compile(r"range=24h$"))
    context.close()


def test_an_open_table_holds_still(filled: Served, page: Page) -> None:
    """While the charts around it go on."""
    filled.log_in(page)
    page.goto(filled.url + "/activity")
    page.get_by_text("Show as a table: Memory", exact=True).click()
    table = page.get_by_role("region", name="Memory as a table", exact=True)
    before = table.inner_text()
    filled._loop.call_soon_threadsafe(filled._web.activity._book, reading(memory=float(4 << 30), gpus=GPUS))
    expect(page.locator("#chart_memory .legend")).not_to_contain_text("8 GiB")
    assert table.inner_text() == before
