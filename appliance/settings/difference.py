"""What differs between two documents, field by field. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from appliance.settings.schema import Settings

BOOKKEEPING = frozenset({"version", "revision", "setup"})  # of the document itself; nobody sets them in a form


_NOTHING: tuple[object, ...] = (None, [], {})


@dataclass(frozen=True, slots=True)
class Change:
    path: tuple[str, ...]
    old: Any  # None: there was none
    new: Any

    @property
    def name(self) -> str:
        return ".".join(self.path)


def plain(settings: Settings) -> dict[str, Any]:
    """What a person set, as JSON."""
    return {name: value for name, value in settings.model_dump(mode="json").items() if name not in BOOKKEEPING}


def differences(old: Settings, new: Settings) -> tuple[Change, ...]:
    return tuple(_between((), plain(old), plain(new)))


def _between(path: tuple[str, ...], old: Any, new: Any) -> Iterator[Change]:  # noqa: ANN401 - any JSON
    if old == new or (old in _NOTHING and new in _NOTHING):
        return
    if not isinstance(old if old is not None else new, Mapping) or not isinstance(
        new if new is not None else old, Mapping
    ):
        yield Change(path, old, new)
        return
    before, after = old or {}, new or {}
    found = [
        change
        for key in [*before, *(key for key in after if key not in before)]
        for change in _between((*path, key), before.get(key), after.get(key))
    ]
    yield from found or [Change(path, old, new)]  # an entry in which nothing is set comes or goes as a whole
