"""The password and who is logged in with it: by program and by page."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.api.access import TRIES_PER_ADDRESS
from tests.app.web.harness import PASSWORD, Web

NEW = "another good password"


async def log_in(web: Web, agent: str = "curl/8", password: str = PASSWORD) -> str:
    headers = {"Authorization": "", "User-Agent": agent}
    answer = await web.call("POST", "/api/login", json={"password": password}, headers=headers)
    assert answer.status == 200, await answer.text()
    web.session.cookie_jar.clear()
    return str((await answer.json())["token"])


async def knows(web: Web, token: str) -> bool:
    return (await web.call("GET", "/api/status", headers={"Authorization": f"Bearer {token}"})).status == 200


async def listed(web: Web) -> list[dict[str, object]]:
    return list((await (await web.call("GET", "/api/sessions")).json())["sessions"])


async def change(web: Web, current: str, new: str) -> tuple[int, str]:
    answer = await web.call("POST", "/api/password", json={"current": current, "new": new})
    return answer.status, str((await answer.json()).get("code", ""))


async def test_a_new_password_ends_every_login_but_this_one(web: Web) -> None:
    """The old password is worth nothing from then on."""
    other = await log_in(web)
    answer = await web.call("POST", "/api/password", json={"current": PASSWORD, "new": NEW})
    assert (answer.status, await answer.json()) == (200, {"ended": 1})
    assert await knows(web, web.token)
    assert not await knows(web, other)
    assert [one["current"] for one in await listed(web)] == [True]
    assert (await web.call("POST", "/api/login", json={"password": PASSWORD})).status == 401
    assert await log_in(web, password=NEW)


@pytest.mark.parametrize(
    ("current", "new", "status", "code"),
    [
        ("wrong", NEW, 403, "wrong_current_password"),
        (PASSWORD, "short", 422, "password_too_short"),
        (PASSWORD, "x" * 1025, 422, "password_too_long"),
        ("x" * 100_000, NEW, 403, "wrong_current_password"),
    ],
)
async def test_a_change_that_is_not_right_changes_nothing(
    web: Web, current: str, new: str, status: int, code: str
) -> None:
    """Each mistake has its status and code."""
    assert await change(web, current, new) == (status, code)
    assert await log_in(web)


async def test_guessing_the_current_password_is_throttled(web: Web) -> None:
    """Who finds an open browser cannot try for long, and not at the login either."""
    codes = [(await change(web, "wrong", NEW))[1] for _ in range(TRIES_PER_ADDRESS + 1)]
    assert codes[-2:] == ["wrong_current_password", "too_many_tries"]
    assert (await web.call("POST", "/api/login", json={"password": PASSWORD})).status == 429


async def test_a_password_that_cannot_be_stored_stays(web: Web, tmp_path: Path) -> None:
    """And every login with it."""
    other = await log_in(web)
    (tmp_path / "secrets" / "password.new").mkdir()
    assert (await change(web, PASSWORD, NEW))[0] == 507
    assert await knows(web, other)


async def test_logins_are_listed_without_their_tokens(web: Web) -> None:
    """With what a person needs to tell them apart."""
    token = await log_in(web, "Firefox/127 \u202e" + "x" * 500)
    found = {bool(one["current"]): one for one in await listed(web)}
    assert found[False].keys() == {"id", "made_at", "used_at", "address", "agent", "current"}
    assert (found[False]["address"], str(found[False]["agent"])[:11]) == ("127.0.0.1", "Firefox/127")
    assert len(str(found[False]["agent"])) <= 200
    assert str(found[False]["agent"]).isprintable()
    assert token not in str(found)


async def test_one_login_is_ended(web: Web) -> None:
    """The others go on; ended twice it is not there."""
    first, second = await log_in(web), await log_in(web, "second")
    login = next(one["id"] for one in await listed(web) if one["agent"] == "second")
    assert (await web.call("DELETE", f"/api/sessions/{login}")).status == 204
    assert (await knows(web, first), await knows(web, second)) == (True, False)
    assert (await web.call("DELETE", f"/api/sessions/{login}")).status == 404


async def test_all_other_logins_are_ended(web: Web) -> None:
    """This one stays."""
    others = [await log_in(web) for _ in range(2)]
    answer = await web.call("DELETE", "/api/sessions")
    assert (answer.status, await answer.json()) == (200, {"ended": 2})
    assert [await knows(web, token) for token in (*others, web.token)] == [False, False, True]


async def test_the_form_changes_the_password(web: Web) -> None:
    """By the same rules as the route."""
    good = {"current": PASSWORD, "new": NEW, "repeat": NEW}
    for wrong, status, words in (
        ({"repeat": "else"}, 422, "not the same password"),
        ({"current": "wrong"}, 403, "not the current password"),
        ({"new": "short", "repeat": "short"}, 422, "at least 8 characters"),
    ):
        answer = await web.call("POST", "/settings/password", data=good | wrong)
        text = await answer.text()
        assert (answer.status, words in text, NEW in text) == (status, True, False)
    assert (await web.call("POST", "/settings/password", data=good)).headers["Location"].endswith("#password")
    assert await log_in(web, password=NEW)


async def test_the_buttons_end_logins(web: Web) -> None:
    """One, or all others."""
    first = await log_in(web, "first")
    login = next(str(one["id"]) for one in await listed(web) if one["agent"] == "first")
    assert (await web.call("POST", "/settings/sessions/end", data={"id": login})).status == 303
    assert not await knows(web, first)
    second = await log_in(web, "second")
    assert (await web.call("POST", "/settings/sessions/end-others")).status == 303
    assert (await knows(web, second), await knows(web, web.token)) == (False, True)
