"""The form of an API key: how a key stands in it, and what a person wrote. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from appliance.keys.types import Grant, Group
from webui.views.keys import GROUP_WORDS

LIMITS = ("requests_per_minute", "tokens_per_day", "concurrency")
LONGEST_TEXT = 40_000  # of the list of models, as it is shown again
LONGEST_NUMBER = 40
ONE_DAY = timedelta(days=1)

WRONG = {
    "name": "Give it a name of at most 64 letters.",
    "models": "Write at most 64 names, each on a line of its own and none longer than 512 letters.",
    "requests_per_minute": "Write a whole number from 1 to 10,000, or nothing for no limit.",
    "tokens_per_day": "Write a whole number, 1 or more, or nothing for no limit.",
    "concurrency": "Write a whole number from 1 to 1,000, or nothing for no limit.",
    "expires_at": "Choose a day that is still to come, or none.",
}


@dataclass(frozen=True, slots=True)
class Tick:
    name: str
    label: str
    on: bool


@dataclass(frozen=True, slots=True)
class KeyForm:
    name: str = ""
    models: str = ""
    requests_per_minute: str = ""
    tokens_per_day: str = ""
    concurrency: str = ""
    last_day: str = ""
    endpoints: tuple[Tick, ...] = ()


def form_of(grant: Grant) -> KeyForm:
    limits = grant.limits
    return KeyForm(
        name=grant.name,
        models="\n".join(grant.models),
        requests_per_minute=_text(limits.requests_per_minute),
        tokens_per_day=_text(limits.tokens_per_day),
        concurrency=_text(limits.concurrency),
        last_day=last_day(grant.expires_at),
        endpoints=_ticks(grant.endpoints),
    )


def form_again(data: Mapping[str, str]) -> KeyForm:
    """As it was sent, when it could not be taken."""
    return KeyForm(
        name=data.get("name", "")[:200],
        models=data.get("models", "")[:LONGEST_TEXT],
        requests_per_minute=data.get("requests_per_minute", "")[:LONGEST_NUMBER],
        tokens_per_day=data.get("tokens_per_day", "")[:LONGEST_NUMBER],
        concurrency=data.get("concurrency", "")[:LONGEST_NUMBER],
        last_day=data.get("last_day", "")[:LONGEST_NUMBER],
        endpoints=_ticks(frozenset(group for group in Group if _tick_name(group) in data)),
    )


def body_of(data: Mapping[str, str], expires_at: float | None = None) -> dict[str, Any]:
    """What the form says, as the JSON of a key. A last day that was not touched leaves the expiry as it is."""
    body: dict[str, Any] = {
        "name": data.get("name", ""),
        "models": [line.strip() for line in data.get("models", "").splitlines() if line.strip()],
        "endpoints": [group.value for group in Group if _tick_name(group) in data],
        **{name: _number(data.get(name, "")) for name in LIMITS},
    }
    given = data.get("last_day", "").strip()
    if given != last_day(expires_at):
        body["expires_at"] = _end_of(given)
    return body


def last_day(expires_at: float | None) -> str:
    """The last day on which the key holds, by UTC."""
    if expires_at is None:
        return ""
    return (datetime.fromtimestamp(expires_at, UTC) - timedelta(seconds=1)).date().isoformat()


def _end_of(day: str) -> str | None:
    """The midnight after it; what is no day is passed on and refused."""
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day) + ONE_DAY, time(), UTC).isoformat()
    except (ValueError, OverflowError):
        return day


def _number(text: str) -> int | str | None:
    given = text.strip().replace(",", "").replace(" ", "")
    if not given:
        return None
    return int(given) if given.isascii() and given.isdigit() and len(given) <= LONGEST_NUMBER else given


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _ticks(on: frozenset[Group]) -> tuple[Tick, ...]:
    return tuple(Tick(_tick_name(group), GROUP_WORDS[group], group in on) for group in Group)


def _tick_name(group: Group) -> str:
    return f"endpoint.{group.value}"
