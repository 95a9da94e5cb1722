"""Well-known models by name: which there are, which one a few words mean, and what comes near them. Pure.

`qwen3 8b`, `Qwen3-8B` and `qwen3-8b:Q8_0` all mean the entry `qwen3-8b`. A name that could be several is none: to
fetch the wrong model costs hours.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from pathlib import Path
from typing import Any

from appliance.models.refs import FORMS, BadRef, RepoRef

LONGEST = 100  # characters of a name that is looked for
USUAL = "Q4_K_M"
_WORD = re.compile(r"[a-z]+|\d+")
_QUANT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,40}")
_SAY_NOTHING = frozenset({"it", "instruct", "chat", "gguf", "model", "the", "latest"})
_NEAR = 0.5


class Skill(StrEnum):
    """What a model of the catalogue is good at."""

    CHAT = "chat"
    CODE = "code"
    TOOLS = "tools"
    REASONING = "reasoning"
    VISION = "vision"
    AUDIO = "audio"
    EMBEDDING = "embedding"
    RERANK = "rerank"


@dataclass(frozen=True, slots=True)
class Form:
    """One way that a model is stored."""

    quant: str
    size: int  # bytes, roughly


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    title: str
    family: str
    repo: str
    parameters: int
    active: int  # those that work for one token
    forms: tuple[Form, ...]  # the smallest first
    context: int
    licence: str
    skills: frozenset[Skill]
    grade: int
    about: str
    projector: bool = False
    draft: str | None = None

    @property
    def has_experts(self) -> bool:
        return self.active < self.parameters

    @property
    def usual(self) -> Form:
        """The form that most people take."""
        return next((form for form in self.forms if form.quant == USUAL), self.forms[0])

    def ref(self, form: Form | None = None) -> str:
        return f"{self.repo}:{form.quant}" if form else self.repo


def read_catalog(text: str) -> tuple[Entry, ...]:
    """In the order of the file. Raises ValueError, KeyError or TypeError: it is ours, and tested."""
    return tuple(_entry(item) for item in tomllib.loads(text)["model"])


def _entry(item: dict[str, Any]) -> Entry:
    forms = sorted((Form(quant, size) for quant, size in item.pop("forms").items()), key=lambda form: form.size)
    skills = frozenset(Skill(skill) for skill in item.pop("abilities"))
    active = item.pop("active", item["parameters"])
    return Entry(**item, active=active, forms=tuple(forms), skills=skills)


CATALOG = read_catalog(Path(__file__).with_name("catalog.toml").read_text("utf-8"))


def named(text: str, entries: Sequence[Entry] = CATALOG) -> Entry | None:
    """The entry that these words mean: its whole name however it is written, else the only one that has them."""
    words = _words(text)
    if not words:
        return None
    for entry in entries:
        if words in (_words(entry.name), _words(entry.title)):
            return entry
    having = matching(text, entries)
    return having[0] if len(having) == 1 and _says_enough(words, having[0]) else None


def matching(text: str, entries: Sequence[Entry] = CATALOG, skill: Skill | None = None) -> list[Entry]:
    """Those that have all of the words, and the skill when one is asked for; no text asks for no words."""
    words = set(_words(text))
    if text.strip() and not words:
        return []
    able = (entry for entry in entries if skill is None or skill in entry.skills)
    return [entry for entry in able if words <= _all_words(entry)]


def nearest(text: str, entries: Sequence[Entry] = CATALOG, limit: int = 3) -> list[Entry]:
    """What the words may have been meant to be, the nearest first."""
    wanted = " ".join(_words(text))
    if not wanted:
        return []
    alike = [(_likeness(wanted, entry), entry) for entry in entries]
    close = sorted((pair for pair in alike if pair[0] >= _NEAR), key=lambda pair: -pair[0])
    return [entry for _, entry in close[:limit]]


def ref_of(text: str, entries: Sequence[Entry] = CATALOG) -> RepoRef:
    """What to fetch for a name, which may end in `:Q8_0`. Raises BadRef with the names that come near."""
    name, _, quant = text.strip().partition(":")
    entry = named(name, entries)
    if entry is None or (quant and not _QUANT.fullmatch(quant)):
        raise BadRef(unknown(text, entries))
    return RepoRef(entry.repo, quant=quant if quant and quant != "latest" else None)


def unknown(text: str, entries: Sequence[Entry] = CATALOG) -> str:
    """What to say to words that mean no single entry."""
    shown = repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")
    near = _either(entry.name for entry in matching(text, entries)[:4] or nearest(text, entries))
    hint = f" Did you mean {near}?" if near and len(text) <= LONGEST else ""
    return f"{shown} names no model of the catalogue.{hint} {FORMS}"


def _says_enough(words: tuple[str, ...], entry: Entry) -> bool:
    """`tiny` alone is no name, though only one model is called so: what it begins with and half of it must be there."""
    name = _words(entry.name)
    return name[0] in words and 2 * len(set(words) & set(name)) >= len(set(name))


def _likeness(wanted: str, entry: Entry) -> float:
    return SequenceMatcher(None, " ".join(_words(entry.name)), wanted, autojunk=False).ratio()


def _words(text: str) -> tuple[str, ...]:
    if len(text) > LONGEST:
        return ()
    return tuple(word for word in _WORD.findall(text.casefold()) if word not in _SAY_NOTHING)


def _all_words(entry: Entry) -> frozenset[str]:
    return frozenset(_words(f"{entry.name} {entry.family} {entry.title} {entry.repo}"[:LONGEST]))


def _either(names: Iterable[str]) -> str:
    *first, last = list(names) or [""]
    return f"{', '.join(first)} or {last}" if first else last
