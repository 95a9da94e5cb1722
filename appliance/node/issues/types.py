"""What a trouble looks like to a person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"  # something asked for does not work
    WARNING = "warning"  # it works, but not as it should


@dataclass(frozen=True, slots=True)
class Fix:
    """What one click can do about it."""

    label: str
    action: str  # retry_model
    subject: str


@dataclass(frozen=True, slots=True)
class Place:
    """The page where a person can mend it."""

    label: str
    path: str


@dataclass(frozen=True, slots=True)
class Issue:
    id: str  # the same for the same trouble, also after a restart
    severity: Severity
    title: str  # what happened
    meaning: str  # what it means
    advice: str  # what to do
    fix: Fix | None = None
    place: Place | None = None
    details: tuple[str, ...] = ()
    since: float | None = None  # known a moment after it came up
    dismissed: bool = False


def issue_id(kind: str, subject: str) -> str:
    """One that can stand in an address: models may be named with slashes."""
    return f"{kind}:{subject.replace('/', '~')}"
