"""What the header of a file says about the model in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from appliance.models.architectures import ENCODERS
from appliance.models.cache import read_cache
from appliance.models.capabilities import claims_of
from appliance.models.facts import MOST_EXPERTS, MOST_LAYERS, MOST_TOKENS, Facts
from appliance.models.gguf_header import Array, Header
from appliance.models.gguf_types import FILE_TYPES, GUESSED
from appliance.models.types import Ability, Experts, Profile, RopeScaling, SpecialTokens
from appliance.models.weights import Weights, weigh

# Files beside a model: projectors, adapters, importance matrices and the like say what they are by `general.type`;
# older ones only by their architecture.
_COMPANIONS = frozenset({"clip", "controlvector", "imatrix"})
_EYES = ("v.", "mm.")  # names of weights that stand in projectors, never in models for words
_POOLING_RANK = 4
_LONGEST_WORD = 64  # names of tokenizers and the like, as they are shown


class NotServable(ValueError):
    """The file is whole, but no engine could serve it; the text says why."""


def is_companion(header: Header) -> bool:
    """A file that goes with a model but is none."""
    kind = header.text("general.type")
    return (kind is not None and kind != "model") or header.text("general.architecture") in _COMPANIONS


def check_weights(header: Header, *, alone: bool) -> None:
    """Raises NotServable. Of a model in several files the first may hold the metadata only."""
    if alone and not header.tensors:
        raise NotServable("it holds no weights, only a header")
    if any(tensor.name.startswith(_EYES) for tensor in header.tensors):
        raise NotServable(
            "it holds words and pictures in one file, as Ollama makes them, which the engine does not read. Get the "
            "same model from the hub: there the part for pictures is a file of its own (mmproj)"
        )
    unknown = sorted({t.type_id for t in header.tensors if t.type is None})
    if unknown:
        raise NotServable(f"its weights are stored in a way that the engine does not know (type {unknown[0]})")


def make_profile(header: Header) -> Profile:
    """Raises NotServable. Of a model in several files this takes the header of the first."""
    architecture = header.text("general.architecture")
    if not architecture:
        raise NotServable("its header does not say which architecture the model has")
    facts = Facts(header, architecture)
    context = facts.number("context_length", MOST_TOKENS)
    if not context:
        raise NotServable("its header does not say how long a context the model takes")
    weights, abilities = weigh(header), _abilities(header, architecture)
    return Profile(
        architecture=architecture,
        context_length=context,
        abilities=abilities,
        quantisation=_quantisation(header),
        parameters=header.parameters,
        vocabulary=_vocabulary(header, facts),
        width=facts.number("embedding_length"),
        feed_forward=max(facts.each("feed_forward_length", MOST_LAYERS) or (0,)),
        weights=weights,
        cache=read_cache(facts, architecture, len(weights.layers)),
        experts=_experts(facts),
        rope=_rope(facts),
        tokenizer=_word(header, "tokenizer.ggml.model"),
        pre_tokenizer=_word(header, "tokenizer.ggml.pre"),
        special=_special(header),
        chat_template=bool(header.text("tokenizer.chat_template")),
        claims=claims_of(header, architecture, abilities),
    )


def with_parts(profile: Profile, parts: Iterable[tuple[Weights, int]]) -> Profile:
    """The profile of a whole model, from the weights and parameters of all its files."""
    weights, parameters = Weights(), 0
    for part, count in parts:
        weights, parameters = weights + part, parameters + count
    return replace(profile, weights=weights, parameters=parameters)


def _abilities(header: Header, architecture: str) -> frozenset[Ability]:
    pooling = header.number(f"{architecture}.pooling_type")
    if pooling == _POOLING_RANK:
        return frozenset({Ability.RERANK})
    if pooling or architecture in ENCODERS:
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


def _vocabulary(header: Header, facts: Facts) -> int:
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    return min(tokens.count, MOST_TOKENS) if isinstance(tokens, Array) else facts.number("vocab_size", MOST_TOKENS)


def _experts(facts: Facts) -> Experts | None:
    count = facts.number("expert_count", MOST_EXPERTS)
    used = max(facts.each("expert_used_count", MOST_LAYERS, MOST_EXPERTS) or (0,))
    return Experts(count, min(max(used, 1), count)) if count else None


def _rope(facts: Facts) -> RopeScaling | None:
    kind, factor = facts.text("rope.scaling.type"), facts.fraction("rope.scaling.factor")
    if not kind or kind == "none" or not factor:
        return None
    return RopeScaling(kind[:_LONGEST_WORD], factor, facts.number("rope.scaling.original_context_length", MOST_TOKENS))


def _special(header: Header) -> SpecialTokens:
    adds = {key: header.metadata.get(f"tokenizer.ggml.add_{key}_token") for key in ("bos", "eos")}
    begins, ends = (value if isinstance(value, bool) else None for value in adds.values())
    number = header.number
    return SpecialTokens(number("tokenizer.ggml.bos_token_id"), number("tokenizer.ggml.eos_token_id"), begins, ends)


def _word(header: Header, key: str) -> str | None:
    text = header.text(key)
    return text[:_LONGEST_WORD] if text else None
