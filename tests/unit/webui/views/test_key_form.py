"""What stands in the form of a key, and what is made of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.api.requests import KeyBody
from appliance.keys.types import Grant, Group, Limits
from webui.views.key_form import KeyForm, body_of, form_again, form_of, last_day

NOON = datetime(2090, 1, 1, 12, tzinfo=UTC).timestamp()
GRANTS = st.builds(
    Grant,
    name=st.just("Laptop"),
    models=st.lists(st.text("ab*-", min_size=1, max_size=5), max_size=4).map(tuple),
    endpoints=st.frozensets(st.sampled_from(Group)),
    limits=st.builds(
        Limits, st.none() | st.integers(1, 10_000), st.none() | st.integers(1, 10**12), st.none() | st.integers(1, 1000)
    ),
    expires_at=st.none() | st.floats(86_400, 4e9),
)


def sent(form: KeyForm) -> dict[str, str]:
    """What a browser sends of a form that nobody touched."""
    texts = ("name", "models", "requests_per_minute", "tokens_per_day", "concurrency", "last_day")
    return {name: getattr(form, name) for name in texts} | {tick.name: "on" for tick in form.endpoints if tick.on}


@given(GRANTS)
def test_a_form_that_nobody_touched_says_what_is(grant: Grant) -> None:
    """Every field as it was; the expiry is left alone."""
    body = body_of(sent(form_of(grant)), grant.expires_at)
    assert body.keys() == KeyBody.model_fields.keys() - {"expires_at"}
    read = KeyBody.model_validate(body)
    limits = Limits(read.requests_per_minute, read.tokens_per_day, read.concurrency)
    assert (tuple(read.models), frozenset(read.endpoints), limits) == (grant.models, grant.endpoints, grant.limits)


@pytest.mark.parametrize(
    ("given_day", "expiry"),
    [
        ("", None),
        ("2090-01-02", "2090-01-03T00:00:00+00:00"),
        ("2090-12-31", "2091-01-01T00:00:00+00:00"),
        ("9999-12-31", "9999-12-31"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_key_holds_to_the_end_of_its_last_day(given_day: str, expiry: str | None) -> None:
    """By UTC; what is no day is passed on to be refused."""
    assert body_of({"last_day": given_day}, NOON)["expires_at"] == expiry


def test_midnight_ends_the_day_before() -> None:
    """As it was typed."""
    assert last_day(datetime(2090, 1, 2, tzinfo=UTC).timestamp()) == "2090-01-01"
    assert last_day(NOON) == "2090-01-01"
    assert last_day(None) == ""


@pytest.mark.parametrize(
    ("text", "number"),
    [("", None), (" 5 ", 5), ("1,000", 1000), ("1 000", 1000), ("x", "x"), ("1.5", "1.5"), ("٣", "٣")],
)
def test_numbers_are_read_as_people_write_them(text: str, number: Any) -> None:
    """And what is none stays what it is."""
    assert body_of({"tokens_per_day": text})["tokens_per_day"] == number


@given(st.dictionaries(st.sampled_from([*KeyBody.model_fields, "last_day", "endpoint.chat"]), st.text(max_size=50)))
def test_whatever_was_sent_is_shown_again(data: dict[str, str]) -> None:
    """Bounded, and without a fault."""
    form = form_again(data)
    assert len(form.name) <= 200
    body_of(data)


def test_nothing_sent_grows_without_end() -> None:
    """However much it was."""
    form = form_again(dict.fromkeys(("name", "models", "tokens_per_day", "last_day"), "x" * 10**6))
    assert max(map(len, (form.name, form.models, form.tokens_per_day, form.last_day))) <= 40_000
