"""A key, what it allows, and what was used with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

DAY_SECONDS = 86_400


class Group(StrEnum):
    """Routes of the API that a key is given together."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    RERANK = "rerank"
    AUDIO = "audio"
    TOKENIZE = "tokenize"


@dataclass(frozen=True, slots=True)
class Limits:
    """None is no limit."""

    requests_per_minute: int | None = None
    tokens_per_day: int | None = None
    concurrency: int | None = None  # requests at once


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Grant:
    """What the owner allows with a key; he can change it at any time. Empty models or endpoints: all of them."""

    name: str
    models: tuple[str, ...] = ()
    endpoints: frozenset[Group] = frozenset()
    limits: Limits = NO_LIMITS
    expires_at: float | None = None

    def expired(self, now: float) -> bool:
        return self.expires_at is not None and now >= self.expires_at


@dataclass(frozen=True, slots=True)
class Key:
    """`hint` is the end of the secret, by which its owner tells keys apart; the secret itself is kept nowhere."""

    id: str
    hint: str
    made_at: float
    grant: Grant

    @property
    def name(self) -> str:
        return self.grant.name


@dataclass(frozen=True, slots=True)
class Use:
    """What was used on one day, or on several."""

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    def plus(self, other: Use) -> Use:
        return Use(self.requests + other.requests, self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out)


NOTHING_USED = Use()


@dataclass(frozen=True, slots=True)
class Standing:
    """A key and what was used with it, as it is shown."""

    key: Key
    today: Use
    days: Mapping[int, Use]
    running: int
    used_at: float | None
    total: Use  # since the start of the box, as is `refused`
    refused: int
    expired: bool


@dataclass(frozen=True, slots=True)
class Instant:
    """Now, by the clock on the wall and by one that is never set."""

    wall: float
    ticks: float

    @property
    def day(self) -> int:
        """Days by UTC, so that a day has the same length everywhere and in every season."""
        return int(self.wall // DAY_SECONDS)
