"""Models on disk, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Ability(StrEnum):
    """What a model can be asked for."""

    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDING = "embedding"
    RERANK = "rerank"


@dataclass(frozen=True, slots=True)
class Model:
    """One usable model file. `id` is the file's name without `.gguf`: the name clients use."""

    id: str
    path: str
    size: int
    architecture: str
    context_length: int
    abilities: frozenset[Ability]
    parameters: int | None = None
    quantisation: str | None = None
    bundled: bool = False


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A model file that cannot be served, and why."""

    id: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Library:
    models: tuple[Model, ...] = ()
    broken: tuple[BrokenFile, ...] = ()

    def find(self, model_id: str) -> Model | None:
        return next((m for m in self.models if m.id == model_id), None)
