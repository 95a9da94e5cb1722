"""Known troubles as cards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from appliance.node.issues import Issue, Severity
from webui.views.words import Moment, moment

SHOWN_AT_FIRST = 3  # on the dashboard

_LOOKS = {Severity.ERROR: ("bad", "does not work"), Severity.WARNING: ("warn", "worth a look")}


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    path: str


@dataclass(frozen=True, slots=True)
class IssueCard:
    id: str
    key: str  # names its element
    tone: str
    severity: str
    title: str
    meaning: str
    advice: str
    details: tuple[str, ...]
    fix: str | None
    place: Link | None
    since: Moment | None


def issue_cards(issues: Iterable[Issue]) -> tuple[IssueCard, ...]:
    """The gravest first."""
    ranked = sorted(issues, key=lambda issue: issue.severity is not Severity.ERROR)
    return tuple(_card(issue) for issue in ranked)


def visible_cards(issues: Iterable[Issue]) -> tuple[IssueCard, ...]:
    return issue_cards(issue for issue in issues if not issue.dismissed)


def hidden_cards(issues: Iterable[Issue]) -> tuple[IssueCard, ...]:
    return issue_cards(issue for issue in issues if issue.dismissed)


def _card(issue: Issue) -> IssueCard:
    tone, severity = _LOOKS[issue.severity]
    return IssueCard(
        id=issue.id,
        key=f"issue-{hashlib.sha256(issue.id.encode(errors='replace')).hexdigest()[:12]}",
        tone=tone,
        severity=severity,
        title=issue.title,
        meaning=issue.meaning,
        advice=issue.advice,
        details=issue.details,
        fix=issue.fix.label if issue.fix else None,
        place=Link(issue.place.label, issue.place.path) if issue.place else None,
        since=moment(issue.since) if issue.since is not None else None,
    )
