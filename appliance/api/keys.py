"""API keys: made, changed, revoked, and as JSON. The routes and the page call the same functions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from appliance.api.deps import ApiDeps
from appliance.api.problems import Problem
from appliance.api.requests import KeyBody, KeyPatch
from appliance.api.times import timestamp
from appliance.keys.keyring import KeyProblem, Keyring
from appliance.keys.types import Grant, Key, Standing, Use
from appliance.storage.errors import StorageFailed

Json = dict[str, Any]

STATUS_OF_KEYS = {"unknown_key": 404, "name_taken": 409, "too_many_keys": 409}
LAST_YEAR = 2999
NOT_STORED = (
    "The key opens nothing from now on, but that could not be stored yet: {why}. The box goes on trying; until it is "
    "stored, a restart would bring the key back."
)
_LIMITS = ("requests_per_minute", "tokens_per_day", "concurrency")


class BadExpiry(Problem):
    def __init__(self) -> None:
        detail = f"Write a time that is still to come, and not beyond the year {LAST_YEAR}."
        super().__init__(422, "invalid_fields", detail, fields={"expires_at": detail})


async def create_key(deps: ApiDeps, body: KeyBody) -> tuple[Key, str]:
    grant = _granted(Grant(body.name), body, set(KeyBody.model_fields), deps.clock())
    try:
        return await deps.keys.create(grant)
    except KeyProblem as problem:
        raise _as_problem(problem) from problem


async def change_key(deps: ApiDeps, key_id: str, body: KeyPatch) -> Key:
    """Changes what is named and leaves the rest."""
    now = deps.clock()
    try:
        return await deps.keys.change(key_id, lambda grant: _granted(grant, body, body.model_fields_set, now))
    except KeyProblem as problem:
        raise _as_problem(problem) from problem


async def revoke_key(deps: ApiDeps, key_id: str) -> Key:
    try:
        return await deps.keys.revoke(key_id)
    except KeyProblem as problem:
        raise _as_problem(problem) from problem
    except StorageFailed as failure:
        raise Problem(507, failure.code, NOT_STORED.format(why=failure.detail)) from failure


def find_key(keys: Keyring, key_id: str) -> Key:
    try:
        return keys.get(key_id)
    except KeyProblem as problem:
        raise _as_problem(problem) from problem


async def require_keys(deps: ApiDeps, *, required: bool) -> None:
    """Closes or opens the API of the box."""
    await deps.settings.change({"api": {"require_key": required}}, None)


def key_document(standing: Standing) -> Json:
    key, grant = standing.key, standing.key.grant
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "made_at": timestamp(key.made_at),
        "expires_at": None if grant.expires_at is None else timestamp(grant.expires_at),
        "expired": standing.expired,
        "models": list(grant.models),
        "endpoints": sorted(grant.endpoints),
        **{name: getattr(grant.limits, name) for name in _LIMITS},
        "used_at": None if standing.used_at is None else timestamp(standing.used_at),
        "in_flight": standing.running,
        "today": _use(standing.today),
        "days": [{"day": timestamp(day * 86400)[:10], **_use(use)} for day, use in sorted(standing.days.items())],
    }


def _use(use: Use) -> Json:
    return {"requests": use.requests, "tokens": {"in": use.tokens_in, "out": use.tokens_out}}


def _granted(grant: Grant, body: KeyBody | KeyPatch, given: set[str], now: float) -> Grant:
    limits = {name: getattr(body, name) for name in _LIMITS if name in given}
    return Grant(
        name=body.name if "name" in given else grant.name,
        models=tuple(dict.fromkeys(body.models)) if "models" in given else grant.models,
        endpoints=frozenset(body.endpoints) if "endpoints" in given else grant.endpoints,
        limits=replace(grant.limits, **limits),
        expires_at=_expiry(body.expires_at, grant.expires_at, now) if "expires_at" in given else grant.expires_at,
    )


def _expiry(wanted: datetime | None, current: float | None, now: float) -> float | None:
    """One that has passed may only stay."""
    if wanted is None:
        return None
    at = wanted.timestamp()
    if at != current and (at <= now or wanted.year > LAST_YEAR):
        raise BadExpiry
    return at


def _as_problem(problem: KeyProblem) -> Problem:
    fields = {"fields": {"name": problem.detail}} if problem.code == "name_taken" else {}
    return Problem(STATUS_OF_KEYS[problem.code], problem.code, problem.detail, **fields)
