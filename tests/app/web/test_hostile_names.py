"""Whatever somebody calls a box, a model, a file, a card or a job: it is text, and nothing but text."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import quote, urlencode

import aiohttp
import pytest

from tests.app.web.harness import Web
from tests.app.web.hostile import TEXTS, show
from tests.app.web.markup import dangers, text_of
from tests.app.web.surface import Call, calls

LARGEST = 3_000_000  # bytes of a page with names of thousands of letters everywhere
ASKED = (
    "q",
    "node",
    "model",
    "range",
    "done",
    "next",
    "code",
    "source",
    "level",
    "follow",
    "after",
    "page",
    "ref",
    "sort",
)
SOME_TEXTS = TEXTS[:2] + TEXTS[20:26]  # where the text itself does not matter to which code is passed through
UNSEEN = re.compile("[\0\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def addresses(web: Web, text: str) -> dict[str, str]:
    """Of every page, and of every page of one thing that has the name."""
    name = quote(text.replace("\0", ""), safe="", errors="replace") or "x"
    return {call.route: call.path for call in calls(web, model_id=name, agent=name, name=name) if call.page}


async def html_of(web: Web, path: str) -> str:
    """The page, after a look at what came with it."""
    async with asyncio.timeout(30):
        answer = await web.call("GET", path, headers={"Accept": "text/html"})
    assert answer.status < 500, path
    assert not [name for name in answer.headers if "evil" in name.lower()]
    assert "Set-Cookie" not in answer.headers
    body = await answer.text()
    assert len(body) < LARGEST, f"{path} has {len(body)} letters"
    return body if answer.content_type == "text/html" else ""


def test_the_eye_of_these_tests_sees_what_a_browser_would_run() -> None:
    """Else all that follows would prove nothing."""
    bad = (
        "<script>alert(1)</script>",
        '<script src="//evil.example/x.js"></script>',
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        '<p style="background: url(//evil.example)">',
        '<a href="javascript:alert(1)">',
        '<a href=" java&#10;script:alert(1)">',
        '<a href="//evil.example">',
        '<a href="/\t/evil.example">',
        '<form action="https://evil.example">',
        "<iframe>",
        '<meta http-equiv="refresh" content="0;url=//evil.example">',
        '<p hx-on:click="alert(1)">',
        "<!-- a comment -->",
        '<p id="a" id="b">',
    )
    assert [html for html in bad if not dangers(html)] == []
    good = (
        '<p class="a"><a href="/models/%3Cscript%3E?x=1#y">&lt;script&gt;</a></p><script src="/static/app.js"></script>'
    )
    assert dangers(good) == []


@pytest.mark.timeout(300)
async def test_every_page_shows_every_name_as_text(web: Web) -> None:
    """No element, attribute or address comes of it; nothing unseen turns the letters round; no page grows endless."""
    for text in TEXTS:
        show(web, text)
        for path in addresses(web, text).values():
            html = await html_of(web, path)
            assert dangers(html) == [], (text[:60], path)
            assert not UNSEEN.search(html), (text[:60], path)


@pytest.mark.timeout(120)
async def test_names_are_there_to_be_read(web: Web) -> None:
    """Harmless does not mean gone: who has such a file has to find it."""
    show(web, "<script>alert(1)</script>")
    for path in ("/", "/models", "/gpus", "/repairs", "/logs", "/topology", "/activity"):
        assert "<script>alert(1)</script>" in text_of(await html_of(web, path)), path


@pytest.mark.timeout(240)
async def test_what_is_asked_for_comes_back_as_text(web: Web) -> None:
    """Parameters that a page knows and that it does not, for every page there is."""
    for text in TEXTS:
        asked = urlencode(dict.fromkeys(ASKED, text), errors="replace")
        for path in {call.path for call in calls(web) if call.page} | {"/nothing"}:
            html = await html_of(web, f"{path}?{asked}")
            assert dangers(html) == [], (text[:60], path)


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("nothing_outside")
async def test_what_is_sent_comes_back_as_text(web: Web) -> None:
    """Forms that are not right are shown again, with what was filled in; by strangers as well."""
    names = (
        "password",
        "repeat",
        "code",
        "node_name",
        "name",
        "ref",
        "model",
        "id",
        "theme",
        "back",
        "next",
        "context",
        "models",
        "tokens_per_day",
        "last_day",
    )
    for text in SOME_TEXTS:
        form = dict.fromkeys(names, text.encode("utf-8", "replace").decode())
        for call in calls(web):
            if call.method != "POST" or call.path.startswith("/api/") or call.path.endswith("logout"):
                continue
            answer = await web.call("POST", call.path, data=form, headers={"Accept": "text/html"})
            assert answer.status < 500, (text[:60], call.path)
            assert dangers(await answer.text()) == [], (text[:60], call.path)


@pytest.mark.timeout(300)
async def test_every_live_stream_shows_names_as_text(web: Web) -> None:
    """Its first event is one event, all of it markup of ours, and every block is whole."""
    for text in TEXTS:
        show(web, text)
        for path in sorted(set(addresses(web, text).values())):
            html = await html_of(web, path)
            for stream in {unescape(found) for found in re.findall(r'hx-sse:connect="([^"]+)"', html)}:
                event = await first_event(web, stream)
                assert set(event) <= {"data", "event", "id"}, (text[:60], stream)
                assert dangers(event["data"]) == [], (text[:60], stream)
                assert not UNSEEN.search(event["data"]), (text[:60], stream)
                assert event["data"].count("<hx-partial") == event["data"].count("</hx-partial>")


async def first_event(web: Web, path: str) -> dict[str, str]:
    async with (
        asyncio.timeout(20),
        web.session.get(web.url + path, headers=web.headers, read_bufsize=LARGEST) as answer,
    ):
        assert answer.status == 200, path
        return await anext(events(answer.content))


async def events(lines: aiohttp.StreamReader) -> AsyncIterator[dict[str, str]]:
    """As a browser reads them."""
    fields: dict[str, list[str]] = {}
    async for line in lines:
        text = line.decode("utf-8", "strict").rstrip("\r\n")
        if text:
            name, _, value = text.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
        elif "data" in fields:
            yield {name: "\n".join(values) for name, values in fields.items() if name}
            fields = {}


@pytest.mark.timeout(300)
async def test_every_json_answer_can_be_read_whatever_the_names(web: Web) -> None:
    """Valid UTF-8, one JSON document, the names in it; numbers that are none are null."""
    asked = [call for call in calls(web) if is_json(call)]
    for text in TEXTS:
        show(web, text)
        for call in asked:
            async with web.session.get(web.url + call.path, headers=web.headers) as answer:
                body = await answer.read()
            assert answer.status < 500, (text[:60], call.path)
            json.loads(body.decode("utf-8", "strict"), parse_constant=_no_number)


def is_json(call: Call) -> bool:
    apart = ("/api/events", "/api/openai", "/api/support-bundle", "/api/models/search", "/api/models/resolve")
    return call.method == "GET" and call.path.startswith("/api/") and not call.path.startswith(apart)


def _no_number(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@pytest.mark.timeout(120)
async def test_the_stream_of_events_cannot_be_spoken_in_by_a_name(web: Web) -> None:
    """One `status` with all names in it, then what changed: no event, id or line of somebody else's."""
    for text in TEXTS:
        show(web, text)
        event = await first_event(web, "/api/events")
        assert (event["event"], set(event)) == ("status", {"id", "event", "data"})
        assert "\n" not in event["data"]
        json.loads(event["data"], parse_constant=_no_number)


async def test_the_numbers_cannot_be_spoken_in_by_a_name(web: Web) -> None:
    """Labels are quoted: each line is a comment or one sample of ours."""
    for text in TEXTS:
        show(web, text)
        answer = await web.call("GET", "/metrics")
        assert answer.status == 200
        lines = (await answer.text()).split("\n")
        assert all(re.match(r"^($|# (HELP|TYPE|EOF)|(meshbox|process|python)_\w+[ {])", line) for line in lines)
