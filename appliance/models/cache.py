"""What each layer of a model keeps between tokens: keys and values, or a state of fixed size.

Follows the engine: `llama_hparams`, `create_memory` and the constructors of its caches.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.models import architectures as known
from appliance.models.facts import MOST_LAYERS, MOST_TOKENS, Facts
from appliance.models.recurrence import Recurrence, inner_sizes, read_recurrence, recurrent_layers, state_size


@dataclass(frozen=True, slots=True)
class Layer:
    """`keys` and `values` are elements for each token, `state` elements for each sequence."""

    keys: int = 0
    values: int = 0
    window: int = 0  # how many of the latest tokens are kept; 0: all of them
    state: int = 0


@dataclass(frozen=True, slots=True)
class Latent:
    """Keys and values kept as one short row and spread out to all heads when used (MLA)."""

    heads: int
    rank: int
    rope: int
    plain: int  # elements of a head's key that carry no position
    value: int


@dataclass(frozen=True, slots=True)
class Cache:
    layers: tuple[Layer, ...] = ()
    head_width: int = 0  # elements of all heads of a layer together
    latent: Latent | None = None
    recurrence: Recurrence | None = None
    understood: bool = True  # False: this architecture keeps something else, and these numbers are a guess

    @property
    def is_short(self) -> bool:
        """Layers without attention only look at the last few tokens (short convolutions)."""
        return self.recurrence is None and any(layer.state for layer in self.layers)


def read_cache(facts: Facts, architecture: str, seen_layers: int) -> Cache:
    """`seen_layers` is how many layers have weights, for a header that does not say."""
    everything = facts.number("block_count", MOST_LAYERS) or min(seen_layers, MOST_LAYERS)
    heads = _heads(facts, max(0, everything - facts.number("nextn_predict_layers", MOST_LAYERS)))
    if architecture in known.WITHOUT_CACHE:
        return Cache((Layer(),) * heads.count, heads.width)
    recurrent = recurrent_layers(facts, architecture, heads.keeping)
    keeps = _keeps(facts, architecture, recurrent, everything)
    windows = _windows(facts, architecture, recurrent)
    state = state_size(facts, architecture, heads.asking[0] if heads.asking else 0, heads.key)
    each = (
        Layer(
            *(heads.kept(i, windowed=windows[i] > 0) if keeps[i] else (0, 0)),
            window=windows[i] if keeps[i] else 0,
            state=state if recurrent[i] else 0,
        )
        for i in range(heads.count)
    )
    kinds: dict[Layer, Layer] = {}
    layers = tuple(kinds.setdefault(layer, layer) for layer in each)  # one value for all that are alike
    recurrence = read_recurrence(facts, architecture) if any(recurrent) else None
    latent = _latent(facts, heads) if heads.is_latent else None
    width = latent.heads * latent.value if latent else max(heads.width, recurrence.inner if recurrence else 0)
    return Cache(layers, width, latent, recurrence, architecture not in known.UNUSUAL_CACHES)


@dataclass(frozen=True, slots=True)
class _Heads:
    asking: tuple[int, ...]  # of each layer
    keeping: tuple[int, ...]  # those with keys and values, of each layer
    key: int
    value: int
    windowed_key: int
    windowed_value: int
    is_latent: bool
    indexer: int

    @property
    def count(self) -> int:
        return len(self.asking)

    @property
    def width(self) -> int:
        return max(self.asking, default=0) * self.key

    def kept(self, layer: int, *, windowed: bool) -> tuple[int, int]:
        heads = self.keeping[layer]
        keys = heads * (self.windowed_key if windowed else self.key) + self.indexer
        return keys, 0 if self.is_latent else heads * (self.windowed_value if windowed else self.value)


def _heads(facts: Facts, count: int) -> _Heads:
    asking = facts.each("attention.head_count", count) or (0,) * count
    keeping = facts.each("attention.head_count_kv", count)
    first = asking[0] if asking else 0
    plain = facts.number("embedding_length") // first if first else 0
    key = _or_else(facts, "attention.key_length", plain) if first else 0
    value = _or_else(facts, "attention.value_length", plain) if first else 0
    return _Heads(
        asking=asking,
        keeping=asking if keeping is None else keeping,
        key=key,
        value=value,
        windowed_key=_or_else(facts, "attention.key_length_swa", key),
        windowed_value=_or_else(facts, "attention.value_length_swa", value),
        is_latent=bool(facts.number("attention.key_length_mla") and facts.number("attention.value_length_mla")),
        indexer=facts.number("attention.indexer.key_length") if facts.architecture in known.INDEXED else 0,
    )


def _or_else(facts: Facts, name: str, otherwise: int) -> int:
    return facts.number(name) if facts.has(name) else otherwise


def _latent(facts: Facts, heads: _Heads) -> Latent:
    rope = facts.number("rope.dimension_count")
    return Latent(
        heads=max(heads.asking, default=0),
        rank=facts.number("attention.kv_lora_rank"),
        rope=rope,
        plain=max(0, facts.number("attention.key_length_mla") - rope),
        value=facts.number("attention.value_length_mla"),
    )


def _keeps(facts: Facts, architecture: str, recurrent: tuple[bool, ...], everything: int) -> tuple[bool, ...]:
    """Which layers have keys and values of their own."""
    if architecture in known.BOTH_IN_EACH_LAYER:
        return (True,) * len(recurrent)
    own = known.OWN_CACHES.get(architecture, everything - facts.number("attention.shared_kv_layers", MOST_LAYERS))
    busy: tuple[int, ...] = (0,) * len(recurrent)
    if architecture in known.HYBRID_WITHOUT_FEED_FORWARD:
        busy = inner_sizes(facts, len(recurrent))
    return tuple(not recurrent[i] and not busy[i] and i < own for i in range(len(recurrent)))


def _windows(facts: Facts, architecture: str, recurrent: tuple[bool, ...]) -> tuple[int, ...]:
    count, rule = len(recurrent), known.WINDOWS.get(architecture)
    if rule is None or count not in known.WINDOWED_SIZES.get(architecture, {count}):
        return (0,) * count
    said = facts.has("attention.sliding_window")
    size = facts.number("attention.sliding_window", MOST_TOKENS) if said else rule.default
    if size and architecture in known.FIXED_WINDOWS:
        size = rule.default
    listed = facts.listed("attention.sliding_window_pattern", count)
    if listed is not None:
        return tuple(size if windowed else 0 for windowed in listed)
    period = facts.number("attention.sliding_window_pattern") or rule.period
    dense = 0 if rule.dense_first else period - 1
    return tuple(0 if recurrent[i] or (period and i % period == dense) else size for i in range(count))
