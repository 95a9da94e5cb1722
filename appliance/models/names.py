"""Which model a name means: exact id, `name:latest`, or the name without its quantisation when that is unambiguous."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

_QUANTISATION = re.compile(r"[-.](?:IQ\d\w*|Q\d\w*|T?Q\d_\w+|F16|F32|BF16|MXFP4\w*|NVFP4)$", re.IGNORECASE)


def without_quantisation(model_id: str) -> str:
    return _QUANTISATION.sub("", model_id)


def resolve_name(name: str, known: Iterable[str]) -> str | None:
    """The id that `name` means, or None when it means nothing or more than one thing."""
    ids = sorted(set(known))
    wanted = name.removesuffix(":latest").removesuffix(".gguf")
    if wanted in ids:
        return wanted
    folded = wanted.casefold()
    for form in (str.casefold, lambda i: without_quantisation(i).casefold()):
        matches = [i for i in ids if form(i) == folded]
        if len(matches) == 1:
            return matches[0]
        if matches:
            return None
    return None


def nearest_names(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    by_folded = {i.casefold(): i for i in sorted(set(known))}
    short = {without_quantisation(i).casefold(): i for i in sorted(set(known))}
    close = get_close_matches(name.casefold(), [*by_folded, *short], n=limit * 2, cutoff=0.5)
    return list(dict.fromkeys(by_folded.get(c) or short[c] for c in close))[:limit]
