"""The settings page: what is saved, what is refused, and what two people do to each other."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
import pytest

from appliance.settings.exchange import FORMAT
from tests.app.web.harness import Web
from tests.app.web.test_live_pages import stream_of

FULL = "Nothing was saved"


class FormReader(HTMLParser):
    """What a browser would send of the form that posts to an address."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self._action = action
        self._inside = False
        self._open: str | None = None
        self.sent: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = about.get("action") == self._action
        if not self._inside or "disabled" in about:
            return
        if tag == "input" and about.get("name"):
            if about["type"] != "checkbox" or "checked" in about:
                self.sent[about["name"]] = about.get("value", "on")
        elif tag in ("textarea", "select"):
            self._open = about["name"]
            self.sent[self._open] = ""
        elif tag == "option" and "selected" in about and self._open:
            self.sent[self._open] = about["value"]

    def handle_data(self, data: str) -> None:
        if self.lasttag == "textarea" and self._open:
            self.sent[self._open] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("textarea", "select"):
            self._open = None
        elif tag == "form":
            self._inside = False


async def page(web: Web, path: str = "/settings") -> str:
    answer = await web.call("GET", path, headers={"Accept": "text/html"})
    assert answer.status == 200
    return await answer.text()


def form_of(html: str, section: str) -> dict[str, str]:
    reader = FormReader(f"/settings/{section}")
    reader.feed(html)
    return reader.sent


async def save(web: Web, section: str, form: dict[str, str]) -> tuple[int, str]:
    answer = await web.call("POST", f"/settings/{section}", data=form, headers={"Accept": "text/html"})
    return answer.status, await answer.text()


async def patch(web: Web, document: dict[str, object]) -> None:
    assert (await web.call("PATCH", "/api/settings", json=document)).status == 200


def input_of(html: str, name: str) -> str:
    found = re.search(rf'<(?:input|textarea|select)[^>]* id="{re.escape(name)}"[^>]*>', html)
    assert found is not None
    return found[0]


async def test_what_is_saved_is_in_force(web: Web) -> None:
    """And the page is at the part that was saved, with a word about it."""
    form = form_of(await page(web), "serving") | {"serving.slots": "8"}
    answer = await web.call("POST", "/settings/serving", data=form)
    assert (answer.status, answer.headers["Location"]) == (303, "/settings?saved=serving#serving")
    assert web.settings.current.serving.slots == 8
    assert "Saved." in await page(web, "/settings?saved=serving")


async def test_saving_without_a_change_leaves_the_document_alone(web: Web) -> None:
    """No new revision, no backup."""
    before = web.settings.current
    for section in ("node", "serving", "hardware", "models", "api", "web", "activity"):
        status, _ = await save(web, section, form_of(await page(web), section))
        assert status == 303
    assert web.settings.current == before


async def test_a_wrong_value_is_told_beside_its_field(web: Web) -> None:
    """In a sentence; what was typed is still there, and nothing of the form was saved."""
    form = form_of(await page(web), "serving") | {"serving.slots": "800", "serving.threads": "3"}
    status, html = await save(web, "serving", form)
    assert status == 422
    assert "This must be a whole number between 1 and 64." in html
    field = input_of(html, "serving.slots")
    assert 'value="800"' in field
    assert 'aria-invalid="true"' in field
    assert "autofocus" in field
    assert 'value="3"' in input_of(html, "serving.threads")
    assert web.settings.current.serving.threads == 0


async def test_changes_of_different_fields_do_not_collide(web: Web) -> None:
    """Two tabs that were opened together."""
    first = second = form_of(await page(web), "serving")
    assert (await save(web, "serving", first | {"serving.slots": "8"}))[0] == 303
    assert (await save(web, "serving", second | {"serving.threads": "2"}))[0] == 303
    assert (web.settings.current.serving.slots, web.settings.current.serving.threads) == (8, 2)


async def test_changes_of_the_same_field_are_shown_side_by_side(web: Web) -> None:
    """Saving again sets the own value."""
    first = second = form_of(await page(web), "serving")
    await save(web, "serving", first | {"serving.slots": "8"})
    status, html = await save(web, "serving", second | {"serving.slots": "16"})
    assert status == 409
    assert "<dt>Your value</dt><dd>16</dd>" in html
    assert "<dt>The value now</dt><dd>8</dd>" in html
    assert web.settings.current.serving.slots == 8
    assert (await save(web, "serving", form_of(html, "serving")))[0] == 303
    assert web.settings.current.serving.slots == 16


