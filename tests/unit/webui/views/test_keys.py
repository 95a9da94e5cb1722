"""API keys in words."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.keys.types import NOTHING_USED, Grant, Group, Key, Limits, Standing, Use
from appliance.models.types import Ability
from appliance.routing.table import Route, RouteState, RoutingTable
from webui.views.keys import GROUP_WORDS, KeyRow, key_rows

TABLE = RoutingTable({"qwen": Route("qwen", RouteState.READY, frozenset({Ability.CHAT}))})


def row(
    today: Use = NOTHING_USED, *, running: int = 0, used: bool = True, expired: bool = False, **grant: Any
) -> KeyRow:
    key = Key("k1", "wxyz", 0.0, Grant("Laptop", **grant))
    standing = Standing(key, today, {1: today, 2: Use(1, 2, 3)}, running, 5.0 if used else None, today, 0, expired)
    (found,) = key_rows([standing], TABLE)
    return found


def test_every_group_has_a_name() -> None:
    """One without would not be seen in the form."""
    assert set(GROUP_WORDS) == set(Group)


@pytest.mark.parametrize(
    ("fields", "chip"),
    [
        ({}, "ready"),
        ({"used": False}, "never used"),
        ({"running": 1}, "in use now"),
        ({"expired": True, "running": 1}, "expired"),
        ({"today": Use(1, 5, 5), "limits": Limits(tokens_per_day=10)}, "used up for today"),
    ],
)
def test_its_state_is_seen_at_a_glance(fields: dict[str, Any], chip: str) -> None:
    """What keeps it from being used comes first."""
    assert row(**fields).chip == chip


def test_a_limit_is_a_bar() -> None:
    """That never grows beyond its end; without a limit there is a number alone."""
    limits = Limits(tokens_per_day=1000)
    assert (row(Use(1, 200, 50), limits=limits).tokens.text, row(Use(1, 200, 50)).tokens.text) == (
        "250 of 1,000",
        "250",
    )
    assert [row(Use(1, n, 0), limits=limits).tokens.percent for n in (0, 250, 5000)] == [0, 25, 100]
    assert row(Use(1, 9, 0)).tokens.percent is None


def test_what_it_may_do_is_told() -> None:
    """In words; and the days are summed up."""
    facts = dict(row(Use(4, 1, 1), models=("qwen", "x*"), endpoints=frozenset({Group.AUDIO, Group.CHAT})).facts)
    assert facts["Models"] == "qwen, x*"
    assert facts["For"] == "Chat, Speech to text"
    assert (facts["Requests in 31 days"], facts["Tokens in 31 days"]) == ("5", "7")
    free = dict(row().facts)
    assert (free["Models"], free["For"], free["Requests a minute"]) == ("every model", "everything", "no limit")
    assert dict(row(models=tuple(map(str, range(9)))).facts)["Models"] == "0, 1, 2, 3, 4, 5 and 3 more"


def test_a_key_for_nothing_that_is_here_says_so() -> None:
    """Else one wonders why it opens nothing."""
    assert row(models=("other",)).note
    assert not row(models=("other", "q*")).note
    assert not row().note
