"""What the hub offers: repositories that a search found, and what one name would fetch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.jobs.planner import Resolved
from appliance.models.choice import Variant
from appliance.models.hub import FoundRepo, Sort
from webui.views.fit import Verdict
from webui.views.words import count_text, size_text

SORTS: tuple[tuple[Sort, str], ...] = (
    ("downloads", "Most fetched"),
    ("trending", "Trending"),
    ("likes", "Most liked"),
    ("updated", "Newest"),
)
MOST_VARIANTS = 40


@dataclass(frozen=True, slots=True)
class FoundRow:
    ref: str
    note: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One model that can be fetched."""

    ref: str
    title: str
    facts: tuple[tuple[str, str], ...]
    verdict: Verdict | None
    variants: tuple[tuple[str, str], ...]  # words and ref of its other forms


def found_rows(found: Iterable[FoundRepo]) -> tuple[FoundRow, ...]:
    return tuple(FoundRow(repo.repo, " · ".join(_notes(repo))) for repo in found)


def _notes(repo: FoundRepo) -> Iterable[str]:
    if repo.parameters:
        yield count_text(repo.parameters)
    yield f"fetched {count_text(repo.downloads)} times"
    if repo.gated:
        yield "asks you to accept its terms first"


def offer(ref: str, resolved: Resolved, verdict: Verdict | None) -> Offer:
    plan = resolved.plan
    return Offer(
        ref=ref,
        title=plan.model,
        facts=tuple(_facts(resolved)),
        verdict=verdict,
        variants=tuple(_variant(plan.source, v) for v in resolved.variants[:MOST_VARIANTS] if v.quant != plan.quant),
    )


def _facts(resolved: Resolved) -> Iterable[tuple[str, str]]:
    plan = resolved.plan
    yield "From", plan.source
    if plan.quant:
        yield "Stored as", plan.quant
    yield "Size", "not known" if plan.size is None else size_text(plan.size)
    weights = [file for file in plan.files if not file.companion]
    if len(weights) > 1:
        yield "Files", str(len(weights))
    if len(weights) < len(plan.files):
        yield "With it", "a projector for pictures or sound"
    if resolved.gated:
        yield "Terms", "must be accepted on the hub first"


def _variant(repo: str, variant: Variant) -> tuple[str, str]:
    words = f"{variant.quant or variant.stem}, {size_text(variant.size)}"
    return words, f"{repo}:{variant.quant}" if variant.quant else f"{repo}/{variant.files[0].path}"
