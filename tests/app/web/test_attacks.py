"""What strangers and their web pages try, against every route there is."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import aiohttp
import pytest

from appliance.api import streams
from appliance.api.access import TRIES_PER_ADDRESS
from appliance.storage.passwords import store_password
from tests.app.web.harness import CODE, PASSWORD, Web
from tests.app.web.surface import Call, calls

SAFE = {"GET", "HEAD"}
CROSS_SITE = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "same-origin, cross-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "{own}"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "{own}.evil.example"},
    {"Origin": "http://evil.example/{own}"},
    {"Referer": "http://evil.example/{own}"},
)
OPEN = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/api/login"),
    ("GET", "/setup"),
    ("POST", "/setup"),
    ("POST", "/api/setup"),
    ("POST", "/theme"),
    ("GET", "/static/app.css"),
    ("HEAD", "/static/app.css"),
}
PROTECTION = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


async def status_of(web: Web, call: Call, **arguments: object) -> int:
    """Without reading an answer that may never end."""
    headers = {**web.headers, **arguments.pop("headers", {})}  # type: ignore[dict-item]
    async with web.session.request(
        call.method,
        web.url + call.path,
        headers=headers,
        allow_redirects=False,
        **arguments,  # type: ignore[arg-type]
    ) as answer:
        return answer.status


async def log_in_like_a_browser(web: Web) -> None:
    """From here on the cookie goes with every request, and nothing else."""
    web.headers = {}
    await web.call("POST", "/api/login", json={"password": PASSWORD})
    assert (await web.call("GET", "/api/status")).status == 200


async def test_no_page_of_another_site_can_change_anything(web: Web) -> None:
    """Every route that is not only read, however the browser tells where the request comes from."""
    await log_in_like_a_browser(web)
    taken = [
        (call.method, call.path, marks)
        for call in calls(web)
        if call.method not in SAFE
        for marks in CROSS_SITE
        if await status_of(web, call, headers={k: v.format(own=web.url) for k, v in marks.items()}) != 403
    ]
    assert not taken
    assert (await web.call("GET", "/api/status")).status == 200


async def test_every_route_can_be_used_from_our_own_pages(web: Web) -> None:
    """The rule above is not simply a wall."""
    await log_in_like_a_browser(web)
    own = {"Origin": web.url, "Sec-Fetch-Site": "same-origin"}
    refused = []
    for call in calls(web):
        if call.method not in SAFE and not call.path.endswith("logout"):
            answer = await web.call(call.method, call.path, headers=own)
            refused += [call] if "cross_site" in await answer.text() else []
    assert not refused


@pytest.mark.parametrize("name", ["Origin", "Referer"])
@pytest.mark.parametrize("address", ["http://[", "http://a]b", "//[::1"])
async def test_an_address_that_is_none_breaks_nothing(web: Web, name: str, address: str) -> None:
    """A stranger's malformed header is refused, not a fault of the box; an error page still knows a way back."""
    headers, web.headers = web.headers, {}
    answer = await web.call("POST", "/api/login", json={"password": PASSWORD}, headers={name: address})
    assert (answer.status, (await answer.json())["code"]) == (403, "cross_site")
    page = await web.call(
        "POST", "/repairs/fix", data={"id": "x"}, headers={**headers, name: address, "Accept": "text/html"}
    )
    assert page.status == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:3131", "nas.evil"])
async def test_a_foreign_name_opens_nothing_at_all(web: Web, host: str) -> None:
    """DNS rebinding: pages, routes, streams, files, health and what is not there; with a login and without."""
    for headers in (web.headers, {}):
        web.headers = headers
        asked = [*calls(web), Call("/nothing", "GET", ""), Call("/api/nothing", "GET", "")]
        statuses = {call.path: await status_of(web, call, headers={"Host": host}) for call in asked}
        assert set(statuses.values()) == {421}


async def test_nothing_is_open_to_strangers_that_is_not_on_the_list(web: Web) -> None:
    """A route that somebody adds is closed, or this test says so."""
    web.headers = {}
    answers = {call: await status_of(web, call) for call in calls(web)}
    let_in = {(call.method, call.path) for call, status in answers.items() if status not in (401, 303)}
    assert let_in <= OPEN
    assert {call for call, status in answers.items() if call.stream and status != 401} == set()
    assert {call for call, status in answers.items() if call.path.startswith("/api/") and status == 303} == set()


