"""What a clean-up would remove, before it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.jobs.shelf import Removal
from webui.views.origins import Books
from webui.views.words import Moment, moment, size_text

AGES = ((7, "a week"), (30, "a month"), (90, "three months"), (365, "a year"))  # days
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class CleanupRow:
    id: str
    size: str
    used: Moment | None  # None: never


@dataclass(frozen=True, slots=True)
class CleanupView:
    """`days` is None as long as nobody asked; `rows` is what would go then."""

    days: int | None = None
    rows: tuple[CleanupRow, ...] = ()
    total: str = ""
    ages: tuple[tuple[int, str], ...] = AGES

    @property
    def names(self) -> str:
        """What the person saw, one a line: ids hold no line breaks."""
        return "\n".join(row.id for row in self.rows)


def cleanup_view(days: int, removals: Sequence[Removal], books: Books) -> CleanupView:
    rows = (CleanupRow(one.model, size_text(one.size), _used(books.last_used(one.model))) for one in removals)
    return CleanupView(days, tuple(rows), size_text(sum(one.size for one in removals)))


def seen_and_unused(names: str, removals: Sequence[Removal]) -> list[Removal]:
    """Of what would be removed now only what the person was shown."""
    shown = frozenset(names.splitlines())
    return [one for one in removals if one.model in shown]


def _used(at: float | None) -> Moment | None:
    return None if at is None else moment(at)
