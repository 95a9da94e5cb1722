"""What a model is called, and which model a name means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches

_QUANTISATION = re.compile(
    r"(?:[-.](?:UD|i1))?[-.](?:IQ\d\w*|Q\d\w*|TQ\d\w*|F32|F16|BF16|MXFP4\w*|NVFP4)$", re.IGNORECASE
)
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
LONGEST_NAME = 512  # beyond it nothing is looked for: comparing costs time that clients must not be able to take


def clean_id(name: str) -> str:
    """A file's name without its ending, fit to be an id: what cannot be printed becomes an underscore."""
    return "".join(c if c.isprintable() else "_" for c in name).strip()


def without_quantisation(model_id: str) -> str:
    return _QUANTISATION.sub("", model_id)


def resolve_name(name: str, known: Iterable[str]) -> str | None:
    """The id that `name` means, or None when it means nothing or more than one thing.

    Tried in this order: the id itself, `name:latest` or a file's name, any case, the id without its quantisation.
    """
    ids = set(known)
    if name in ids:
        return name
    if len(name) > LONGEST_NAME:
        return None
    wanted = _SHARD.sub("", _without_ending(name.removesuffix(":latest")))
    if wanted in ids:
        return wanted
    forms: tuple[Callable[[str], str], ...] = (str.casefold, _short)
    for form in forms:
        matches = [i for i in ids if form(i) == wanted.casefold()]
        if matches:
            return matches[0] if len(matches) == 1 else None
    return None


def nearest_names(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Ids that `name` may have been meant to be, the nearest first."""
    if len(name) > LONGEST_NAME:
        return []
    ids_by_form: dict[str, list[str]] = {}
    for model_id in sorted(set(known)):
        for form in dict.fromkeys((model_id.casefold(), _short(model_id))):
            ids_by_form.setdefault(form, []).append(model_id)
    close = get_close_matches(name.casefold(), ids_by_form, n=2 * limit, cutoff=0.5)
    return list(dict.fromkeys(i for form in close for i in ids_by_form[form]))[:limit]


def _short(model_id: str) -> str:
    return without_quantisation(model_id).casefold()


def _without_ending(name: str) -> str:
    return name[: -len(".gguf")] if name.casefold().endswith(".gguf") else name
