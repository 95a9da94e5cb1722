"""API keys as a person reads them: what each may do, and how much of it was used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.keys.quota import KEPT_DAYS
from appliance.keys.scope import allowed_models
from appliance.keys.secret import PREFIX
from appliance.keys.types import NOTHING_USED, Grant, Group, Standing
from appliance.routing.table import RoutingTable
from webui.views.words import Meter, Moment, moment

GROUP_WORDS = {
    Group.CHAT: "Chat",
    Group.COMPLETIONS: "Text completion",
    Group.EMBEDDINGS: "Embeddings",
    Group.RERANK: "Reranking",
    Group.AUDIO: "Speech to text",
    Group.TOKENIZE: "Counting tokens",
}
SHOWN_MODELS = 6


@dataclass(frozen=True, slots=True)
class KeyRow:
    id: str
    name: str
    hint: str
    chip: str
    tone: str
    tokens: Meter
    facts: tuple[tuple[str, str], ...]
    note: str
    made: Moment
    used: Moment | None
    expires: Moment | None


@dataclass(frozen=True, slots=True)
class Door:
    """Whether programs need a key."""

    closed: bool
    keys: int


@dataclass(frozen=True, slots=True)
class Made:
    """A key that was just made: the only time its secret is seen."""

    name: str
    secret: str
    curl: str


def key_rows(standings: Iterable[Standing], table: RoutingTable) -> tuple[KeyRow, ...]:
    return tuple(_row(standing, table) for standing in standings)


def _row(standing: Standing, table: RoutingTable) -> KeyRow:
    key, grant = standing.key, standing.key.grant
    chip, tone = _state(standing)
    return KeyRow(
        id=key.id,
        name=key.name,
        hint=f"{PREFIX}…{key.hint}",
        chip=chip,
        tone=tone,
        tokens=_tokens(standing),
        facts=_facts(standing),
        note=_note(grant, table),
        made=moment(key.made_at),
        used=None if standing.used_at is None else moment(standing.used_at),
        expires=None if grant.expires_at is None else moment(grant.expires_at),
    )


def _state(standing: Standing) -> tuple[str, str]:
    most = standing.key.grant.limits.tokens_per_day
    if standing.expired:
        return "expired", "bad"
    if most is not None and standing.today.tokens >= most:
        return "used up for today", "warn"
    if standing.running:
        return "in use now", "good"
    return ("never used", "") if standing.used_at is None else ("ready", "good")


def _tokens(standing: Standing) -> Meter:
    most, used = standing.key.grant.limits.tokens_per_day, standing.today.tokens
    if most is None:
        return Meter("Tokens today", f"{used:,}", None)
    return Meter("Tokens today", f"{used:,} of {most:,}", min(100, round(100 * used / most)))


def _facts(standing: Standing) -> tuple[tuple[str, str], ...]:
    grant, month = standing.key.grant, NOTHING_USED
    for use in standing.days.values():
        month = month.plus(use)
    return (
        ("Requests today", f"{standing.today.requests:,}"),
        (f"Requests in {KEPT_DAYS} days", f"{month.requests:,}"),
        (f"Tokens in {KEPT_DAYS} days", f"{month.tokens:,}"),
        ("Models", _models(grant)),
        ("For", _endpoints(grant)),
        ("Requests a minute", _limit(grant.limits.requests_per_minute)),
        ("At once", _limit(grant.limits.concurrency)),
    )


def _limit(most: int | None) -> str:
    return "no limit" if most is None else f"{most:,}"


def _models(grant: Grant) -> str:
    if not grant.models:
        return "every model"
    more = len(grant.models) - SHOWN_MODELS
    return ", ".join(grant.models[:SHOWN_MODELS]) + (f" and {more} more" if more > 0 else "")


def _endpoints(grant: Grant) -> str:
    return ", ".join(GROUP_WORDS[group] for group in Group if group in grant.endpoints) or "everything"


def _note(grant: Grant, table: RoutingTable) -> str:
    if not grant.models or allowed_models(grant.models, table.routes, table.aliases):
        return ""
    return "None of the models that this key may use is on this box at the moment."
