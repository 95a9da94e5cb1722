"""Which models a key means: names as clients would ask for them, and patterns with `*`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from appliance.models.names import resolve_name

ANY = "*"


def allowed_models(entries: Iterable[str], models: Iterable[str], aliases: Mapping[str, str]) -> frozenset[str]:
    """Those of `models` that the entries mean. `aliases` are further names, each with its model."""
    known = tuple(models)
    found = set[str]()
    for entry in entries:
        if ANY in entry:
            found.update(_matching(entry, known, aliases))
        elif (model := aliases.get(entry) or resolve_name(entry, known)) is not None:
            found.add(model)
    return frozenset(found.intersection(known))


def fits(pattern: str, name: str) -> bool:
    """Each `*` stands for any letters, or none. Looks at no letter twice, whatever the pattern."""
    first, *middle, last = pattern.casefold().split(ANY)
    rest = name.casefold()
    if not rest.startswith(first):
        return False
    rest = rest[len(first) :]
    for part in middle:
        at = rest.find(part)
        if at < 0:
            return False
        rest = rest[at + len(part) :]
    return rest.endswith(last)


def _matching(pattern: str, models: Iterable[str], aliases: Mapping[str, str]) -> Iterator[str]:
    yield from (model for model in models if fits(pattern, model))
    yield from (model for alias, model in aliases.items() if fits(pattern, alias))