async def test_a_made_up_login_opens_nothing(web: Web) -> None:
    """Neither as a token nor as a cookie, whatever is in it."""
    for forged in ("x", "a" * 5000, "../../x", '"; drop table sessions; --', "é".encode().decode("latin-1")):
        for headers in ({"Authorization": f"Bearer {forged}"}, {"Cookie": f"meshbox_node={forged}"}):
            web.headers = headers
            assert (await web.call("GET", "/api/status")).status == 401
            assert (await web.call("GET", "/")).status == 303


async def test_every_answer_tells_the_browser_to_be_careful(web: Web) -> None:
    """Answers, errors, redirects, files, streams, refusals: none can be framed, sniffed or read by other sites."""
    bare = web.headers
    asked = [*calls(web), Call("/nothing", "GET", ""), Call("/", "PUT", ""), Call("/", "OPTIONS", "")]
    for headers in (bare, {}, {"Host": "evil.example"}, {"Accept": "text/html"} | bare, {"Accept": "text/html"}):
        web.headers = headers
        for call in asked:
            if call.path.endswith("logout") and headers:
                continue
            async with web.session.request(
                call.method, web.url + call.path, headers=headers, allow_redirects=False
            ) as answer:
                got = {name: answer.headers.get(name) for name in PROTECTION}
                policy = answer.headers["Content-Security-Policy"]
            assert got == PROTECTION, call
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")], call


async def test_nothing_private_is_kept_by_browsers_or_proxies(web: Web) -> None:
    """Only the static files are."""
    for call in calls(web):
        if call.path.startswith("/static/") or call.method not in SAFE:
            continue
        async with web.session.get(web.url + call.path, headers=web.headers, allow_redirects=False) as answer:
            assert answer.headers["Cache-Control"] == "no-store", call.path


