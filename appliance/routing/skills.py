"""What a model is good at, as far as its files prove it and its name says it."""

from __future__ import annotations

import re
from functools import lru_cache

from appliance.models.types import Capability
from appliance.routing.table import Route

_CODER = re.compile(
    r"(?<![a-z])(open|star|wizard)?(cod(e|er|estral|egemma|ellama)|devstral|swe)(?![a-z])", re.IGNORECASE
)
_THINKER = re.compile(r"(?<![a-z0-9])(r1|qwq|thinking|reason(ing|er)?|magistral)(?![a-z0-9])", re.IGNORECASE)
_SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d{1,3})x)?(\d{1,4}(?:\.\d{1,2})?)([bm])(?![a-z0-9])", re.IGNORECASE)
BILLION = 10**9


@lru_cache(maxsize=1024)
def codes_by_name(model: str) -> bool:
    return _CODER.search(model) is not None


@lru_cache(maxsize=1024)
def thinks_by_name(model: str) -> bool:
    return _THINKER.search(model) is not None


@lru_cache(maxsize=1024)
def size_by_name(model: str) -> int | None:
    """Parameters, from `7B`, `0.6B`, `8x7B` or `270M` in the name."""
    found = _SIZE.search(model)
    if found is None:
        return None
    unit = BILLION if found[3] in "bB" else BILLION // 1000
    return int(int(found[1] or 1) * float(found[2]) * unit)


def codes(route: Route) -> bool:
    return codes_by_name(route.model)


def thinks(route: Route) -> bool:
    return Capability.REASONING in route.skills or thinks_by_name(route.model)


def size(route: Route) -> int:
    return route.parameters or size_by_name(route.model) or 0
