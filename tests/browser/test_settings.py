"""The settings page as people use it: alone, in two tabs, without scripts, on small screens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.app.web.harness import PASSWORD
from tests.browser.conftest import Account, faults
from tests.browser.served import Served, serving
from tests.builders import make_snapshot
from tests.live.box import Box

pytestmark = [pytest.mark.browser]

WIDTHS = (390, 820, 1440)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, make_snapshot()) as one:
        yield one


@pytest.fixture
def settings(served: Served, page: Page) -> Page:
    """The page, opened by who is logged in."""
    served.log_in(page)
    page.goto(served.url + "/settings")
    return page


def field(page: Page, name: str) -> Locator:
    return page.locator(f'[id="{name}"]')


def save(page: Page, part: str) -> None:
    page.locator(f"#{part}").get_by_role("button", name="Save").click()


def saved(page: Page, part: str) -> Locator:
    return page.locator(f"#{part} [data-saved]")


def test_a_change_is_in_force(settings: Page, served: Served, account: Account) -> None:
    """The name of the box is changed at the top of the page it was typed on."""
    field(settings, "node.name").fill("attic")
    save(settings, "node")
    expect(saved(settings, "node")).to_have_text("Saved.")
    expect(settings.locator(".brand-name")).to_have_text("attic")
    settings.reload()
    expect(saved(settings, "node")).to_have_count(0)
    assert account.complaints == []
    assert account.hosts == {served.url.removeprefix("http://")}


def test_the_enter_key_saves(settings: Page) -> None:
    """And presses none of the other buttons of the form."""
    field(settings, "serving.slots").fill("8")
    save(settings, "serving")
    expect(saved(settings, "serving")).to_be_visible()
    field(settings, "serving.threads").fill("2")
    field(settings, "serving.threads").press("Enter")
    expect(field(settings, "serving.threads")).to_have_value("2")
    expect(field(settings, "serving.slots")).to_have_value("8")


def test_a_wrong_value_is_told_beside_its_field(settings: Page) -> None:
    """The field has the focus, and what was typed is still there."""
    field(settings, "serving.slots").fill("800")
    save(settings, "serving")
    wrong = field(settings, "serving.slots")
    expect(wrong).to_be_focused()
    expect(wrong).to_have_value("800")
    expect(wrong).to_have_accessible_description(
        "Requests that one model answers side by side. Usual: 4. This must be a whole number between 1 and 64."
    )
    assert faults(settings) == []


def test_a_field_is_set_back_to_its_usual_value(settings: Page) -> None:
    """The button is there only while it differs."""
    field(settings, "api.drain_s").fill("5")
    save(settings, "api")
    settings.get_by_role("button", name="Set back Time to end running answers").click()
    expect(field(settings, "api.drain_s")).to_have_value("20")
    expect(settings.get_by_role("button", name="Set back Time to end running answers")).to_have_count(0)


@pytest.fixture
def second(settings: Page, served: Served) -> Page:
    """Another tab of the same browser, opened before anything changed."""
    other = settings.context.new_page()
    other.goto(served.url + "/settings")
    return other


def test_two_tabs_may_change_different_fields(settings: Page, second: Page) -> None:
    """The second is told, keeps what is typed in it, and loses nothing of the first by saving."""
    field(second, "serving.threads").fill("2")
    field(settings, "serving.slots").fill("8")
    save(settings, "serving")
    expect(second.locator("#changed_elsewhere")).to_contain_text("The settings were changed meanwhile.")
    expect(field(second, "serving.threads")).to_have_value("2")
    save(second, "serving")
    expect(saved(second, "serving")).to_be_visible()
    expect(field(second, "serving.slots")).to_have_value("8")
    expect(field(second, "serving.threads")).to_have_value("2")


def test_two_tabs_that_change_the_same_field_are_shown_both_values(settings: Page, second: Page) -> None:
    """One may be saved again, the other taken."""
    field(settings, "serving.slots").fill("8")
    save(settings, "serving")
    expect(saved(settings, "serving")).to_be_visible()
    field(second, "serving.slots").fill("16")
    field(second, "serving.threads").fill("2")
    save(second, "serving")
    clash = second.locator(".theirs")
    expect(clash).to_contain_text("Your value16")
    expect(clash).to_contain_text("The value now8")
    assert faults(second) == []
    second.get_by_role("button", name="Take the value now for Requests side by side").click()
    expect(saved(second, "serving")).to_be_visible()
    expect(field(second, "serving.slots")).to_have_value("8")
    expect(field(second, "serving.threads")).to_have_value("2")


def test_a_setting_is_found_by_its_words(settings: Page) -> None:
    """The other parts step aside meanwhile."""
    settings.get_by_label("Find a setting").fill("opened browser names")
    expect(field(settings, "web.allowed_hosts")).to_be_visible()
    expect(field(settings, "serving.slots")).to_be_hidden()
    settings.get_by_label("Find a setting").fill("no such thing")
    expect(settings.locator("#find-nothing")).to_be_visible()


def test_an_address_leads_to_a_field(settings: Page, served: Served) -> None:
    """The one that the refusal of a name speaks of."""
    settings.goto(served.url + "/settings#web.allowed_hosts")
    expect(field(settings, "web.allowed_hosts")).to_be_in_viewport()


def test_settings_are_exported_and_taken_over_again(settings: Page, tmp_path: Path) -> None:
    """What changed since is shown, then undone."""
    with settings.expect_download() as download:
        settings.get_by_role("link", name="Download the settings").click()
    file = tmp_path / "downloaded.json"
    download.value.save_as(file)
    field(settings, "node.name").fill("attic")
    save(settings, "node")
    settings.get_by_label("Take over a file").set_input_files(file)
    settings.get_by_role("button", name="Look at the file").click()
    row = settings.get_by_role("row", name="This box: Name of this box")
    expect(row).to_contain_text("attic")
    expect(row).to_contain_text("meshbox")
    assert faults(settings) == []
    settings.get_by_role("button", name="Take them over").click()
    expect(saved(settings, "files")).to_be_visible()
    expect(field(settings, "node.name")).to_have_value("meshbox")


def test_a_file_that_is_none_is_told_beside_its_field(settings: Page, tmp_path: Path) -> None:
    """Also one that is far too large."""
    for name, content, words in (
        ("a.json", b"{}", "not a file of Meshbox settings"),
        ("b.json", b" " * (40 << 20), "larger than 1 MiB"),
    ):
        (tmp_path / name).write_bytes(content)
        settings.get_by_label("Take over a file").set_input_files(tmp_path / name)
        settings.get_by_role("button", name="Look at the file").click()
        expect(settings.locator("#file-error")).to_contain_text(words)
        expect(settings.get_by_label("Take over a file")).to_be_focused()


def test_an_earlier_state_is_restored(settings: Page) -> None:
    """From the backups that the box keeps."""
    field(settings, "node.name").fill("attic")
    save(settings, "node")
    settings.get_by_role("link", name="Go back to this…").last.click()
    expect(settings.get_by_role("row", name="This box: Name of this box")).to_contain_text("attic")
    settings.get_by_role("button", name="Take them over").click()
    expect(settings.locator(".brand-name")).to_have_text("meshbox")


@pytest.fixture
def elsewhere(browser: Browser, served: Served) -> Iterator[Page]:
    """Another browser that is logged in."""
    context = browser.new_context()
    context.set_default_timeout(20_000)
    one = context.new_page()
    served.log_in(one)
    yield one
    context.close()


def test_a_new_password_logs_other_browsers_out(settings: Page, elsewhere: Page, served: Served) -> None:
    """An open page there is led to the login by itself; this one stays."""
    for label, text in (
        ("Current password", PASSWORD),
        ("New password", "quite another one"),
        ("New password again", "quite another one"),
    ):
        settings.get_by_label(label, exact=True).fill(text)
    settings.get_by_role("button", name="Change the password").click()
    expect(saved(settings, "password")).to_contain_text("The password is changed.")
    expect(elsewhere.get_by_role("button", name="Log in")).to_be_visible()
    settings.goto(served.url + "/")
    expect(settings.get_by_role("button", name="Log out")).to_be_visible()


def test_a_login_is_ended_from_the_list(settings: Page, elsewhere: Page) -> None:
    """Its browser has to log in again."""
    settings.reload()
    mine = settings.locator("#sessions li").filter(has_text="this login")
    expect(mine).to_have_count(1)
    for _ in range(settings.locator("#sessions li").count() - 1):
        settings.locator("#sessions li").get_by_role("button", name="Log out").first.click()
        expect(saved(settings, "sessions")).to_be_visible()
    expect(elsewhere.get_by_role("button", name="Log in")).to_be_visible()


def test_everything_works_without_scripts(browser: Browser, served: Served) -> None:
    """Plain forms: saved, refused, collided, added, set back."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    served.log_in(page)
    page.goto(served.url + "/settings")
    expect(page.get_by_label("Find a setting")).to_be_hidden()
    field(page, "serving.slots").fill("0")
    save(page, "serving")
    expect(field(page, "serving.slots")).to_be_focused()
    field(page, "serving.slots").fill("8")
    save(page, "serving")
    expect(saved(page, "serving")).to_be_visible()
    page.get_by_text("Add another").first.click()
    field(page, "serving.per_model[new]").fill("some-model")
    field(page, "serving.per_model[new].slots").fill("2")
    save(page, "serving")
    page.get_by_text("some-model", exact=True).click()
    expect(field(page, "serving.per_model[0].slots")).to_have_value("2")
    page.get_by_role("button", name="Set back Requests side by side").click()
    expect(field(page, "serving.slots")).to_have_value("4")
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_fits_every_screen(browser: Browser, served: Served, theme: str) -> None:
    """Nothing to scroll sideways, nothing that axe finds, with a mistake on the page too."""
    context: BrowserContext = browser.new_context(color_scheme="dark" if theme == "dark" else "light")
    page = context.new_page()
    served.log_in(page)
    page.goto(served.url + "/settings")
    field(page, "web.allowed_hosts").fill("x" * 300)
    save(page, "web")
    expect(field(page, "web.allowed_hosts")).to_be_focused()
    for details in page.locator("details").all():
        details.locator("summary").click()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert faults(page) == []
    context.close()


@pytest.mark.live
def test_a_field_that_the_environment_fixes_is_locked(tmp_path: Path, page: Page) -> None:
    """It names the variable, and the others of its form can be saved."""
    with Box(tmp_path, MESHBOX_NODE_NAME="cellar") as box:
        page.goto(box.web_url)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.goto(box.web_url + "/settings")
        expect(field(page, "node.name")).to_be_disabled()
        expect(page.locator("#node")).to_contain_text("MESHBOX_NODE_NAME")
        field(page, "api.drain_s").fill("5")
        save(page, "api")
        expect(saved(page, "api")).to_be_visible()
        expect(page.locator(".brand-name")).to_have_text("cellar")
