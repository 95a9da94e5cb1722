"""Whose a model is and when it was last used, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.jobs.plan import COPIED
from appliance.jobs.shelf import UPLOADED
from appliance.models.types import Model
from webui.views.words import Moment, moment


@dataclass(frozen=True, slots=True)
class Books:
    """What the box remembers of its models, beside what their files say."""

    source: Callable[[str], str | None] = lambda _: None  # from where it fetched the file of this path
    last_used: Callable[[str], float | None] = lambda _: None


def origin_text(model: Model, source: str | None) -> str:
    if model.bundled:
        return "Meshbox itself"
    if source == UPLOADED:
        return "an upload"
    if source == COPIED:
        return "a file elsewhere on this box"
    return source or model.keeper.program or "your models folder"


def used_at(model: Model, books: Books) -> Moment | None:
    at = books.last_used(model.id)
    return None if at is None else moment(at)
