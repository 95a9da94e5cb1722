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
    """One usable model. `id` is its file's name without `.gguf` and shard number: the name clients use."""

    id: str
    path: str  # of the first file when there are several
    size: int  # bytes, of all its files
    architecture: str
    context_length: int
    abilities: frozenset[Ability]
    parameters: int | None = None
    quantisation: str | None = None
    bundled: bool = False


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A model file (or a folder of them) that cannot be served, and why, as a whole sentence."""

    id: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Library:
    models: tuple[Model, ...] = ()
    broken: tuple[BrokenFile, ...] = ()
    unreadable: str | None = None  # why the models folder as a whole cannot be read

    def find(self, model_id: str) -> Model | None:
        return next((m for m in self.models if m.id == model_id), None)
