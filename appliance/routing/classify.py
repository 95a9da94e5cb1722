"""What a request is about and how much thought it takes, from its words alone: no model, no network, microseconds."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from appliance.routing.facts import Effort, Facts
from appliance.routing.words import CODE_MARKS, PARTS, STEM, STEMS, WHOLE, Weights


class Kind(StrEnum):
    CODE = "code"
    REASONING = "reasoning"
    CREATIVE = "creative"
    IMAGE = "image"
    TOOL_CALL = "tool call"
    INFO = "info"
    CHAT = "chat"


class Depth(StrEnum):
    QUICK = "quick"
    MODERATE = "moderate"
    DEEP = "deep"


@dataclass(frozen=True, slots=True)
class Class:
    kind: Kind
    depth: Depth


ENOUGH = {Kind.CODE: 2, Kind.CREATIVE: 2, Kind.REASONING: 2, Kind.INFO: 1}  # in this order when two weigh the same
LONG_TEXT = 1500  # characters of a question that is no quick one
SHORT_TEXT = 60
LONG_CONVERSATION = 6000  # tokens

_WORD = re.compile(r"[^\W\d_][\w+#]*")


def classify(facts: Facts) -> Class:
    weights = weigh(facts.said)
    kind = _kind(facts, weights)
    return Class(kind, _depth(facts, kind, weights))


def weigh(text: str) -> Counter[str]:
    """How much speaks for each kind and depth; a word that is repeated says nothing more."""
    found: Counter[str] = Counter()
    for word in set(_WORD.findall(text.lower())):
        for kind, weight in _weights(word):
            found[kind] += weight
    found["info"] = min(2, found["info"] + min(1, found["ask"]))  # most requests are questions, whatever their subject
    found["code"] += 2 * sum(mark in text for mark in CODE_MARKS)
    if not text.isascii():
        for kind, parts in PARTS.items():
            found[kind] += 2 * sum(part in text for part in parts)
    return found


@lru_cache(maxsize=8192)
def _weights(word: str) -> Weights:
    if (known := WHOLE.get(word)) is not None:
        return known
    fitting = {kind: weight for stem, kind, weight in STEMS.get(word[:STEM], ()) if word.startswith(stem)}
    return tuple(fitting.items())


def _kind(facts: Facts, weights: Counter[str]) -> Kind:
    if facts.senses:
        return Kind.IMAGE
    if facts.tools:
        return Kind.TOOL_CALL
    told = [kind for kind, enough in ENOUGH.items() if weights[kind.value] >= enough]
    return max(told, key=lambda kind: weights[kind.value], default=Kind.CHAT)


def _depth(facts: Facts, kind: Kind, weights: Counter[str]) -> Depth:
    if facts.effort is not None:
        return Depth.DEEP if facts.effort is Effort.MUCH else Depth.QUICK
    if weights["deep"] >= 2 or facts.length > LONG_TEXT or facts.tokens > LONG_CONVERSATION:
        return Depth.DEEP
    plain = kind in (Kind.CHAT, Kind.INFO) and facts.length < SHORT_TEXT
    return Depth.QUICK if plain or weights["quick"] >= 2 else Depth.MODERATE
