"""What is served, what lies on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from appliance.models.types import BrokenFile, Capability, Level, Model
from appliance.node.serving import ServingEntry, ServingState
from appliance.node.snapshot import Snapshot
from appliance.run_loop import Outlook
from webui.views.fit import Verdict, verdict_of
from webui.views.origins import Books, origin_text, used_at
from webui.views.serving import ModelCard, model_card
from webui.views.words import Moment, count_text, size_text

_ABILITIES = {"chat": "chat", "completion": "text completion", "embedding": "embeddings", "rerank": "ranking"}
_SENSES = {Capability.VISION: "pictures", Capability.AUDIO: "sound"}
MOST_NAMES = 6
NOTHING_KNOWN = Books()
_RUNNING = frozenset({ServingState.PLANNED, ServingState.FETCHING, ServingState.LOADING, ServingState.PROBING})


@dataclass(frozen=True, slots=True)
class ServedRow:
    element: str
    card: ModelCard
    known: bool  # there is a page about it
    can_sleep: bool
    can_wake: bool
    can_retry: bool
    unload: str  # what the button says


@dataclass(frozen=True, slots=True)
class LibraryRow:
    element: str
    id: str
    facts: tuple[tuple[str, str], ...]
    verdict: Verdict | None
    served: bool
    deletable: bool  # fetched by the box, or put in through the page
    bundled: bool
    owner: str | None  # the program that keeps it, when another does
    used: Moment | None  # when nobody uses it now
    path: str


@dataclass(frozen=True, slots=True)
class ModelsView:
    served: tuple[ServedRow, ...]
    library: tuple[LibraryRow, ...]
    broken: tuple[BrokenFile, ...]
    looking: bool  # the folder has not been looked through yet
    total: str

    @property
    def loadable(self) -> frozenset[str]:
        return frozenset(row.id for row in self.library if not row.served)


Known = tuple[tuple[object, ...], LibraryRow]  # what a row was made of, and the row


class LibraryRows:
    """The rows of a page, made anew only when what they tell may have changed: a download that goes on, a few times
    a second, shall not have two hundred models judged each time.
    """

    def __init__(self, books: Books = NOTHING_KNOWN) -> None:
        self._books = books
        self._judged_by: tuple[object, ...] = ()
        self._rows: dict[str, Known] = {}

    def __call__(self, outlook: Outlook) -> tuple[LibraryRow, ...]:
        judged_by = _what_verdicts_rest_on(outlook.snapshot)
        before = self._rows if _same(judged_by, self._judged_by) else {}
        served = frozenset(entry.model for entry in outlook.decision.serving)
        models = outlook.snapshot.library.models if outlook.snapshot.library else ()
        rows = {model.id: self._row(model, outlook, before, served=model.id in served) for model in models}
        self._judged_by, self._rows = judged_by, rows
        return tuple(row for _, row in rows.values())

    def _row(self, model: Model, outlook: Outlook, before: Mapping[str, Known], *, served: bool) -> Known:
        used = None if served else self._books.last_used(model.id)
        about = (model, served, self._books.source(model.path), used)
        known = before.get(model.id)
        if known is not None and known[0][0] is model and known[0][1:] == about[1:]:
            return known
        return about, library_row(model, outlook, self._books, served=served)


def _what_verdicts_rest_on(snapshot: Snapshot) -> tuple[object, ...]:
    return (snapshot.settings, snapshot.inventory, snapshot.engine_devices, snapshot.trials, snapshot.children)


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """The very same objects: to compare them by value would cost what is to be saved."""
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def models_view(outlook: Outlook, rows: LibraryRows | None = None) -> ModelsView:
    library = outlook.snapshot.library
    serving = outlook.decision.serving
    models = library.models if library else ()
    known = frozenset(model.id for model in models)
    return ModelsView(
        served=tuple(_served(entry, known) for entry in serving),
        library=(rows or LibraryRows())(outlook),
        broken=library.broken if library else (),
        looking=library is None,
        total=size_text(sum(model.size for model in models)),
    )


def _served(entry: ServingEntry, known: frozenset[str]) -> ServedRow:
    return ServedRow(
        element=element_of(entry.model),
        card=model_card(entry),
        known=entry.model in known,
        can_sleep=entry.state is ServingState.READY,
        can_wake=entry.state is ServingState.SLEEPING,
        can_retry=entry.state in (ServingState.FAILED, ServingState.RECOVERING),
        unload="Cancel" if entry.state in _RUNNING else "Unload",
    )


def library_row(model: Model, outlook: Outlook, books: Books, *, served: bool) -> LibraryRow:
    source = books.source(model.path)
    return LibraryRow(
        element=element_of(model.id),
        id=model.id,
        facts=(*model_facts(model), ("From", origin_text(model, source)), *_further_names(model)),
        verdict=verdict_of(model, outlook.snapshot),
        served=served,
        deletable=source is not None,
        bundled=model.bundled,
        owner=None if source else model.keeper.program,
        used=None if served else used_at(model, books),
        path=model.path,
    )


def model_facts(model: Model) -> Iterable[tuple[str, str]]:
    yield "Size", size_text(model.size)
    if model.parameters:
        yield "Parameters", count_text(model.parameters)
    if model.quantisation:
        yield "Stored as", model.quantisation
    yield "Context", f"{model.context_length:,} tokens"
    yield "Good for", ", ".join([*(_ABILITIES[a] for a in sorted(model.abilities)), *_senses(model)])


def _further_names(model: Model) -> Iterable[tuple[str, str]]:
    if model.also:
        yield "Also called", ", ".join(model.also[:MOST_NAMES])


def _senses(model: Model) -> Iterable[str]:
    """Only what is sure: with a projector beside it."""
    for capability, word in _SENSES.items():
        if model.projector and model.profile and model.profile.level(capability) is Level.SURE:
            yield word


def element_of(model_id: str) -> str:
    """A name for the page's elements: ids hold characters that selectors cannot."""
    return "m-" + hashlib.sha256(model_id.encode(errors="replace")).hexdigest()[:12]
