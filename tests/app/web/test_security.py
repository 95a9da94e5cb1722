"""What no stranger's page can do to this one."""

from __future__ import annotations

import pytest

from appliance.models.types import BrokenFile, Library
from appliance.node.events import LibraryScanned, SettingsChanged
from appliance.settings.schema import NodeSettings, ServingSettings, Settings
from tests.app.web.harness import PASSWORD, Web

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.mark.parametrize("host", ["evil.example", "meshbox.evil.example:3131", "", "a b", "box.local.evil.example"])
async def test_a_foreign_name_is_refused(web: Web, host: str) -> None:
    """DNS rebinding: the page of a stranger cannot become ours."""
    answer = await web.call("GET", "/healthz", headers={"Host": host})
    assert answer.status in (400, 421)


async def test_a_person_who_uses_a_foreign_name_is_told_what_to_do(web: Web) -> None:
    """A page that names the name, as text."""
    answer = await web.call("GET", "/", headers={"Host": "<b>evil</b>.example", "Accept": "text/html"})
    text = await answer.text()
    assert (answer.status, answer.content_type) == (421, "text/html")
    assert "&lt;b&gt;evil&lt;/b&gt;.example" in text
    assert "web.allowed_hosts" in text


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost:3131", "[::1]:3131", "nas", "box.local", "box.lan", "gpu.home.arpa"]
)
async def test_names_of_the_home_network_are_taken(web: Web, host: str) -> None:
    """Nobody has to configure the usual names."""
    assert (await web.call("GET", "/healthz", headers={"Host": host})).status == 200


async def test_an_allowed_name_is_taken_at_once(web: Web) -> None:
    """The owner's own domain, without a restart."""
    assert (
        await web.call("PATCH", "/api/settings", json={"web": {"allowed_hosts": ["box.example.org"]}})
    ).status == 200
    assert (await web.call("GET", "/healthz", headers={"Host": "box.example.org"})).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
async def test_another_sites_page_changes_nothing(web: Web, headers: dict[str, str]) -> None:
    """Cross-site requests with the browser's cookie are refused, the login itself too."""
    web.headers = {}
    await web.call("POST", "/api/login", json={"password": PASSWORD})
    for method, path in [("PATCH", "/api/settings"), ("POST", "/api/logout"), ("POST", "/login"), ("POST", "/theme")]:
        answer = await web.call(method, path, json={}, headers=headers)
        assert (answer.status, (await answer.json())["code"]) == (403, "cross_site")
    assert (await web.call("GET", "/api/status")).status == 200


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {}])
async def test_our_own_pages_and_scripts_pass(web: Web, headers: dict[str, str]) -> None:
    """The rules do not get in the way of the owner."""
    web.headers = {}
    await web.call("POST", "/api/login", json={"password": PASSWORD})
    assert (await web.call("PATCH", "/api/settings", json={}, headers=headers)).status == 200


async def test_our_own_origin_passes(web: Web) -> None:
    """Browsers on plain http send Origin but no Sec-Fetch-Site."""
    web.headers = {}
    answer = await web.call("POST", "/api/login", json={"password": PASSWORD}, headers={"Origin": web.url})
    assert answer.status == 200


@pytest.mark.parametrize("path", ["/", "/api/status", "/static/app.css", "/nothing", "/setup"])
async def test_every_answer_carries_the_headers(web: Web, path: str) -> None:
    """Strict content policy, no sniffing, no frames."""
    answer = await web.call("GET", path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"


async def test_names_are_shown_as_text(web: Web) -> None:
    """Whatever a box, a model or a file is called, it is never markup."""
    hostile = Settings(node=NodeSettings(name=HOSTILE[:64]), serving=ServingSettings(models=(HOSTILE,)))
    web.post(SettingsChanged(hostile))
    web.post(LibraryScanned(Library(broken=(BrokenFile(HOSTILE, HOSTILE, HOSTILE),))))
    async for outlook in web.loop.watch():
        if outlook.snapshot.library is not None and outlook.snapshot.library.broken:
            break
    for path in ("/", "/chat"):
        text = await (await web.call("GET", path)).text()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
    assert "&lt;script&gt;alert" in await (await web.call("GET", "/")).text()


async def test_a_page_that_is_not_there_is_told_kindly(web: Web) -> None:
    """A page for people, a problem document for programs."""
    page = await web.call("GET", "/nothing", headers={"Accept": "text/html"})
    program = await web.call("GET", "/nothing")
    assert (page.status, "no such page" in await page.text()) == (404, True)
    assert (program.status, program.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/app.py", "/static//etc/passwd"]
)
async def test_static_files_end_at_their_folder(web: Web, path: str) -> None:
    """No way out of the folder."""
    answer = await web.call("GET", path)
    assert answer.status in (400, 404)


@pytest.mark.parametrize(
    ("path", "caching"),
    [
        ("/static/app.css?v=1", "public, max-age=31536000"),
        ("/static/chat/dom.js", "no-cache"),
        ("/login", "no-store"),
    ],
)
async def test_only_what_names_its_version_is_kept_for_long(web: Web, path: str, caching: str) -> None:
    """A module that another one imports by its bare name must not outlive an update of the box."""
    answer = await web.call("GET", path)
    assert answer.headers["Cache-Control"] == caching
