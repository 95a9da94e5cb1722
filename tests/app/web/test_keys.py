"""API keys on the page and by its JSON routes."""

from __future__ import annotations

import io
import logging
import re
import zipfile
from typing import Any

import pytest

from appliance.keys.store import KeyStore
from appliance.storage.errors import StorageFailed
from tests.app.web.harness import Web
from tests.app.web.hostile import TEXTS
from tests.app.web.markup import dangers, text_of
from tests.app.web.test_live_pages import stream_of

PAGE = {"Accept": "text/html"}
LATER = "2090-01-01T00:00:00Z"
FULL = {
    "name": "Laptop",
    "models": ["mesh-*"],
    "endpoints": ["chat", "embeddings"],
    "requests_per_minute": 60,
    "tokens_per_day": 1000,
    "concurrency": 2,
    "expires_at": LATER,
}


async def made(web: Web, **fields: Any) -> dict[str, Any]:
    answer = await web.call("POST", "/api/keys", json={"name": "Laptop", **fields})
    assert answer.status == 201, await answer.text()
    document: dict[str, Any] = await answer.json()
    return document


async def listed(web: Web) -> list[dict[str, Any]]:
    document = await (await web.call("GET", "/api/keys")).json()
    keys: list[dict[str, Any]] = document["keys"]
    return keys


async def html_of(web: Web, path: str = "/keys") -> str:
    answer = await web.call("GET", path, headers=PAGE)
    assert answer.status == 200
    return await answer.text()


async def send(web: Web, path: str, **form: str) -> tuple[int, str, str]:
    """Status, where to, and what a browser shows."""
    answer = await web.call("POST", path, data=form, headers=PAGE)
    return answer.status, answer.headers.get("Location", ""), await answer.text()


async def test_the_secret_is_shown_once(web: Web) -> None:
    """When the key is made, to nobody else, and never again."""
    answer = await web.call("POST", "/api/keys", json=FULL)
    document = await answer.json()
    secret = document.pop("secret")
    assert re.fullmatch(r"mbx_[0-9A-Za-z]{43}", secret)
    assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
    assert await listed(web) == [document]
    for path in ("/api/keys", f"/api/keys/{document['id']}", "/keys", f"/keys/{document['id']}", "/api/logs", "/logs"):
        assert secret not in await (await web.call("GET", path)).text()
    assert web.keys.find(secret) is not None