@pytest.mark.parametrize("path", ["/login", "/api/login"])
async def test_each_login_has_a_token_of_its_own(web: Web, path: str) -> None:
    """A cookie that was there before is not taken over, and is worth nothing afterwards."""
    planted = "planted-by-somebody-else-0123456789abcdefghi"
    tokens = set()
    for _ in range(2):
        web.session.cookie_jar.clear()
        web.headers = {"Cookie": f"meshbox_node={planted}"}
        body = {"data": {"password": PASSWORD}} if path == "/login" else {"json": {"password": PASSWORD}}
        answer = await web.call("POST", path, **body)
        tokens.add(answer.cookies["meshbox_node"].value)
    assert len(tokens) == 2
    assert planted not in tokens
    web.session.cookie_jar.clear()
    assert (await web.call("GET", "/api/status")).status == 401


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/login", {"data": {"password": PASSWORD}}),
        ("/api/login", {"json": {"password": PASSWORD}}),
        ("/logout", {}),
        ("/api/logout", {}),
    ],
)
async def test_the_cookie_of_a_login_is_for_this_box_alone(web: Web, path: str, body: dict[str, object]) -> None:
    """No script reads it, no other site sends it along, no other host gets it."""
    answer = await web.call("POST", path, **body)
    (line,) = [value for name, value in answer.headers.items() if name == "Set-Cookie"]
    flags = {part.strip().lower() for part in line.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= flags
    assert not any(flag.startswith("domain") for flag in flags)


async def test_logging_out_in_one_browser_leaves_the_others(web: Web) -> None:
    """And the cookie that was logged out is dead, not only forgotten."""
    await log_in_like_a_browser(web)
    (cookie,) = [c for c in web.session.cookie_jar if c.key == "meshbox_node"]
    await web.call("POST", "/logout")
    web.session.cookie_jar.clear()
    assert (await web.call("GET", "/api/status", headers={"Cookie": f"meshbox_node={cookie.value}"})).status == 401
    assert (await web.call("GET", "/api/status", headers={"Authorization": f"Bearer {web.token}"})).status == 200


@pytest.mark.parametrize("path", ["/login", "/api/login", "/setup", "/api/setup"])
async def test_many_guesses_at_once_are_not_more_than_one_after_the_other(fresh: Web, path: str) -> None:
    """The throttle counts them all, at each of the doors."""
    if "login" in path:
        await fresh.claim()
        fresh.headers = {}
    guess = {"code": "XXXX-XXXX", "password": "wrong one", "repeat": "wrong one"}
    if "login" in path:
        guess = {"password": "wrong one"}
    elif path == "/api/setup":
        del guess["repeat"]
    body = {"json": guess} if path.startswith("/api/") else {"data": guess}
    answers = await asyncio.gather(*(fresh.call("POST", path, **body) for _ in range(3 * TRIES_PER_ADDRESS)))
    statuses = [answer.status for answer in answers]
    assert statuses.count(429) == 2 * TRIES_PER_ADDRESS
    right = {"password": PASSWORD} if "login" in path else guess | {"code": CODE}
    body = {"json": right} if path.startswith("/api/") else {"data": right}
    assert (await fresh.call("POST", path, **body)).status == 429


ELSEWHERE = (
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\r\nSet-Cookie: a=b",
    "http://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/%0d%0aSet-Cookie:%20a=b",
    "/@evil.example",
    "evil.example",
    " //evil.example",
    "/\u2028/evil.example",
    "/\u202e//evil",
)


@pytest.mark.parametrize("target", ELSEWHERE)
async def test_nobody_is_sent_to_another_site(web: Web, target: str) -> None:
    """After the login, after a change of colours, and by the way back that an error page offers."""
    answers = [
        await web.call("GET", "/login", params={"next": target}),
        await web.call("POST", "/login", data={"password": PASSWORD, "next": target}),
        await web.call("POST", "/theme", data={"theme": "dark", "back": target}),
        await web.call("POST", "/repairs/dismiss", data={"id": "x", "back": target}),
    ]
    html = await (
        await web.call("GET", "/nothing", headers={"Accept": "text/html", "Referer": _sendable(target)})
    ).text()
    places = [answer.headers.get("Location", "/") for answer in answers]
    places += [unescape(found) for found in re.findall(r'(?:href|action|src)="([^"]*)"', html)]
    assert {urlsplit(urljoin(web.url, place)).netloc for place in places} == {urlsplit(web.url).netloc}
    assert all(answer.cookies.keys() <= {"meshbox_node", "theme"} for answer in answers)


def _sendable(text: str) -> str:
    return "".join(c for c in text if c.isprintable() and c.isascii())


async def test_names_lead_to_no_file_outside(web: Web, tmp_path: Path) -> None:
    """Uploads, models and licences: whatever is asked for by name stays in its folder."""
    names = (
        "../evil.gguf",
        "/tmp/evil.gguf",
        "..\\evil.gguf",
        "a/../../evil.gguf",
        ".gguf",
        "a\0.gguf",
        "....//x.gguf",
    )
    before = set(tmp_path.parent.rglob("*evil*"))
    for name in names:
        sent = await web.call("POST", "/api/models/upload", params={"name": name}, data=b"GGUF")
        assert sent.status in (400, 404, 409, 422), name
        assert (await web.call("GET", "/api/models/upload", params={"name": name})).status in (200, 400, 422)
    for path in ("..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "..%5c..%5cetc", "%00", "....//etc/passwd"):
        for base in ("/api/models/", "/models/", "/about/licences/", "/static/", "/connect/", "/schema/"):
            for method in ("GET", "DELETE"):
                answer = await web.call(method, base + path)
                assert answer.status in (303, 400, 404, 405, 409, 422), (method, base + path)
                assert "root:" not in await answer.text()
    assert set(tmp_path.parent.rglob("*evil*")) == before


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams look after the login of their listener more often."""
    monkeypatch.setattr(streams, "RECHECK_SECONDS", 0.05)


@pytest.mark.usefixtures("watchful")
@pytest.mark.parametrize("how", ["logout", "password"])
async def test_open_streams_end_with_their_login(web: Web, tmp_path: Path, how: str) -> None:
    """Whoever was locked out sees nothing more, also in pages that he has open; others go on looking."""
    answer = await web.call("POST", "/api/login", json={"password": PASSWORD})
    ending = {"Authorization": f"Bearer {(await answer.json())['token']}"}
    paths = [call.path for call in calls(web) if call.stream]
    assert len(paths) >= 2
    async with asyncio.timeout(20):
        opened = [await _opened(web, path, ending) for path in paths]
        if how == "logout":
            await web.call("POST", "/api/logout", headers=ending)
        else:
            await store_password(tmp_path / "secrets", "quite another one")
        for stream in opened:
            await stream.read()  # comes to its end without an error
            stream.close()


async def _opened(web: Web, path: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
    parameters = {"page": "frame"} if path == "/events/ui" else {}
    stream = await web.session.get(web.url + path, headers=headers, params=parameters)
    assert stream.status == 200, path
    assert await stream.content.readline()
    return stream


@pytest.mark.usefixtures("watchful")
async def test_a_stream_whose_login_lives_goes_on(web: Web) -> None:
    """Looking after the login does not cut anybody off."""
    async with web.session.get(web.url + "/api/events", headers=web.headers) as stream:
        await stream.content.readline()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await stream.content.read()
