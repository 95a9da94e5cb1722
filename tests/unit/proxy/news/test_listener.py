"""One who listens."""

from __future__ import annotations

from appliance.models.types import Ability
from appliance.proxy.news.listener import MOST_WAITING, TOO_SLOW, Listener
from appliance.proxy.permit import NO_KEY
from appliance.routing.table import Route, RouteState, RoutingTable


def listener() -> Listener:
    return Listener(NO_KEY, "here")


async def test_what_gathered_comes_at_once() -> None:
    """In its order."""
    one = listener()
    one.tell(b"a")
    one.tell(b"b")
    assert (await one.next(1), await one.next(0.001)) == (b"ab", b"")


async def test_the_same_table_says_nothing_new() -> None:
    """A look is not an event."""
    one = listener()
    table = RoutingTable({"m": Route("m", RouteState.READY, frozenset({Ability.CHAT}))})
    one.look(table, 0.0)
    assert b"model.ready" in await one.next(1)
    one.look(table, 0.0)
    assert await one.next(0.001) == b""


async def test_one_who_does_not_read_is_let_go() -> None:
    """Its memory is bounded, and it is told why."""
    one = listener()
    for _ in range(MOST_WAITING * 3):
        one.tell(b"x")
    assert (await one.next(1), one.over) == (TOO_SLOW, True)


async def test_the_end_comes_after_everything() -> None:
    """And nothing after it."""
    one = listener()
    one.tell(b"a")
    one.end(b"bye")
    one.tell(b"late")
    one.end(b"again")
    assert (await one.next(1), one.over) == (b"abye", True)