async def test_the_value_of_others_can_be_taken(web: Web) -> None:
    """And the other changes of the form are saved."""
    first = second = form_of(await page(web), "serving")
    await save(web, "serving", first | {"serving.slots": "8"})
    _, html = await save(web, "serving", second | {"serving.slots": "16", "serving.threads": "2"})
    assert (await save(web, "serving", form_of(html, "serving") | {"take": "serving.slots"}))[0] == 303
    assert (web.settings.current.serving.slots, web.settings.current.serving.threads) == (8, 2)


async def test_a_field_is_set_back(web: Web) -> None:
    """To its usual value."""
    await patch(web, {"serving": {"slots": 8}})
    html = await page(web)
    assert 'name="reset" value="serving.slots"' in html
    assert 'name="reset" value="serving.threads"' not in html
    await save(web, "serving", form_of(html, "serving") | {"reset": "serving.slots"})
    assert web.settings.current.serving.slots == 4


async def test_single_models_are_added_changed_and_removed(web: Web) -> None:
    """By a plain form."""
    fresh = {"serving.per_model[new]": "org/m:Q4", "serving.per_model[new].context": "512"}
    await save(web, "serving", form_of(await page(web), "serving") | fresh)
    assert web.settings.current.serving.per_model["org/m:Q4"].context == 512
    changed = form_of(await page(web), "serving") | {"serving.per_model[0].slots": "0"}
    status, html = await save(web, "serving", changed)
    assert status == 422
    assert 'value="0"' in input_of(html, "serving.per_model[0].slots")
    await save(web, "serving", form_of(await page(web), "serving") | {"serving.per_model[0].remove": "on"})
    assert web.settings.current.serving.per_model == {}


async def test_an_entry_without_a_name_is_asked_for_one(web: Web) -> None:
    """What was typed for it is still there."""
    form = form_of(await page(web), "serving") | {"serving.per_model[new].context": "512"}
    status, html = await save(web, "serving", form)
    assert (status, "Give it another name" in html) == (422, True)
    assert 'value="512"' in input_of(html, "serving.per_model[new].context")


async def test_a_fixed_field_is_shown_locked(web: Web) -> None:
    """With the variable that fixes it; what is sent for it is not taken."""
    web.settings._locked["node.name"] = "env"
    html = await page(web)
    assert "disabled" in input_of(html, "node.name")
    assert "MESHBOX_NODE_NAME" in html
    await save(web, "node", {"was.node.name": "env", "node.name": "den"})
    assert web.settings.current.node.name == "env"


async def test_a_full_disk_keeps_what_was_typed(web: Web, tmp_path: Path) -> None:
    """And says that nothing was saved."""
    (tmp_path / "settings.json.new").mkdir()
    status, html = await save(web, "serving", form_of(await page(web), "serving") | {"serving.slots": "8"})
    assert (status, FULL in html) == (507, True)
    assert 'value="8"' in input_of(html, "serving.slots")
    assert web.settings.current.serving.slots == 4


async def test_hostile_values_are_text(web: Web) -> None:
    """Whether they were saved or not."""
    evil = '"><script>alert(1)</script>'
    form = form_of(await page(web), "serving")
    form |= {"serving.per_model[new]": evil, "serving.per_model[new].context": evil, "serving.models": evil}
    answer = await web.call("POST", "/settings/serving", data=form)
    assert answer.status == 422
    assert "<script>alert" not in await answer.text()
    await patch(web, {"serving": {"models": [evil], "per_model": {evil: {"context": 5}}}})
    assert "<script>alert" not in await page(web)


@pytest.mark.parametrize("path", ["/settings/nonsense", "/settings/version", "/settings/setup"])
async def test_there_is_no_form_for_what_is_no_part(web: Web, path: str) -> None:
    """Bookkeeping is not set in a form."""
    assert (await web.call("POST", path, data={"was.version": "1", "version": "9"})).status == 404
    assert (await web.call("GET", path)).status == 404


@pytest.mark.parametrize("path", ["/settings/serving", "/settings/password", "/settings/import"])
async def test_the_page_of_a_form_can_be_reloaded(web: Web, path: str) -> None:
    """It leads back to the settings."""
    answer = await web.call("GET", path)
    assert answer.status == 303
    assert answer.headers["Location"].startswith("/settings")


