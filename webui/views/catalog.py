"""Well-known models in words: what is recommended for this box, and the catalogue to choose from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.models.catalog import Entry, Skill, matching, nearest
from appliance.models.names import without_quantisation
from appliance.models.types import Library
from appliance.node.fitting import resources_to_choose_for
from appliance.node.snapshot import Snapshot
from appliance.placement.advice import Advice, Role, advise, pack
from appliance.placement.fit import Code
from appliance.placement.room import GIB
from webui.views.fit import Verdict, worded
from webui.views.words import count_text, size_text

_ROLES = {
    Role.CHAT: "Chat",
    Role.CODE: "Code and tools",
    Role.VISION: "Pictures",
    Role.EMBEDDING: "Search by meaning",
}
_SKILLS = {
    Skill.CHAT: "Chat",
    Skill.CODE: "Code",
    Skill.TOOLS: "Tools",
    Skill.REASONING: "Thinking",
    Skill.VISION: "Pictures",
    Skill.AUDIO: "Sound",
    Skill.EMBEDDING: "Search by meaning",
    Skill.RERANK: "Ordering search results",
}
EVERYTHING = "all"
MOST_NEAR = 6


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """One model that can be fetched by a button."""

    name: str
    title: str
    about: str
    ref: str
    notes: tuple[str, ...]
    verdict: Verdict | None
    here: bool  # one of its forms is on this box already
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Catalog:
    filters: tuple[Filter, ...]
    rows: tuple[CatalogRow, ...]  # none before a kind was chosen: that keeps the page light


@dataclass(frozen=True, slots=True)
class Recommendation:
    rows: tuple[CatalogRow, ...] = ()
    looking: bool = False  # the box does not know its hardware yet


class Recommender:
    """Chooses anew only when the box, or what lies on it, became another: memory that comes and goes by the second
    is no reason.
    """

    def __init__(self) -> None:
        self._chosen: tuple[object, Recommendation] = (None, Recommendation(looking=True))

    def __call__(self, snapshot: Snapshot) -> Recommendation:
        node = resources_to_choose_for(snapshot)
        if node is None:
            return Recommendation(looking=True)
        about = (snapshot.library, node.gpu_room // GIB, node.memory.room // GIB)
        if self._chosen[0] != about:
            self._chosen = (about, Recommendation(recommended(snapshot)))
        return self._chosen[1]


def recommended(snapshot: Snapshot) -> tuple[CatalogRow, ...]:
    """One model for each kind of work, as far as this box has room for one."""
    picks = pack(resources_to_choose_for(snapshot))
    here = _here(snapshot.library)
    return tuple(_row(pick.advice, here, tuple(_ROLES[role] for role in pick.roles)) for pick in picks)


def catalog(ability: str, snapshot: Snapshot) -> Catalog:
    """The models that can do something; what fits comes first."""
    labels = {EVERYTHING: "All", **{skill.value: label for skill, label in _SKILLS.items()}}
    filters = tuple(Filter(value, label, value == ability) for value, label in labels.items())
    if ability not in labels:
        return Catalog(filters, ())
    node, here = resources_to_choose_for(snapshot), _here(snapshot.library)
    found = matching("", skill=None if ability == EVERYTHING else Skill(ability))
    advices = sorted((advise(entry, node) for entry in found), key=_order)
    return Catalog(filters, tuple(_row(advice, here) for advice in advices))


def names_like(query: str) -> tuple[Entry, ...]:
    """What of the catalogue a search may have meant."""
    return tuple(matching(query)[:MOST_NEAR] or nearest(query)) if query.strip() else ()


def _order(advice: Advice) -> tuple[bool, bool, int]:
    slow = advice.verdict.code is Code.PARTLY_ON_PROCESSOR
    return not advice.fits, slow, -advice.entry.grade


def _row(advice: Advice, here: frozenset[str], roles: tuple[str, ...] = ()) -> CatalogRow:
    entry = advice.entry
    return CatalogRow(
        name=entry.name,
        title=entry.title,
        about=entry.about,
        ref=entry.ref(advice.form),
        notes=tuple(_notes(advice)),
        verdict=None if advice.verdict.code is Code.UNKNOWN else worded(advice.verdict),
        here=_stem(entry.repo) in here,
        roles=roles,
    )


def _notes(advice: Advice) -> Iterable[str]:
    entry = advice.entry
    yield f"about {size_text(advice.form.size)}"
    yield f"{count_text(entry.parameters)} parameters"
    yield f"stored as {advice.form.quant}"
    yield f"licence {entry.licence}"


def _here(library: Library | None) -> frozenset[str]:
    models = library.models if library else ()
    return frozenset(without_quantisation(model.id).casefold() for model in models)


def _stem(repo: str) -> str:
    """What the files of a repository are called, without their quantisation."""
    return without_quantisation(repo.rpartition("/")[2].removesuffix("-GGUF")).casefold()