async def test_a_key_is_what_was_asked_for(web: Web) -> None:
    """Each field by its name; what was not named is without limit."""
    full = await made(web, **FULL)
    assert {name: full[name] for name in FULL} == FULL
    plain = await made(web, name="Phone")
    assert [plain[name] for name in FULL] == ["Phone", [], [], None, None, None, None]
    assert (plain["used_at"], plain["in_flight"], plain["today"]["requests"]) == (None, 0, 0)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": None}, "name"),
        ({"models": [""]}, "models.0"),
        ({"models": ["m"] * 65}, "models"),
        ({"endpoints": ["everything"]}, "endpoints.0"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"requests_per_minute": "5"}, "requests_per_minute"),
        ({"tokens_per_day": -1}, "tokens_per_day"),
        ({"tokens_per_day": True}, "tokens_per_day"),
        ({"concurrency": 1001}, "concurrency"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": "2090-01-01"}, "expires_at"),
        ({"expires_at": "2090-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "2000-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
        ({"secret": "mbx_mine"}, "secret"),
    ],
)
async def test_wrong_fields_are_named(web: Web, fields: dict[str, Any], wrong: str) -> None:
    """When it is made as when it is changed, and nothing is kept of it."""
    document = await made(web, name="Before")
    for method, path, body in (
        ("POST", "/api/keys", {"name": "Laptop", **fields}),
        ("PATCH", f"/api/keys/{document['id']}", fields),
    ):
        answer = await web.call(method, path, json=body)
        problem = await answer.json()
        assert (answer.status, problem["code"]) == (422, "invalid_fields")
        assert any(name.startswith(wrong) for name in problem["fields"])
    assert [key["name"] for key in await listed(web)] == ["Before"]


async def test_a_change_leaves_the_rest(web: Web) -> None:
    """Null takes a limit away; the secret goes on working."""
    document = await made(web, **FULL)
    path = f"/api/keys/{document['id']}"
    await web.call("PATCH", path, json={"tokens_per_day": None, "models": []})
    changed = await (await web.call("PATCH", path, json={"name": "Desk"})).json()
    wanted = FULL | {"tokens_per_day": None, "models": [], "name": "Desk"}
    assert {name: changed[name] for name in FULL} == wanted
    key = web.keys.find(document["secret"])
    assert key is not None
    assert key.name == "Desk"


async def test_a_name_is_given_once(web: Web) -> None:
    """Programs would not be told apart."""
    first, _ = await made(web), await made(web, name="Phone")
    for method, path, name in (("POST", "/api/keys", "LAPTOP"), ("PATCH", f"/api/keys/{first['id']}", "phone")):
        answer = await web.call(method, path, json={"name": name})
        assert (answer.status, (await answer.json())["code"]) == (409, "name_taken")


async def test_a_revoked_key_is_gone(web: Web) -> None:
    """At once, and twice is once too often."""
    document = await made(web)
    path = f"/api/keys/{document['id']}"
    assert (await web.call("DELETE", path)).status == 204
    assert (await listed(web), web.keys.find(document["secret"])) == ([], None)
    for method in ("GET", "PATCH", "DELETE"):
        answer = await web.call(method, path, json={} if method == "PATCH" else None)
        assert (answer.status, (await answer.json())["code"]) == (404, "unknown_key")


async def test_a_full_disk_keeps_no_key_alive(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """It opens nothing; the answer says what a restart would do until there is room."""
    document = await made(web)

    async def full(*_: object) -> None:
        raise StorageFailed("disk_full", "there is no room")

    monkeypatch.setattr(KeyStore, "remove", full)
    answer = await web.call("DELETE", f"/api/keys/{document['id']}")
    problem = await answer.json()
    assert (answer.status, problem["code"], "a restart would" in problem["detail"]) == (507, "disk_full", True)
    assert web.keys.find(document["secret"]) is None


async def test_strangers_see_and_make_no_keys(web: Web) -> None:
    """A key of the API is no login either."""
    document = await made(web)
    for headers in ({"Authorization": ""}, {"Authorization": f"Bearer {document['secret']}"}):
        assert (await web.call("GET", "/api/keys", headers=headers)).status == 401
        assert (await web.call("POST", "/api/keys", json=FULL, headers=headers)).status == 401
        assert (await web.call("DELETE", f"/api/keys/{document['id']}", headers=headers)).status == 401
    assert len(await listed(web)) == 1


async def test_what_was_used_is_shown(web: Web) -> None:
    """By the route, on the page, and to who collects metrics, by the name of the key."""
    document = await made(web, tokens_per_day=1000, requests_per_minute=1)
    key = web.keys.get(document["id"])
    web.keys.start(key)
    web.keys.start(key)  # one too many
    web.keys.end(key, 200, 50)
    (one,) = await listed(web)
    assert (one["today"], one["in_flight"]) == ({"requests": 1, "tokens": {"in": 200, "out": 50}}, 0)
    assert one["days"] == [{"day": one["used_at"][:10], **one["today"]}]
    html = await html_of(web)
    assert "250 of 1,000" in text_of(html)
    assert 'value="25"' in html
    metrics = await (await web.call("GET", "/metrics")).text()
    for line in (
        'meshbox_key_requests_total{key="Laptop"} 1.0',
        'meshbox_key_refused_total{key="Laptop"} 1.0',
        'meshbox_key_tokens_total{direction="in",key="Laptop"} 200.0',
        'meshbox_key_in_flight{key="Laptop"} 0.0',
    ):
        assert line in metrics
    assert document["secret"] not in metrics


async def test_secrets_are_in_no_export(web: Web) -> None:
    """Neither in the settings nor in the bundle for who helps."""
    document = await made(web)
    web.logs.emit(_line(f"somebody logged {document['secret']}"))
    for path in ("/api/settings/export", "/api/settings"):
        assert document["secret"] not in await (await web.call("GET", path)).text()
    packed = await (await web.call("GET", "/api/support-bundle")).text("latin-1")
    with zipfile.ZipFile(io.BytesIO(packed.encode("latin-1"))) as bundle:
        content = b"".join(map(bundle.read, bundle.namelist()))
    assert b"somebody logged" in content
    assert document["secret"].encode() not in content


def _line(text: str) -> logging.LogRecord:
    return logging.LogRecord("meshbox", logging.INFO, "", 0, text, (), None)


async def test_a_person_makes_a_key(web: Web) -> None:
    """The page shows its secret and a line to paste, and after that only its end."""
    status, _, html = await send(
        web,
        "/keys",
        name="Photo app",
        models=" mesh-* \n\nqwen3\n",
        tokens_per_day="1,000",
        concurrency="",
        last_day="2090-01-01",
        **{"endpoint.chat": "on"},
    )
    found = re.search(r"mbx_[0-9A-Za-z]{43}", html)
    assert (status, found is None) == (200, False)
    assert found is not None
    assert f"Authorization: Bearer {found[0]}" in text_of(html)
    (key,) = await listed(web)
    assert (key["models"], key["endpoints"], key["tokens_per_day"]) == (["mesh-*", "qwen3"], ["chat"], 1000)
    assert (key["concurrency"], key["expires_at"]) == (None, "2090-01-02T00:00:00Z")
    assert found[0] not in await html_of(web)
    assert f"mbx_…{found[0][-4:]}" in await html_of(web)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("name", "", "Give it a name"),
        ("models", "x\n" * 65, "at most 64 names"),
        ("requests_per_minute", "many", "whole number from 1 to 10,000"),
        ("tokens_per_day", "0", "whole number, 1 or more"),
        ("concurrency", "1.5", "whole number from 1 to 1,000"),
        ("last_day", "2000-01-01", "day that is still to come"),
        ("last_day", "soon", "day that is still to come"),
        ("last_day", "9999-12-31", "day that is still to come"),
        ("name", "Taken", "key of this name already"),
    ],
)
async def test_what_cannot_be_taken_is_said_beside_the_field(web: Web, name: str, text: str, words: str) -> None:
    """With what was typed, when a key is made and when it is changed."""
    await made(web, name="Taken")
    other = await made(web, name="Other")
    for path in ("/keys", f"/keys/{other['id']}"):
        status, _, html = await send(web, path, **{"name": "Phone", "endpoint.audio": "on", name: text})
        assert status == 422
        assert words in text_of(html)
        assert re.search(r'name="endpoint.audio" checked', html)
    assert [key["name"] for key in await listed(web)] == ["Other", "Taken"]