async def test_a_page_is_told_when_the_settings_changed(web: Web) -> None:
    """By its live stream; one that was made from the settings of now is not."""
    html = await page(web)
    assert "were changed meanwhile" not in await stream_of(web, html)
    await patch(web, {"node": {"name": "den"}})
    assert "were changed meanwhile" in await stream_of(web, html)
    assert "were changed meanwhile" not in await stream_of(web, await page(web))


async def test_the_refusal_of_a_foreign_name_leads_to_its_setting(web: Web) -> None:
    """The words it uses are those of the page."""
    told = await (await web.call("GET", "/", headers={"Host": "box.example.org"})).text()
    html = await page(web)
    for words in ("Further names of this box", "Web page", "web.allowed_hosts"):
        assert words in told
        assert words in html


def upload_of(content: bytes, filename: str = "settings.json") -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(content), filename=filename, content_type="application/json")
    return form


def file_of(settings: dict[str, object]) -> bytes:
    return json.dumps({"format": FORMAT, "version": 1, "node_name": "attic", "settings": settings}).encode()


async def look(web: Web, content: bytes) -> tuple[int, str]:
    answer = await web.call("POST", "/settings/import", data=upload_of(content), headers={"Accept": "text/html"})
    return answer.status, await answer.text()


async def test_an_uploaded_file_is_shown_before_it_is_taken_over(web: Web) -> None:
    """Field by field, then taken over with one button."""
    status, html = await look(web, file_of({"node": {"name": "den"}, "serving": {"slots": 2}}))
    assert (status, "Serving: Requests side by side" in html) == (200, True)
    assert web.settings.current.node.name != "den"
    status, _ = await save(web, "import/confirm", form_of(html, "import/confirm"))
    assert (status, web.settings.current.node.name, web.settings.current.serving.slots) == (303, "den", 2)


async def test_a_change_between_look_and_yes_is_shown(web: Web) -> None:
    """The second look is at what would change now."""
    _, html = await look(web, file_of({"node": {"name": "den"}}))
    await patch(web, {"node": {"name": "attic"}})
    status, again = await save(web, "import/confirm", form_of(html, "import/confirm"))
    assert (status, "attic" in again, "changed meanwhile" in again) == (409, True, True)
    assert (await save(web, "import/confirm", form_of(again, "import/confirm")))[0] == 303


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"not json", 400, "not JSON"),
        (b"\xff\xfe\x00", 400, "UTF-8"),
        (b"[" * 200_000, 400, "nested"),
        (b"{}", 422, "not a file of Meshbox settings"),
        (file_of({"serving": {"slots": 0}}), 422, "Serving: Requests side by side: This must be a whole number"),
        (file_of({"nonsense": {}}), 422, "knows no such setting"),
        (b'{"format": "meshbox-settings", "version": 99, "settings": {}}', 422, "newer Meshbox"),
        (b" " * (2 << 20), 413, "larger than 1 MiB"),
    ],
)
async def test_a_file_that_cannot_be_taken_is_told_beside_its_field(
    web: Web, content: bytes, status: int, words: str
) -> None:
    """In words."""
    got, html = await look(web, content)
    assert (got, words in html) == (status, True)


async def test_a_form_without_a_file_asks_for_one(web: Web) -> None:
    """Also when it is none at all."""
    answer = await web.call("POST", "/settings/import", data=upload_of(b"", ""))
    assert (answer.status, "Choose a file first." in await answer.text()) == (422, True)
    for body in (b"", b"--x", b"file=x"):
        strange = await web.call(
            "POST", "/settings/import", data=body, headers={"Content-Type": "multipart/form-data; boundary=x"}
        )
        assert 400 <= strange.status < 500


async def test_a_backup_is_shown_and_restored(web: Web) -> None:
    """From the list on the page."""
    await patch(web, {"node": {"name": "den"}})
    await patch(web, {"node": {"name": "attic"}})
    found = re.findall(r'href="/settings/backups/(\d+)"', await page(web))
    html = await page(web, f"/settings/backups/{found[0]}")
    assert "den" in html
    assert (await save(web, f"backups/{found[0]}", form_of(html, f"backups/{found[0]}")))[0] == 303
    assert web.settings.current.node.name == "den"
