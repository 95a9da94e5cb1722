"""Which models nobody has used for long: fetched by us, not served, and last used before some day."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.jobs.shelf import Removal, Shelf
from appliance.jobs.usage import Usage, wanted
from appliance.models.failed import ModelProblem
from appliance.models.types import Library
from appliance.run_loop import Outlook

NOTHING = Library()


async def unused(shelf: Shelf, usage: Usage, outlook: Outlook, before: float) -> list[Removal]:
    """What would be removed. A model that was never used counts from the day it was fetched."""
    library = outlook.snapshot.library or NOTHING
    kept = wanted(outlook)
    found = [await _removal(shelf, model, library) for model in _ids(library) if model not in kept]
    return [r for r in found if r is not None and _last_used(r, usage) < before]


async def removable(shelf: Shelf, model: str, outlook: Outlook) -> Removal:
    """What goes when a person removes a model. Raises ModelProblem."""
    removal = await shelf.removal(model, outlook.snapshot.library or NOTHING)
    if model in wanted(outlook):
        detail = f"{model} is served by this box. Unload it first, then remove it."
        raise ModelProblem("in_use", detail)
    return removal


def _ids(library: Library) -> Iterator[str]:
    yield from (model.id for model in library.models)
    yield from (broken.id for broken in library.broken)


async def _removal(shelf: Shelf, model: str, library: Library) -> Removal | None:
    try:
        return await shelf.removal(model, library)
    except ModelProblem:
        return None


def _last_used(removal: Removal, usage: Usage) -> float:
    return max(usage.last(removal.model) or 0.0, *(file.fetched_at for file in removal.files))
