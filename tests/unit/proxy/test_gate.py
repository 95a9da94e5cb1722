"""Who may come in, from the headers of a request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from appliance.keys.keyring import Keyring
from appliance.keys.store import KeyStore
from appliance.keys.types import Grant, Group, Key, Limits
from appliance.models.types import Ability
from appliance.proxy.endpoints import ENGINE_PATHS
from appliance.proxy.errors import ApiError
from appliance.proxy.gate import GROUPS, OPEN_GATE, KeyGate, credentials
from appliance.proxy.meter import Ticket
from appliance.proxy.permit import NO_KEY
from appliance.proxy.spent import Spent
from appliance.routing.table import Route, RouteState, RoutingTable
from appliance.storage.database import Database

CHAT = "/v1/chat/completions"
NOW = 1_800_000_000.0


def scope(**headers: str) -> dict[str, Any]:
    return {"headers": [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]}


class Entrance:
    """A gate with its keys."""

    def __init__(self, keys: Keyring) -> None:
        self.keys, self.closed = keys, False
        self.gate = KeyGate(keys, lambda: self.closed)

    async def made(self, name: str = "Laptop", **fields: Any) -> tuple[Key, str]:
        return await self.keys.create(Grant(name, **fields))

    def refused(self, path: str = CHAT, **headers: str) -> ApiError:
        with pytest.raises(ApiError) as told:
            self.gate.admit(scope(**headers), Ticket(path, 0.0))
        return told.value


@pytest.fixture
async def entrance(tmp_path: Path) -> AsyncIterator[Entrance]:
    database = Database(tmp_path / "state.db")
    await database.open()
    keys = Keyring(KeyStore(database), clock=lambda: NOW, ticks=lambda: NOW)
    await keys.open()
    yield Entrance(keys)
    await database.close()


def test_every_route_of_an_engine_belongs_to_a_group() -> None:
    """One that did not could be used by no key that is for something."""
    assert set(GROUPS) == set(ENGINE_PATHS)
    assert set(GROUPS.values()) == set(Group)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, []),
        ({"authorization": "Bearer one"}, ["one"]),
        ({"authorization": "bearer  one "}, ["one"]),
        ({"authorization": "Basic one"}, []),
        ({"authorization": "Bearer"}, []),
        ({"authorization": "Bearer "}, []),
        ({"x_api_key": "two", "api_key": "three"}, ["two", "three"]),
        ({"authorization": "Bearer one", "x_api_key": "two"}, ["one", "two"]),
        ({"x_api_key": "  "}, []),
    ],
)
def test_keys_are_found_where_programs_put_them(headers: dict[str, str], found: list[str]) -> None:
    """OpenAI's way, Anthropic's, and Azure's."""
    assert list(credentials(scope(**headers))) == found


@pytest.mark.parametrize("sent", ["", "sk-none", "ollama", "meshbox", "é" * 500])
async def test_an_open_box_minds_no_made_up_key(entrance: Entrance, sent: str) -> None:
    """Programs that insist on sending one go on working."""
    assert entrance.gate.admit(scope(authorization=f"Bearer {sent}"), Ticket(CHAT, 0.0)) is NO_KEY


async def test_an_open_box_refuses_a_revoked_key(entrance: Entrance) -> None:
    """Its owner wanted that program out."""
    key, secret = await entrance.made()
    entrance.gate.admit(scope(x_api_key=secret), Ticket(CHAT, 0.0)).end(Spent())
    await entrance.keys.revoke(key.id)
    refused = entrance.refused(x_api_key=secret)
    assert (refused.status, refused.code) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_api_key"),
        ({"authorization": "Bearer sk-none"}, "invalid_api_key"),
        ({"x_api_key": "mbx_nonsense"}, "invalid_api_key"),
    ],
)
async def test_a_closed_box_asks_for_a_key(entrance: Entrance, headers: dict[str, str], code: str) -> None:
    """And says how one is sent; what was sent is not repeated."""
    entrance.closed = True
    refused = entrance.refused(**headers)
    assert (refused.status, refused.code) == (401, code)
    assert (b"www-authenticate", b"Bearer") in refused.headers
    assert not any(sent.split()[-1] in refused.message for sent in headers.values())


@pytest.mark.parametrize("name", ["authorization", "x_api_key", "api_key"])
async def test_a_key_opens_a_closed_box(entrance: Entrance, name: str) -> None:
    """In whichever header it comes; whoever uses it is written down."""
    entrance.closed = True
    _, secret = await entrance.made()
    ticket = Ticket(CHAT, 0.0)
    permit = entrance.gate.admit(scope(**{name: f"Bearer {secret}" if name == "authorization" else secret}), ticket)
    assert (permit.name, ticket.key) == ("Laptop", "Laptop")


async def test_a_key_of_ours_counts_before_a_made_up_one(entrance: Entrance) -> None:
    """Some programs send two."""
    entrance.closed = True
    _, secret = await entrance.made()
    assert entrance.gate.identify(scope(authorization="Bearer sk-none", x_api_key=secret)).name == "Laptop"


async def test_an_expired_key_opens_nothing(entrance: Entrance) -> None:
    """From that second on."""
    _, spent = await entrance.made(expires_at=NOW)
    _, fresh = await entrance.made("Phone", expires_at=NOW + 1)
    assert (entrance.refused(x_api_key=spent).code, entrance.refused(x_api_key=spent).status) == (
        "expired_api_key",
        401,
    )
    assert entrance.gate.identify(scope(x_api_key=fresh)).name == "Phone"


