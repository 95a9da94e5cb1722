"""Logs, repairs, connecting, and what the box is made of: pages and routes."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from appliance.node.events import ChildReported, HardwareProbed, SettingsChanged, TroubleEnded, TroubleFound
from appliance.node.failure import Failure
from appliance.node.snapshot import ChildState, TroubleKind
from appliance.run_loop import Outlook
from tests.app.web.harness import CODE, Web
from tests.builders import INVENTORY, MODEL_ID, make_child

TROUBLE = TroubleKind.DISK_FULL
PAGE = {"Accept": "text/html"}


def say(web: Web, text: str, level: int = logging.INFO, source: str = "meshbox.test") -> None:
    web.logs.emit(logging.LogRecord(source, level, __file__, 1, text, None, None))


async def page(web: Web, path: str) -> str:
    answer = await web.call("GET", path, headers=PAGE)
    assert answer.status == 200
    return await answer.text()


async def document(web: Web, path: str) -> Any:
    return await (await web.call("GET", path)).json()


async def until(web: Web, condition: Callable[[Outlook], object]) -> None:
    async with asyncio.timeout(10):
        async for outlook in web.loop.watch():
            if condition(outlook):
                return


async def trouble(web: Web, kind: TroubleKind = TROUBLE) -> None:
    web.post(TroubleFound(kind, "the detail"))
    await until(web, lambda o: any(i.id == kind.value and i.since for i in o.decision.issues))


async def test_log_lines_are_chosen_by_level_source_and_words(web: Web) -> None:
    """The same for programs and on the page; the newest last."""
    say(web, "first")
    say(web, "engine speaks", logging.DEBUG, "meshbox.engine.m")
    say(web, "grave thing", logging.ERROR)
    for query, wanted in [
        ("", ["first", "engine speaks", "grave thing"]),
        ("?level=warning", ["grave thing"]),
        ("?source=meshbox.engine", ["engine speaks"]),
        ("?source=box", ["first", "grave thing"]),
        ("?q=GRAVE", ["grave thing"]),
        ("?q=nothing-like-it", []),
    ]:
        lines = (await document(web, f"/api/logs{query}"))["lines"]
        assert [line["text"] for line in lines] == wanted
        assert re.findall(r"<p>([^<]*)</p></li>", await page(web, f"/logs{query}")) == wanted


async def test_programs_follow_the_log_by_number(web: Web) -> None:
    """`after` takes what came since; a number that this run never gave out starts anew."""
    say(web, "one")
    seen = (await document(web, "/api/logs"))["newest"]
    say(web, "two")
    assert [x["text"] for x in (await document(web, f"/api/logs?after={seen}"))["lines"]] == ["two"]
    assert len((await document(web, "/api/logs?after=99999"))["lines"]) == 2


@pytest.mark.parametrize("query", ["level=loud", "after=-1", "q=" + "x" * 201, "limit=2001"])
async def test_programs_are_told_of_a_choice_that_cannot_be(web: Web, query: str) -> None:
    """422, with the name of the parameter."""
    answer = await web.call("GET", f"/api/logs?{query}")
    assert (answer.status, list((await answer.json())["fields"])) == (422, [query.partition("=")[0]])


async def test_the_log_is_downloaded_as_text(web: Web) -> None:
    """What was chosen, as a file."""
    say(web, "small", logging.DEBUG)
    say(web, "grave\nforged", logging.ERROR)
    answer = await web.call("GET", "/logs/download?level=error")
    text = await answer.text()
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert (answer.content_type, text.count("\n"), "small" in text) == ("text/plain", 1, False)
    assert text.endswith("meshbox.test: grave\\nforged\n")


async def test_hostile_lines_are_text_on_the_page(web: Web) -> None:
    """Markup in a name is shown, not obeyed; also in the box of the search."""
    say(web, "<img src=x onerror=alert(1)>", source="meshbox.engine.<script>")
    html = await page(web, "/logs?q=%3Cimg&source=%22%3E%3Cscript%3E")
    assert "<img" not in html
    assert '"><script>' not in html
    assert "<img" not in await page(web, "/logs")


async def read_stream(web: Web, path: str, wanted: str, **headers: str) -> str:
    """The stream until it holds the text."""
    got = ""
    async with asyncio.timeout(10), web.session.get(web.url + path, headers=web.headers | headers) as answer:
        assert answer.status == 200
        while wanted not in got:
            got += (await answer.content.readuntil(b"\n\n")).decode()
    return got


def stream_of(html: str) -> str:
    found = re.search(r'hx-sse:connect="([^"]+)"', html)
    assert found is not None
    return unescape(found[1])


async def test_new_lines_come_by_the_stream_of_the_page(web: Web) -> None:
    """Only those that the page does not show yet, only what was chosen, appended; and each once over a reconnection."""
    say(web, "shown already", logging.ERROR)
    path = stream_of(await page(web, "/logs?level=warning"))
    say(web, "left out")
    say(web, "came <later>", logging.WARNING)
    got = await read_stream(web, path, "later")
    assert 'hx-target="#log_lines" hx-swap="beforeend"' in got
    assert ("came &lt;later&gt;" in got, "shown already" in got, "left out" in got) == (True, False, False)
    last = re.findall(r"^id: (\S+)$", got, re.MULTILINE)[-1]
    say(web, "after the gap", logging.WARNING)
    again = await read_stream(web, path, "after the gap", **{"Last-Event-ID": last})
    assert "later" not in again


async def test_a_page_of_an_earlier_run_gets_all_of_this_one(web: Web) -> None:
    """Its place in the log means nothing here."""
    say(web, "one")
    await read_stream(web, "/events/logs?after=ffff-999", "one")


async def test_a_log_that_stands_still_has_no_stream_of_lines(web: Web) -> None:
    """The frame of the page stays live."""
    assert stream_of(await page(web, "/logs?follow=off")) == "/events/ui?page=frame"


async def test_the_stream_of_the_log_is_not_for_strangers(web: Web) -> None:
    """401, not the page of the login: the script that follows knows what to do."""
    web.headers = {}
    for path, status in (("/events/logs", 401), ("/logs/download", 303), ("/api/support-bundle", 401)):
        assert (await web.call("GET", path)).status == status


async def test_a_dismissed_issue_leaves_the_status_and_comes_back(web: Web) -> None:
    """The list of issues keeps it, marked; restoring shows it again; when it ends and comes back it is shown."""
    await trouble(web)
    assert (await web.call("POST", "/api/issues/disk_full/dismiss")).status == 200
    assert (await document(web, "/api/status"))["issues"] == []
    (issue,) = (await document(web, "/api/issues"))["issues"]
    assert (issue["dismissed"], issue["page"]) == (True, "/models")
    assert re.fullmatch(r"\d{4}-.*Z", issue["since"])
    assert (await web.call("POST", "/api/issues/disk_full/restore")).status == 200
    assert len((await document(web, "/api/status"))["issues"]) == 1
    await web.call("POST", "/api/issues/disk_full/dismiss")
    web.post(TroubleEnded(TROUBLE))
    await until(web, lambda o: not o.snapshot.attention.hidden)
    await trouble(web)
    assert len((await document(web, "/api/status"))["issues"]) == 1


async def test_the_repairs_page_hides_and_shows(web: Web) -> None:
    """By plain forms; the badge of the navigation counts what is to be seen."""
    assert "Nothing needs repair." in await page(web, "/repairs")
    await trouble(web)
    html = await page(web, "/repairs")
    assert "The disk is full" in html
    assert '<span id="repairs_count" class="count">1<' in html
    for action, done in (("dismiss", "hidden"), ("restore", "shown")):
        answer = await web.call("POST", f"/repairs/{action}", data={"id": "disk_full", "back": "/repairs"})
        assert (answer.status, answer.headers["Location"]) == (303, f"/repairs?done={done}")
        html = await page(web, "/repairs")
        assert ("Show again" in html, "Nothing else needs repair." in html) == (action == "dismiss",) * 2
    await web.call("POST", "/repairs/dismiss", data={"id": "disk_full"})
    assert '<span id="repairs_count" class="count" hidden>0<' in await page(web, "/")


async def failing(web: Web) -> None:
    child = make_child(
        web.loop.outlook.snapshot, state=ChildState.FAILED, failure=Failure("load_failed", "No.", ("x",))
    )
    web.post(ChildReported(child))
    await until(web, lambda o: o.decision.issues)


async def test_the_button_of_a_card_goes_back_to_its_page(web: Web) -> None:
    """The dashboard or the repairs, and nowhere else."""
    await failing(web)
    for back, target in (("/", "/"), ("/repairs", "/repairs"), ("//evil.example", "/"), ("/x", "/repairs")):
        answer = await web.call("POST", "/repairs/fix", data={"id": f"model_failed:{MODEL_ID}", "back": back})
        if answer.status == 303:
            assert answer.headers["Location"] == f"{target}?done=trying_again"
        else:  # the attempt before has already taken the issue away
            assert answer.status == 404
            await failing(web)
    assert web.loop.outlook.snapshot.attempts[MODEL_ID] >= 1


@pytest.mark.parametrize("action", ["fix", "dismiss", "restore"])
async def test_an_issue_that_is_gone_is_told(web: Web, action: str) -> None:
    """By JSON and on the page, with a way back."""
    assert (await web.call("POST", f"/api/issues/gone/{action}")).status == 404
    answer = await web.call("POST", f"/repairs/{action}", data={"id": "gone"}, headers=PAGE)
    assert (answer.status, "may be mended already" in await answer.text()) == (404, True)


async def test_an_issue_of_a_model_with_a_slash_has_an_address(web: Web) -> None:
    """Its id can stand in a path."""
    serving = web.settings.current.serving.model_copy(update={"models": ("org/repo:Q4",)})
    web.post(SettingsChanged(web.settings.current.model_copy(update={"serving": serving})))
    await until(web, lambda o: o.decision.issues)
    (issue,) = (await document(web, "/api/issues"))["issues"]
    assert (await web.call("POST", f"/api/issues/{issue['id']}/dismiss")).status == 200


async def test_the_dashboard_shows_the_three_worst(web: Web) -> None:
    """And says how many more there are."""
    for kind in TroubleKind:
        await trouble(web, kind)
    html = await page(web, "/")
    assert html.count('class="card issue') == 3
    assert html.count('class="card issue bad"') == 3
    assert f"{len(TroubleKind) - 3} more repairs" in html


async def test_connect_fills_in_address_and_model(web: Web) -> None:
    """The address that the browser used; the model that was chosen; another program by its link."""
    web.post(ChildReported(make_child(web.loop.outlook.snapshot)))
    await until(web, lambda o: o.decision.routes.routes[MODEL_ID].endpoint)
    html = await page(web, "/connect?agent=codex")
    assert f"http://127.0.0.1:{web.loop.outlook.snapshot.node.api_port}/v1" in html
    assert "wire_api" in html
    answer = await web.call("GET", "/connect/claude-code", headers={"Host": "den.local:3131"})
    text = await answer.text()
    assert (answer.status, answer.content_type) == (200, "text/plain")
    assert ("ANTHROPIC_BASE_URL=http://den.local:9337" in text, MODEL_ID in text) == (True, True)
    assert (await web.call("GET", "/connect/nobody")).status == 404


async def test_connect_tells_programs_for_ollama_where_to_go(web: Web) -> None:
    """To the settings as long as there is no port for them, then to their port."""
    assert 'href="/settings#api"' in await page(web, "/connect")
    changed = await web.call("PATCH", "/api/settings", json={"api": {"ollama_port": 11434}})
    assert changed.status == 200
    await until(web, lambda o: o.snapshot.settings.api.ollama_port)
    assert ">http://127.0.0.1:11434<" in await page(web, "/connect")


async def test_connect_says_when_there_is_no_model(web: Web) -> None:
    """The texts have a word in its place."""
    serving = web.settings.current.serving.model_copy(update={"models": (), "on_demand": False})
    web.post(SettingsChanged(web.settings.current.model_copy(update={"serving": serving})))
    await until(web, lambda o: not o.decision.routes.routes)
    assert "No chat model is served" in await page(web, "/connect")


async def test_about_says_what_the_box_is_made_of(web: Web) -> None:
    """Versions, folders, licences with their texts; nothing is fetched, and a box without engine says so."""
    html = await page(web, "/about")
    assert "does not start on this box" in html
    assert not re.findall(r'(?:href|src)="(?!/|#)', html)
    found = await document(web, "/api/about")
    assert {"htmx.org", "Meshbox"} <= {part["name"] for part in found["parts"]}
    assert "litestar" in {part["name"] for part in found["packages"]}
    assert found["data"]["free"] > 0
    licence = await web.call("GET", "/about/licences/meshbox")
    assert (licence.content_type, "Apache License" in await licence.text()) == ("text/plain", True)
    assert "Permission to use" in await (await web.call("GET", "/about/licences/htmx")).text()
    for name in ("nobody", "..%2f..%2fpyproject.toml"):
        assert (await web.call("GET", f"/about/licences/{name}")).status == 404


async def test_the_support_bundle_tells_much_and_no_secret(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """One zip with everything that a helper asks for first."""
    monkeypatch.setenv("HF_TOKEN", "tok-of-the-environment")
    await trouble(web)
    web.post(HardwareProbed(replace(INVENTORY, notes=("seen by /home/anna/bin/x",))))
    say(web, f"asked with Authorization: Bearer {web.token}, tok-of-the-environment")
    say(web, f"typed {CODE}")
    answer = await web.call("GET", "/api/support-bundle")
    assert (answer.status, answer.content_type) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO((await answer.text("latin-1")).encode("latin-1"))) as bundle:
        names = {name.removeprefix("meshbox-support/") for name in bundle.namelist()}
        files = {name.removeprefix("meshbox-support/"): bundle.read(name).decode() for name in bundle.namelist()}
    assert names == {"README.txt", "status.json", "issues.json", "settings.json", "versions.json", "logs.txt"}
    assert json.loads(files["issues.json"])[0]["id"] == "disk_full"
    assert json.loads(files["status.json"])["serving"][0]["model"] == MODEL_ID
    assert "meshbox.test: typed [removed]" in files["logs.txt"]
    for secret in (CODE, web.token, "tok-of-the-environment", "anna"):
        assert not [name for name, text in files.items() if secret in text]
