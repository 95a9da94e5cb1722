"""One model of each: the same files under several names are one, and of several models of one name the first is taken.

Pure. Those that come first are preferred.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.models.types import BrokenFile, Model


@dataclass(frozen=True, slots=True)
class Found:
    """A model, or why it is none; `store` is the folder of the program that keeps it."""

    model: Model | BrokenFile
    store: Path | None = None
    marks: frozenset[Hashable] = frozenset()  # each of them stands for the content of all its files


@dataclass(frozen=True, slots=True)
class Hidden:
    """A model that is not offered, because another one has its name."""

    model: Model
    by: Model


@dataclass(frozen=True, slots=True)
class Sorted:
    models: tuple[Model, ...]
    broken: tuple[BrokenFile, ...]
    hidden: tuple[Hidden, ...]


def one_each(found: Iterable[Found]) -> Sorted:
    listed = list(found)
    pairs = [(one.model, one) for one in listed if isinstance(one.model, Model)]
    taken: dict[str, Found] = {}
    models: dict[str, Model] = {}
    by_mark: dict[Hashable, str] = {}
    hidden = []
    for model, one in pairs:
        same = next((by_mark[mark] for mark in one.marks if mark in by_mark), None)
        if same is not None:
            models[same] = replace(models[same], also=(*models[same].also, model.id, *model.also))
        elif (other := taken.setdefault(model.id, one)) is one:
            models[model.id] = model
            by_mark |= dict.fromkeys(one.marks, model.id)
        elif one.store is None or one.store != other.store:
            hidden.append(Hidden(model, models[model.id]))
    return Sorted(tuple(_named_once(models)), tuple(_broken(listed, taken)), tuple(hidden))


def _named_once(models: dict[str, Model]) -> Iterable[Model]:
    """A further name is never one that a model has as its own, nor one that another has as well."""
    names = set(models)
    for model in models.values():
        also = tuple(name for name in dict.fromkeys(model.also) if name not in names)
        names |= set(also)
        yield replace(model, also=also)


def _broken(found: Iterable[Found], taken: dict[str, Found]) -> Iterable[BrokenFile]:
    """Each once, and not what the same program has whole under the same name: a cache keeps what was before."""
    seen = set[Hashable]()
    for one in found:
        if not isinstance(one.model, BrokenFile):
            continue
        keys = one.marks | ({(one.store, one.model.id)} if one.store else set[Hashable]())
        whole = taken.get(one.model.id)
        if not keys & seen and (one.store is None or whole is None or whole.store != one.store):
            yield one.model
        seen |= keys
