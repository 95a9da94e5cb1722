"""What the header of a file says about the model in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from appliance.models.gguf_header import Header
from appliance.models.gguf_types import FILE_TYPES, GUESSED
from appliance.models.types import Ability

# Files beside a model: projectors, adapters, importance matrices and the like say what they are by `general.type`;
# older ones only by their architecture.
_COMPANIONS = frozenset({"clip", "controlvector", "imatrix"})
_ENCODERS = frozenset(
    {
        "bert",
        "eurobert",
        "gemma-embedding",
        "jina-bert-v2",
        "jina-bert-v3",
        "modern-bert",
        "neo-bert",
        "nomic-bert",
        "nomic-bert-moe",
        "t5encoder",
    }
)
_POOLING_RANK = 4
_MAX_CONTEXT = (1 << 32) - 1


class NotServable(ValueError):
    """The file is whole, but no engine could serve it; the text says why."""


@dataclass(frozen=True, slots=True)
class Profile:
    architecture: str
    context_length: int
    abilities: frozenset[Ability]
    quantisation: str | None


def is_companion(header: Header) -> bool:
    """A file that goes with a model but is none."""
    kind = header.text("general.type")
    return (kind is not None and kind != "model") or header.text("general.architecture") in _COMPANIONS


def check_weights(header: Header, *, alone: bool) -> None:
    """Raises NotServable. Of a model in several files the first may hold the metadata only."""
    if alone and not header.tensors:
        raise NotServable("it holds no weights, only a header")
    unknown = sorted({t.type_id for t in header.tensors if t.type is None})
    if unknown:
        raise NotServable(f"its weights are stored in a way that the engine does not know (type {unknown[0]})")


def make_profile(header: Header) -> Profile:
    """Raises NotServable."""
    architecture = header.text("general.architecture")
    if not architecture:
        raise NotServable("its header does not say which architecture the model has")
    context = header.number(f"{architecture}.context_length")
    if context is None or not 0 < context <= _MAX_CONTEXT:
        raise NotServable("its header does not say how long a context the model takes")
    return Profile(architecture, context, _abilities(header, architecture), _quantisation(header))


def _abilities(header: Header, architecture: str) -> frozenset[Ability]:
    pooling = header.number(f"{architecture}.pooling_type")
    if pooling == _POOLING_RANK:
        return frozenset({Ability.RERANK})
    if pooling or architecture in _ENCODERS:
        return frozenset({Ability.EMBEDDING})
    if header.text("tokenizer.chat_template"):
        return frozenset({Ability.CHAT, Ability.COMPLETION})
    return frozenset({Ability.COMPLETION})


def _quantisation(header: Header) -> str | None:
    """As the file says; else the way most of its weights are stored."""
    file_type = header.number("general.file_type")
    if file_type is not None and file_type & ~GUESSED in FILE_TYPES:
        return FILE_TYPES[file_type & ~GUESSED]
    stored: Counter[str] = Counter()
    for tensor in header.tensors:
        if tensor.type is not None:
            stored[tensor.type.name] += tensor.elements
    return max(stored, key=lambda name: (stored[name], name), default=None)