async def test_a_person_changes_a_key(web: Web) -> None:
    """The form holds what is; saved as it is, nothing changes, not even the second at which the key ends."""
    document = await made(web, **FULL | {"expires_at": "2090-01-01T12:30:00Z"})
    html = await html_of(web, f"/keys/{document['id']}")
    assert 'value="2090-01-01"' in html
    form = {
        "name": "Laptop",
        "models": "mesh-*",
        "requests_per_minute": "60",
        "tokens_per_day": "1000",
        "concurrency": "2",
        "last_day": "2090-01-01",
        "endpoint.chat": "on",
        "endpoint.embeddings": "on",
    }
    status, target, _ = await send(web, f"/keys/{document['id']}", **form)
    assert (status, target) == (303, "/keys?done=saved")
    (same,) = await listed(web)
    assert {name: same[name] for name in FULL} == FULL | {"expires_at": "2090-01-01T12:30:00Z"}
    await send(web, f"/keys/{document['id']}", name="Desk")
    (bare,) = await listed(web)
    assert [bare[name] for name in FULL] == ["Desk", [], [], None, None, None, None]


async def test_a_person_revokes_a_key(web: Web) -> None:
    """The page says so; a second click in an old window leads back."""
    document = await made(web)
    path = f"/keys/{document['id']}/revoke"
    assert (await send(web, path))[:2] == (303, "/keys?done=key_revoked")
    status, _, html = await send(web, path)
    assert (status, "There is no such key" in text_of(html)) == (404, True)
    assert (await web.call("GET", f"/keys/{document['id']}", headers=PAGE)).status == 404


async def test_the_page_says_who_may_come_in(web: Web) -> None:
    """Open or closed, with the button for the other; the setting is the one that is changed."""
    assert "everybody" in text_of(await html_of(web))
    assert (await send(web, "/keys/door", required="yes"))[:2] == (303, "/keys?done=keys_required")
    assert web.settings.current.api.require_key
    assert (await (await web.call("GET", "/api/keys")).json())["required"] is True
    html = text_of(await html_of(web))
    assert "only with a key" in html
    assert "no program is answered" in html
    await send(web, "/keys/door", required="no")
    assert not web.settings.current.api.require_key


async def test_the_page_follows_what_happens(web: Web) -> None:
    """The list is live."""
    html = await html_of(web)
    await made(web, name="Phone")
    await send(web, "/keys/door", required="yes")
    async for outlook in web.loop.watch():
        if outlook.snapshot.settings.api.require_key:
            break
    stream = await stream_of(web, html)
    assert "Phone" in stream
    assert "only with a key" in stream


async def test_connect_says_that_a_key_is_needed(web: Web) -> None:
    """And every text to paste has a place for it; as long as none is needed, nobody has to read of it."""
    assert "YOUR_KEY" not in await html_of(web, "/connect")
    await send(web, "/keys/door", required="yes")
    async for outlook in web.loop.watch():
        if outlook.snapshot.settings.api.require_key:
            break
    html = await html_of(web, "/connect")
    assert 'href="/keys"' in html
    for agent in re.findall(r'href="/connect\?agent=([a-z-]+)', html):
        assert "YOUR_KEY" in await (await web.call("GET", f"/connect/{agent}")).text(), agent


async def test_hostile_names_of_keys_are_text(web: Web) -> None:
    """On every page and in every stream that shows them; models as well."""
    for text in TEXTS:
        name = "".join(letter for letter in text if letter.isprintable())[:64].strip()
        answer = await web.call("POST", "/api/keys", json={"name": name or "x", "models": [name or "x"]})
        assert answer.status in (201, 409, 422), await answer.text()
    html = await html_of(web)
    assert dangers(html) == []
    assert dangers(await stream_of(web, html)) == []
    for key in await listed(web):
        assert dangers(await html_of(web, f"/keys/{key['id']}")) == []
    assert (await web.call("GET", "/metrics")).status == 200
