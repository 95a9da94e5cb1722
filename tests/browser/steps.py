"""What a person does again and again."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.live.box import PASSWORD, Box


def log_in(page: Page, box: Box) -> None:
    page.goto(box.web_url)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(box.web_url + "/")
