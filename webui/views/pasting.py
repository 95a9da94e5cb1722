"""Texts to be pasted into shells and configuration files, safe whatever a model or a box is called.

Every text is built from whole values by the writer of its language, never by putting a value between quotes.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from webui.views.connect import ANY_KEY, OWN_KEY, Address

WIDTH = 90  # of a command line that is not broken


@dataclass(frozen=True, slots=True)
class Target:
    """What the texts are made for."""

    address: Address
    model: str
    context: int | None = None
    needs_key: bool = False

    @property
    def key(self) -> str:
        return OWN_KEY if self.needs_key else ANY_KEY


@dataclass(frozen=True, slots=True)
class Step:
    words: str
    text: str


@dataclass(frozen=True, slots=True)
class Recipe:
    id: str
    name: str
    uses: str  # path of the API
    about: str
    steps: tuple[Step, ...]
    check: Step
    notes: tuple[str, ...] = ()


def shell(*words: str, variables: Mapping[str, str] | None = None) -> str:
    """A command line with variables before it, one on each line."""
    heads = [f"{name}={shlex.quote(value)}" for name, value in (variables or {}).items()]
    return " \\\n".join([*heads, _command(words)])


def _command(words: tuple[str, ...]) -> str:
    """In one line if it is short, else with each option on a line of its own."""
    whole = shlex.join(words)
    if len(whole) <= WIDTH:
        return whole
    quoted = [shlex.quote(word) for word in words]
    return "".join(f" \\\n  {word}" if word.startswith("-") else f" {word}" for word in quoted).strip()


def toml(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def json_text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def json_line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
