"""What can draft for a model: a small relative, layers of its own that predict ahead, or what it wrote before. Pure.

The model checks what is proposed, several tokens at once: the answer stays the same and comes sooner when the
proposals are often right. A small model must have the same vocabulary; the engine refuses others, and so do we, before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from appliance.models.architectures import PREDICTING_AHEAD
from appliance.models.names import resolve_name
from appliance.models.types import Ability, Model, Profile


class Way(StrEnum):
    """How it is done."""

    MODEL = "model"  # a small model proposes
    AHEAD = "mtp"  # layers in its own file predict several tokens at once
    REPEATS = "ngram"  # what was written before is proposed again: good for texts that are worked over


OFF, AUTO = "off", "auto"
MOST_DIFFERENT = 128  # tokens; SPEC_VOCAB_MAX_SIZE_DIFFERENCE of the engine's common/speculative.cpp
MOST_DRAFTED = 8  # tokens that a small model proposes at once
MOST_AHEAD = 3  # the same for layers that predict ahead, as the engine has it by itself
SMALLER = 2  # a draft of more than one in so many parts of the model costs what it saves
# The engine adds a token at the beginning for these, unless the file says otherwise
_BEGIN_BY_THEMSELVES = frozenset({"llama-bpe", "llama3", "llama-v3", "tekken", "chameleon"})


@dataclass(frozen=True, slots=True)
class Family:
    """Models that one small relative drafts for, by their names."""

    draft: re.Pattern[str]
    target: re.Pattern[str]


def _family(draft: str, target: str) -> Family:
    return Family(re.compile(draft, re.IGNORECASE), re.compile(target, re.IGNORECASE))


FAMILIES = (
    _family(r"qwen2\.5-0\.5b", r"qwen2\.5"),
    _family(r"qwen3-0\.6b", r"qwen3(?![.\d])"),
    _family(r"llama-3\.2-1b", r"llama-3"),
    _family(r"gemma-3-1b", r"gemma-3(?!n)"),
    _family(r"mesh-tiny-draft", r"mesh-tiny"),
)


@dataclass(frozen=True, slots=True)
class Helper:
    """What shall draft; `model` only when that is a small model."""

    way: Way
    model: Model | None = None

    @property
    def path(self) -> str:
        return self.model.path if self.model else ""

    @property
    def key(self) -> str:
        return self.path or self.way.value


def helper_for(model: Model, wish: str, models: Iterable[Model]) -> Helper | None:
    """As wished; by itself its own layers come first, then a relative. Repeats are proposed only where that is asked
    for: they cost a little with every token, also where nothing repeats."""
    if wish == OFF or not _writes(model):
        return None
    if wish == Way.REPEATS:
        return Helper(Way.REPEATS)
    if wish in (Way.AHEAD, AUTO) and predicts_ahead(model.profile):
        return Helper(Way.AHEAD)
    found = None if wish == Way.AHEAD else draft_for(model, wish, models)
    return Helper(Way.MODEL, found) if found else None


def predicts_ahead(profile: Profile | None) -> bool:
    """Whether its file holds layers behind those that compute the next token."""
    if profile is None or profile.architecture not in PREDICTING_AHEAD or not profile.cache.layers:
        return False
    count = len(profile.cache.layers)
    return any(profile.weights.layers[count:]) or any(profile.weights.experts[count:])


def draft_for(model: Model, wish: str, models: Iterable[Model]) -> Model | None:
    """The model that shall draft: by name, or the relative that is known to suit. None when there is no such model."""
    listed = {other.id: other for other in models}
    if wish == OFF:
        return None
    if wish != AUTO:
        named = listed.get(resolve_name(wish, listed) or "")
        return named if named and compatible(model, named) else None
    suited = [other for other in listed.values() if related(model, other) and compatible(model, other)]
    return min(suited, key=lambda other: (other.size, other.id), default=None)


def related(model: Model, draft: Model) -> bool:
    return any(family.draft.search(draft.id) and family.target.search(model.id) for family in FAMILIES)


def compatible(model: Model, draft: Model) -> bool:
    """Small enough to help, made for text, and with the same vocabulary as far as the headers tell."""
    target, own = model.profile, draft.profile
    if target is None or own is None or model.id == draft.id or not _writes(model) or not _writes(draft):
        return False
    return draft.size * SMALLER <= model.size and same_vocabulary(target, own)


def same_vocabulary(target: Profile, draft: Profile) -> bool:
    """As the engine checks it, save for the tokens themselves."""
    alike = target.tokenizer == draft.tokenizer and target.pre_tokenizer == draft.pre_tokenizer
    close = abs(target.vocabulary - draft.vocabulary) <= MOST_DIFFERENT
    return target.tokenizer is not None and alike and close and _ends(target) == _ends(draft)


def _ends(profile: Profile) -> tuple[bool, int | None, bool, int | None]:
    """What stands at the beginning and at the end of a text; a token that is not added does not matter."""
    special = profile.special
    begins = special.adds_begin
    if begins is None:
        begins = profile.tokenizer == "llama" or profile.pre_tokenizer in _BEGIN_BY_THEMSELVES
    ends = bool(special.adds_end)
    return begins, special.begin if begins else None, ends, special.end if ends else None


def _writes(model: Model) -> bool:
    return bool(model.abilities & {Ability.CHAT, Ability.COMPLETION})