async def test_a_key_is_for_what_it_is_for(entrance: Entrance) -> None:
    """Other routes are refused with what it may do; the refusal uses nothing up."""
    key, secret = await entrance.made(endpoints=frozenset({Group.EMBEDDINGS}), limits=Limits(1, None, 1))
    refused = entrance.refused(x_api_key=secret)
    assert (refused.status, refused.code) == (403, "endpoint_not_allowed")
    assert "embeddings" in refused.message
    assert entrance.gate.admit(scope(x_api_key=secret), Ticket("/v1/embeddings", 0.0)).name == key.name


@pytest.mark.parametrize(
    ("limits", "limit"),
    [(Limits(1), "requests_per_minute"), (Limits(None, 1), "tokens_per_day"), (Limits(None, None, 1), "concurrency")],
)
async def test_too_much_is_429(entrance: Entrance, limits: Limits, limit: str) -> None:
    """With the time after which it is worth to ask again, in both shapes of headers."""
    _, secret = await entrance.made(limits=limits)
    permit = entrance.gate.admit(scope(x_api_key=secret), Ticket(CHAT, 0.0))
    if limit != "concurrency":
        permit.end(Spent(1, 1))
    refused = entrance.refused(x_api_key=secret)
    assert (refused.status, refused.code) == (429, "rate_limit_exceeded")
    headers = dict(refused.headers)
    assert int(headers[b"retry-after"]) >= 1
    assert (b"x-should-retry" in headers) == (limit == "tokens_per_day")
    assert (b"x-ratelimit-remaining-requests" in headers) == (limit == "requests_per_minute")


async def test_a_permit_gives_its_place_back_once(entrance: Entrance) -> None:
    """However often it is told of its end."""
    key, secret = await entrance.made(limits=Limits(concurrency=1))
    permit = entrance.gate.admit(scope(x_api_key=secret), Ticket(CHAT, 0.0))
    permit.end(Spent(2, 3))
    permit.end(Spent(2, 3))
    standing = entrance.keys.standing(key)
    assert (standing.running, standing.today.tokens) == (0, 5)


async def test_asking_for_the_models_uses_nothing_up(entrance: Entrance) -> None:
    """Neither a request nor a place."""
    key, secret = await entrance.made(limits=Limits(1, 1, 1))
    for _ in range(3):
        entrance.gate.identify(scope(x_api_key=secret)).end(Spent(5, 5))
    assert (entrance.keys.standing(key).running, entrance.keys.standing(key).today.requests) == (0, 0)


async def test_keys_that_cannot_be_read_open_nothing(tmp_path: Path) -> None:
    """Also those that would be right; who needs none is let in."""
    keys = Keyring(KeyStore(Database(tmp_path / "state.db")))
    entrance = Entrance(keys)
    refused = entrance.refused(x_api_key="mbx_x")
    assert (refused.status, refused.code) == (503, "keys_unavailable")
    assert entrance.gate.admit(scope(), Ticket(CHAT, 0.0)) is NO_KEY


def table(*models: str, aliases: dict[str, str] | None = None) -> RoutingTable:
    routes = {model: Route(model, RouteState.READY, frozenset({Ability.CHAT})) for model in models}
    return RoutingTable(routes, aliases or {})


async def permit_for(entrance: Entrance, *models: str) -> Any:
    _, secret = await entrance.made(models=models)
    return entrance.gate.identify(scope(x_api_key=secret))


async def test_a_key_for_every_model_changes_nothing(entrance: Entrance) -> None:
    """The very same table."""
    whole = table("a", "b")
    permit = await permit_for(entrance)
    assert permit.narrowed(whole, "a") is whole
    assert OPEN_GATE.identify(scope()).narrowed(whole, "a") is whole


async def test_auto_picks_among_what_is_allowed(entrance: Entrance) -> None:
    """And so does no name at all."""
    permit = await permit_for(entrance, "b")
    narrow = permit.narrowed(table("a", "b", aliases={"x": "a", "y": "b"}), "auto")
    assert (list(narrow.routes), dict(narrow.aliases)) == (["b"], {"y": "b"})
    assert permit.visible(table("a")).routes == {}


async def test_another_model_is_refused_with_what_would_do(entrance: Entrance) -> None:
    """By each of its names; one that is nowhere is not found, as for everybody."""
    permit = await permit_for(entrance, "b*")
    whole = table("a", "b1", "b2", aliases={"x": "a"})
    for name in ("a", "x"):
        with pytest.raises(ApiError) as told:
            permit.narrowed(whole, name)
        assert (told.value.status, told.value.code) == (403, "model_not_allowed")
        assert "b1, b2" in told.value.message
    assert permit.narrowed(whole, "nowhere").find("nowhere") is None


async def test_none_of_its_models_being_there_is_said(entrance: Entrance) -> None:
    """Instead of: this box serves no model."""
    permit = await permit_for(entrance, "c")
    for name in (None, "auto", "nowhere"):
        with pytest.raises(ApiError) as told:
            permit.narrowed(table("a"), name)
        assert told.value.code == "model_not_allowed"
    assert permit.narrowed(table(), None).routes == {}


async def test_the_table_is_narrowed_once(entrance: Entrance) -> None:
    """Not for each request; a new table counts at once."""
    first, second = await permit_for(entrance, "a"), table("a", "b")
    assert first.visible(second) is first.visible(second)
    assert list(first.visible(table("a", "c")).routes) == ["a"]
