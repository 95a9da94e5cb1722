"""The model for a request whose choice is left to the box."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.models.types import Ability, Capability
from appliance.routing.choose import Choice, Memo, choose, who_can, who_has_room
from appliance.routing.facts import Facts
from appliance.routing.skills import BILLION
from appliance.routing.table import Route, RouteState

CHAT = frozenset({Ability.CHAT})


def route(model: str, billions: float = 0, **more: object) -> Route:
    parameters = int(billions * BILLION) or None
    return replace(Route(model, RouteState.READY, CHAT, parameters=parameters), **more)  # type: ignore[arg-type]


def asking(text: str, **more: object) -> Facts:
    return replace(Facts(said=text, length=len(text)), **more)  # type: ignore[arg-type]


def chosen(facts: Facts, *routes: Route, waiting: dict[str, int] | None = None, before: str | None = None) -> str:
    choice = choose(routes, facts, Ability.CHAT, lambda model: (waiting or {}).get(model, 0), before)
    return choice.route.model if choice else ""


SMALL, LARGE = route("small", 3), route("large", 30)
CODER, TINY = route("some-coder", 7), route("tiny", 0.3)
THINKER = route("thinker", 8, skills=frozenset({Capability.REASONING}))
ALL = (SMALL, LARGE, CODER, TINY, THINKER)


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("Write a Python function that sorts a list", "some-coder"),
        ("Prove that the square root of 2 is irrational", "thinker"),
        ("Hello!", "small"),
        ("What is the capital of France?", "small"),
        ("Write a long story about a dragon and a knight who become friends in spite of everything", "large"),
        ("Explain in detail and thoroughly how an engine works", "large"),
    ],
)
def test_each_subject_has_its_model(text: str, model: str) -> None:
    """Code goes to one made for it, a proof to one that thinks, a greeting to a small one, the rest to the largest."""
    assert chosen(asking(text), *ALL) == model


def test_pictures_go_to_eyes_only() -> None:
    """However much better suited another were; and to nobody when nobody sees."""
    eyes = route("eyes", 1, modalities=("text", "image"))
    picture = asking("Write a Python function for this", senses=frozenset({"image"}))
    assert (chosen(picture, *ALL, eyes), chosen(picture, *ALL)) == ("eyes", "")


def test_tools_go_to_who_knows_them() -> None:
    """When none does, the engine helps any of them."""
    handy = route("handy", 1, skills=frozenset({Capability.TOOLS}))
    facts = asking("What is the weather?", tools=True)
    assert (chosen(facts, LARGE, handy), chosen(facts, SMALL, LARGE)) == ("handy", "large")


def test_long_requests_go_where_there_is_room() -> None:
    """One whose context is too small is left out; when all are, the largest context gets it, and the engine counts."""
    short, long = route("short", 70, context=4096), route("long", 3, context=32768)
    assert chosen(asking("Go on with the story", tokens=9000), short, long) == "long"
    assert chosen(asking("Go on with the story", tokens=90_000), short, long) == "long"


def test_ready_ones_go_first() -> None:
    """A model that would have to be woken is chosen when no ready one can; one on the disk only is never."""
    asleep = replace(LARGE, state=RouteState.SLEEPING)
    stored = route("stored", 70, state=RouteState.AVAILABLE, modalities=("text", "image"))
    deep = asking("Explain in detail and thoroughly how an engine works")
    assert (chosen(deep, TINY, asleep), chosen(deep, asleep, stored)) == ("tiny", "large")
    assert chosen(replace(deep, senses=frozenset({"image"})), TINY, stored) == ""


def test_alike_ones_share_the_work() -> None:
    """The shorter line decides between models that suit alike."""
    assert chosen(asking("Hello!"), route("a", 3), route("b", 3), waiting={"a": 2, "b": 1}) == "b"


def test_a_conversation_keeps_its_model() -> None:
    """As long as that can answer: not when it failed, and not when a picture comes in that it cannot see."""
    text = asking("Write a Python function that sorts a list")
    eyes = route("eyes", 1, modalities=("text", "image"))
    assert chosen(text, *ALL, before="large") == "large"
    assert chosen(text, *ALL, before="gone") == "some-coder"
    assert chosen(text, CODER, replace(LARGE, state=RouteState.FAILED), before="large") == "some-coder"
    assert chosen(replace(text, senses=frozenset({"image"})), *ALL, eyes, before="large") == "eyes"


def test_the_ability_comes_first() -> None:
    """A chat model is never asked for embeddings."""
    embedder = route("embedder", 1, abilities=frozenset({Ability.EMBEDDING}))
    found = choose([*ALL, embedder], Facts(), Ability.EMBEDDING, lambda _: 0)
    assert found == Choice(embedder, "auto: the only model that can answer this")


def test_the_reason_fits_into_a_header() -> None:
    """It is short and of plain letters."""
    found = choose(ALL, asking("Schreibe eine Python-Funktion für Ä"), Ability.CHAT, lambda _: 0)
    assert found is not None
    assert found.why == "auto: code (moderate), best suited of 5"


def test_who_can() -> None:
    """Those that are ready first, those on the disk as well, none that failed."""
    eyes = [
        route(name, modalities=("text", "image"), state=state)
        for name, state in (("a", RouteState.AVAILABLE), ("b", RouteState.READY), ("c", RouteState.FAILED))
    ]
    assert who_can([*eyes, LARGE], ["image"], Ability.CHAT) == ["b", "a"]


def test_the_memo_forgets_the_oldest() -> None:
    """It never grows beyond its size, what was used lately stays, and what has no name is not kept."""
    memo = Memo(2)
    for conversation, model in (("1", "a"), ("2", "b"), ("1", "c"), ("3", "d"), ("", "e")):
        memo.keep(conversation, model)
    assert [memo.get(conversation) for conversation in ("1", "2", "3", "")] == ["c", None, "d", None]


def test_who_has_room() -> None:
    """Ready ones first, then by room; of a model that is not loaded what it may get counts."""
    routes = [
        route("narrow", context=100, reach=5000),
        route("ready", context=1000),
        route("roomier", context=2000),
        route("asleep", state=RouteState.SLEEPING, context=None, reach=4000),
        route("on disk", state=RouteState.AVAILABLE, context=None, reach=8000),
        route("broken", state=RouteState.FAILED, context=None, reach=8000),
        route("unknown", state=RouteState.LOADING),
    ]
    found = who_has_room(routes, 500, (), Ability.CHAT)
    assert [(r.model, context) for r, context in found] == [
        ("roomier", 2000),
        ("ready", 1000),
        ("on disk", 8000),
        ("asleep", 4000),
    ]
    assert who_has_room(routes, 500, ["image"], Ability.CHAT) == []
    assert who_has_room(routes, 500, (), Ability.EMBEDDING) == []
