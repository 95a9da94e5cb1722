"""Who gets in: claim, login, sessions, throttling."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from appliance.api.access import TRIES_PER_ADDRESS
from appliance.storage.passwords import store_password
from tests.app.web.harness import CODE, PASSWORD, Web

OPEN = ("/healthz", "/metrics", "/static/app.css", "/login", "/setup")


async def test_the_code_from_the_log_claims_the_box_once(fresh: Web) -> None:
    """The second who knows the code comes too late."""
    body = {"code": "abcd efgh", "password": PASSWORD, "node_name": "den"}
    first = await fresh.call("POST", "/api/setup", json=body)
    second = await fresh.call("POST", "/api/setup", json=body)
    assert (first.status, second.status) == (200, 409)
    assert (await second.json())["code"] == "already_claimed"
    assert fresh.settings.current.node.name == "den"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"code": "XXXX-XXXX", "password": PASSWORD}, 403, "wrong_code"),
        ({"code": CODE, "password": "short"}, 422, "password_too_short"),
        ({"code": CODE}, 422, "invalid_fields"),
        ({"code": CODE, "password": PASSWORD, "more": 1}, 422, "invalid_fields"),
        ({"code": 5, "password": PASSWORD}, 422, "invalid_fields"),
    ],
)
async def test_a_claim_that_is_not_right_changes_nothing(
    fresh: Web, body: dict[str, object], status: int, code: str
) -> None:
    """Each mistake has its status and code, and the box stays free."""
    answer = await fresh.call("POST", "/api/setup", json=body)
    assert (answer.status, (await answer.json())["code"]) == (status, code)
    assert not fresh.access.claimed


async def test_guessing_the_code_is_throttled(fresh: Web) -> None:
    """After a few wrong codes even the right one has to wait, and the answer says how long."""
    for _ in range(TRIES_PER_ADDRESS):
        await fresh.call("POST", "/api/setup", json={"code": "XXXX-XXXX", "password": PASSWORD})
    answer = await fresh.call("POST", "/api/setup", json={"code": CODE, "password": PASSWORD})
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0


async def test_guessing_the_password_is_throttled(web: Web) -> None:
    """A login form is no oracle."""
    web.headers = {}
    statuses = [(await web.call("POST", "/api/login", json={"password": "wrong one"})).status for _ in range(10)]
    assert statuses == [401] * TRIES_PER_ADDRESS + [429] * (10 - TRIES_PER_ADDRESS)


async def test_a_login_gives_a_token_and_a_safe_cookie(web: Web) -> None:
    """Scripts take the token, browsers the cookie; no script of a page can read the latter."""
    web.headers = {}
    answer = await web.call("POST", "/api/login", json={"password": PASSWORD})
    token = (await answer.json())["token"]
    assert token != web.token
    (name,) = answer.cookies
    assert name == "meshbox_node"
    assert (answer.cookies[name]["httponly"], answer.cookies[name]["samesite"].lower()) == (True, "lax")
    assert (await web.call("GET", "/api/status")).status == 200


async def test_a_cookie_of_before_the_login_is_worth_nothing(web: Web) -> None:
    """A planted cookie cannot become a session."""
    web.headers = {"Cookie": "meshbox_node=planted"}
    answer = await web.call("POST", "/api/login", json={"password": PASSWORD})
    assert (await answer.json())["token"] != "planted"
    web.session.cookie_jar.clear()
    assert (await web.call("GET", "/api/status")).status == 401


async def test_logging_out_ends_the_session(web: Web) -> None:
    """The token is dead afterwards."""
    assert (await web.call("POST", "/api/logout")).status == 204
    assert (await web.call("GET", "/api/status")).status == 401


async def test_a_new_password_ends_every_session(web: Web, tmp_path: Path) -> None:
    """reset-password locks out whoever is logged in."""
    await store_password(tmp_path / "secrets", "quite another one")
    async with asyncio.timeout(5):
        while (await web.call("GET", "/api/status")).status == 200:  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.05)
    assert (await web.call("GET", "/api/status")).status == 401


@pytest.mark.parametrize(
    "path", ["/api/status", "/api/settings", "/api/logs", "/api/events", "/schema", "/api/openai/v1/models"]
)
async def test_strangers_get_401_from_the_api(web: Web, path: str) -> None:
    """Nothing but login, setup and health is open."""
    answer = await web.call("GET", path, headers={"Authorization": "Bearer nonsense"})
    assert answer.status == 401


@pytest.mark.parametrize(
    ("path", "target"), [("/", "/login"), ("/chat", "/login?next=/chat"), ("/logs", "/login?next=/logs")]
)
async def test_strangers_are_led_from_pages_to_the_login(web: Web, path: str, target: str) -> None:
    """And back to the page afterwards."""
    web.headers = {}
    answer = await web.call("GET", path)
    assert (answer.status, answer.headers["Location"]) == (303, target)


@pytest.mark.parametrize("path", ["/logout", "/repairs/fix"])
async def test_what_was_posted_is_not_gone_back_to(web: Web, path: str) -> None:
    """After the login there is a page, not an address that only takes forms."""
    web.headers = {}
    answer = await web.call("POST", path)
    assert (answer.status, answer.headers["Location"]) == (303, "/login")


async def test_an_open_page_whose_login_ended_is_told_so(web: Web) -> None:
    """Its stream gets a clear no instead of the login page."""
    web.headers = {}
    assert (await web.call("GET", "/events/ui?page=dashboard")).status == 401


async def test_a_box_whose_name_cannot_be_stored_is_claimed_all_the_same(fresh: Web, tmp_path: Path) -> None:
    """The owner gets in; the trouble is told as an issue."""
    (tmp_path / "settings.json.new").mkdir()
    body = {"code": CODE, "password": PASSWORD, "node_name": "den"}
    answer = await fresh.call("POST", "/api/setup", json=body)
    assert answer.status == 200
    assert [failure.code for failure in fresh.wrote if failure] == ["not_writable"]


async def test_everybody_is_led_to_the_setup_of_an_unclaimed_box(fresh: Web) -> None:
    """The newcomer cannot miss it."""
    for path in ("/", "/chat", "/login"):
        answer = await fresh.call("GET", path)
        assert (answer.status, answer.headers["Location"]) == (303, "/setup")


@pytest.mark.parametrize("path", OPEN)
async def test_what_is_open_is_open(fresh: Web, path: str) -> None:
    """Health, numbers, looks and the entrance need no login."""
    assert (await fresh.call("GET", path)).status in (200, 303)


async def test_numbers_can_be_closed(web: Web) -> None:
    """A setting puts /metrics behind the login."""
    assert (await web.call("PATCH", "/api/settings", json={"web": {"public_metrics": False}})).status == 200
    assert (await web.call("GET", "/metrics")).status == 200
    web.headers = {}
    assert (await web.call("GET", "/metrics")).status == 401


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/\tx"])
async def test_a_login_leads_nowhere_else(web: Web, target: str) -> None:
    """No open redirect."""
    web.headers = {}
    answer = await web.call("POST", "/login", data={"password": PASSWORD, "next": target})
    assert (answer.status, answer.headers["Location"]) == (303, "/")


async def test_the_forms_work_without_scripts(fresh: Web) -> None:
    """Every step of the setup, logout and login as a browser without JavaScript does them."""
    form = {"code": CODE, "password": PASSWORD, "repeat": PASSWORD}
    claimed = await fresh.call("POST", "/setup", data=form)
    assert (claimed.status, claimed.headers["Location"]) == (303, "/setup/box")
    for step, following in (("box", "hardware"), ("hardware", "model"), ("model", "done")):
        page = await fresh.call("GET", "/setup")
        assert page.headers["Location"] == f"/setup/{step}"
        assert (await fresh.call("GET", f"/setup/{step}")).status == 200
        went_on = await fresh.call("POST", f"/setup/{step}", data={"node_name": "attic"})
        assert (went_on.status, went_on.headers["Location"]) == (303, f"/setup/{following}")
    assert (await fresh.call("GET", "/setup/done")).status == 200
    assert (await fresh.call("GET", "/setup")).headers["Location"] == "/"
    assert "attic" in await (await fresh.call("GET", "/")).text()
    assert (await fresh.call("POST", "/logout")).headers["Location"] == "/login"
    assert (await fresh.call("GET", "/")).status == 303
    assert (await fresh.call("POST", "/login", data={"password": PASSWORD})).headers["Location"] == "/"
    assert (await fresh.call("GET", "/")).status == 200


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({"code": CODE, "password": PASSWORD, "repeat": "other"}, 422, "not the same password"),
        ({"code": "XXXX", "password": PASSWORD, "repeat": PASSWORD}, 403, "not the code"),
        ({"code": CODE, "password": "short", "repeat": "short"}, 422, "at least 8 characters"),
        ({}, 403, "not the code"),
    ],
)
async def test_a_setup_form_says_beside_the_field_what_is_wrong(
    fresh: Web, form: dict[str, str], status: int, words: str
) -> None:
    """The typed code stays, passwords do not come back."""
    answer = await fresh.call("POST", "/setup", data=form)
    text = await answer.text()
    assert (answer.status, words in text) == (status, True)
    assert PASSWORD not in text


async def test_a_box_is_not_given_an_impossible_name(web: Web) -> None:
    """The step is not left, and what was typed is still there."""
    answer = await web.call("POST", "/setup/box", data={"node_name": "x" * 65})
    text = await answer.text()
    assert (answer.status, "1 to 64 characters" in text, "x" * 65 in text) == (422, True, True)
    assert web.settings.current.setup == "done"
