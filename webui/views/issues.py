"""Known troubles as cards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.node.issues import Issue


@dataclass(frozen=True, slots=True)
class IssueCard:
    id: str
    tone: str
    title: str
    meaning: str
    advice: str
    details: tuple[str, ...]
    fix: str | None


def issue_cards(issues: Iterable[Issue]) -> tuple[IssueCard, ...]:
    return tuple(
        IssueCard(
            id=issue.id,
            tone="bad" if issue.severity.value == "error" else "warn",
            title=issue.title,
            meaning=issue.meaning,
            advice=issue.advice,
            details=issue.details,
            fix=issue.fix.label if issue.fix else None,
        )
        for issue in issues
    )
