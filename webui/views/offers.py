"""What the hub offers: repositories that a search found, and what one name would fetch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from appliance.jobs.plan import COPIED
from appliance.jobs.planner import Resolved
from appliance.models.choice import Variant
from appliance.models.hub import FoundRepo, Sort
from appliance.models.refs import Ref, RepoRef
from appliance.node.fitting import resources_to_choose_for
from appliance.node.snapshot import Snapshot
from appliance.placement.advice import advise_by_parameters
from appliance.placement.fit import Code
from appliance.placement.room import NodeResources
from webui.views.fit import Verdict, worded
from webui.views.traits import LABELS
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
    verdict: Verdict | None = None  # of its usual form; None: it is not known how large it is


@dataclass(frozen=True, slots=True)
class Offer:
    """One model that can be fetched."""

    ref: str
    title: str
    facts: tuple[tuple[str, str], ...]
    verdict: Verdict | None
    variants: tuple[tuple[str, str], ...]  # words and ref of its other forms


def found_rows(found: Iterable[FoundRepo], snapshot: Snapshot) -> tuple[FoundRow, ...]:
    node = resources_to_choose_for(snapshot)
    return tuple(FoundRow(repo.repo, " · ".join(_notes(repo)), _judged(repo, node)) for repo in found)


def _judged(repo: FoundRepo, node: NodeResources | None) -> Verdict | None:
    judged = advise_by_parameters(repo.parameters, node)
    return None if judged.code is Code.UNKNOWN else worded(judged)


def _notes(repo: FoundRepo) -> Iterable[str]:
    if repo.parameters:
        yield count_text(repo.parameters)
    yield f"fetched {count_text(repo.downloads)} times"
    if repo.claims:
        yield "perhaps: {}".format(", ".join(LABELS[claim.capability].lower() for claim in repo.claims))
    if repo.gated:
        yield "asks you to accept its terms first"


def offer(query: str, ref: Ref, resolved: Resolved, verdict: Verdict | None) -> Offer:
    plan = resolved.plan
    return Offer(
        ref=_what_is_shown(query, ref, resolved),
        title=plan.model,
        facts=tuple(_facts(resolved)),
        verdict=verdict,
        variants=tuple(_variant(plan.source, v) for v in resolved.variants[:MOST_VARIANTS] if v.quant != plan.quant),
    )


def _what_is_shown(query: str, ref: Ref, resolved: Resolved) -> str:
    """The form that was chosen, by its name: it is fetched also when another would suit the box a moment later."""
    if not isinstance(ref, RepoRef) or ref.file or ref.quant or not resolved.plan.quant:
        return query
    alike = [variant for variant in resolved.variants if variant.quant == resolved.plan.quant]
    return str(replace(ref, quant=resolved.plan.quant)) if len(alike) == 1 else query


def _facts(resolved: Resolved) -> Iterable[tuple[str, str]]:
    plan = resolved.plan
    yield "From", "a file on this box; it is copied into the models folder" if plan.source == COPIED else plan.source
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
