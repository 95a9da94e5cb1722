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
class Issue:
    id: str
    severity: Severity
    title: str  # what happened
    meaning: str  # what it means
    advice: str  # what to do
    fix: Fix | None = None
    details: tuple[str, ...] = ()
