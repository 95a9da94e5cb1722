"""What the activity page says in figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from appliance.activity.bins import Bin
from appliance.activity.series import DAY, Range
from appliance.activity.types import Ended, Outcome
from appliance.node.snapshot import RequestLoad
from webui.charts.scale import NOT_KNOWN, SECONDS, WATT_HOURS, number
from webui.views.words import Moment, moment, size_text

_RANGE_WORDS = {"1h": "1 h", "6h": "6 h", "24h": "24 h", "14d": "14 days"}
_OUTCOMES = {
    Outcome.ANSWERED: ("good", "answered"),
    Outcome.REFUSED: ("warn", "refused"),
    Outcome.FAILED: ("bad", "failed"),
    Outcome.CANCELLED: ("busy", "client left"),
}
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Choice:
    key: str
    label: str
    current: bool


class Kept(Protocol):
    """The attachments that requests may refer to."""

    @property
    def count(self) -> int: ...
    @property
    def filled(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ModelRow:
    name: str
    requests: str
    errors: str
    tokens_in: str
    tokens_out: str


@dataclass(frozen=True, slots=True)
class RequestRow:
    at: Moment
    model: str
    tone: str
    outcome: str
    status: int
    took: str
    first: str
    tokens: str
    speed: str
    asked: str  # the API's path
    route: str
    address: str
    key: str  # the name of the API key, empty when there was none
    id: str


def choices(known: Iterable[Range], current: Range) -> tuple[Choice, ...]:
    return tuple(
        Choice(one.key, _RANGE_WORDS.get(one.key) or f"{one.seconds // DAY} days", one.key == current.key)
        for one in known
    )


def now_figures(load: RequestLoad, speed: float, kept: Kept) -> tuple[Figure, ...]:
    figures = (
        Figure("Being answered", number(load.in_flight)),
        Figure("Waiting", number(load.queued)),
        Figure("Tokens a second", number(speed)),
    )
    if not kept.count:
        return figures
    return (*figures, Figure("Attachments", number(kept.count), f"{size_text(kept.filled)}, kept for some minutes"))


def today_figures(today: Bin) -> tuple[Figure, ...]:
    return (
        Figure("Requests", number(today.requests), f"{number(today.cancelled)} left by their clients"),
        Figure("Errors", number(today.errors), f"{number(today.failed)} failed, {number(today.refused)} refused"),
        Figure("Tokens made", number(today.tokens_out), f"{number(today.tokens_in)} read"),
        _energy(today),
    )


def _energy(today: Bin) -> Figure:
    """Of the GPUs: what the rest of the machine takes is told by nobody."""
    if not today.metered:
        return Figure("GPU energy", NOT_KNOWN, "no GPU tells its power")
    each = today.energy_per_1000_tokens
    note = "" if each is None else f"{WATT_HOURS.text(each)} for 1,000 tokens made"
    return Figure("GPU energy", WATT_HOURS.text(today.energy), note)


def model_rows(today: Bin) -> tuple[ModelRow, ...]:
    counts = sorted(today.models.items(), key=lambda item: (-item[1].requests, item[0]))
    return tuple(
        ModelRow(
            name or "none was found",
            number(count.requests),
            number(count.errors),
            number(count.tokens_in),
            number(count.tokens_out),
        )
        for name, count in counts
    )


def request_rows(latest: Iterable[Ended]) -> tuple[RequestRow, ...]:
    return tuple(_request_row(ended) for ended in latest)


def _request_row(ended: Ended) -> RequestRow:
    tone, outcome = _OUTCOMES[ended.outcome]
    told = ended.tokens_in is not None or ended.tokens_out is not None
    counts = (NOT_KNOWN if count is None else number(count) for count in (ended.tokens_in, ended.tokens_out))
    return RequestRow(
        at=moment(ended.at),
        model=ended.model[:LONGEST_NAME] or "none was found",
        tone=tone,
        outcome=outcome,
        status=ended.status,
        took=SECONDS.text(ended.seconds),
        first="" if ended.first_token is None else SECONDS.text(ended.first_token),
        tokens="{} read, {} made".format(*counts) if told else "",
        speed="" if ended.speed is None else number(ended.speed),
        asked=ended.endpoint,
        route=ended.route,
        address=ended.address,
        key=ended.key,
        id=ended.id,
    )
