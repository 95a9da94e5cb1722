"""How many bytes a model takes once it is loaded: weights, cache, and room to compute in.

The cache follows the engine's constructors to the byte. The room to compute in is what its allocator arrives at for
the widest part of a layer; the formulas reproduce its own report for published models (`tests/live/test_fit.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from appliance.models.cache import Cache, Layer
from appliance.models.types import Profile
from appliance.models.weights import Weights

BATCH = 512  # tokens that the engine computes at once
STEP = 256  # the engine rounds contexts and windows up to this
F32 = 4
MOST_BYTES = (1 << 62) - 1  # beyond any machine, and any JSON reader still takes it


class KvType(Enum):
    """How keys and values are stored: so many elements in so many bytes."""

    F16 = ("f16", 1, 2)
    Q8_0 = ("q8_0", 32, 34)
    Q4_0 = ("q4_0", 32, 18)

    def __init__(self, label: str, block: int, size: int) -> None:
        self.label, self.block, self.size = label, block, size

    @classmethod
    def named(cls, label: str) -> KvType:
        return next(kind for kind in cls if kind.label == label)

    def bytes(self, elements: int) -> int:
        return elements * self.size // self.block


@dataclass(frozen=True, slots=True)
class Wish:
    """How a model is to be run. A context of 0 means the one it was trained on, as far as memory allows."""

    context: int = 0
    slots: int = 4
    kv: KvType = KvType.F16


@dataclass(frozen=True, slots=True)
class Needs:
    weights: int
    kv: int
    compute: int

    @property
    def total(self) -> int:
        return min(self.weights + self.kv + self.compute, MOST_BYTES)


def needs(profile: Profile, context: int, slots: int, kv: KvType = KvType.F16) -> Needs:
    """Everything on one device."""
    return Needs(
        weights=min(loaded_weights(profile), MOST_BYTES),
        kv=min(sum(layer_caches(profile.cache, context, slots, kv)), MOST_BYTES),
        compute=min(compute_bytes(profile, context, slots, kv), MOST_BYTES),
    )


def needs_ahead(profile: Profile, context: int, slots: int, drafted: int) -> Needs:
    """What the layers that only predict ahead take when they are used: they keep a context like the layers before
    them, and a model with a state keeps one more of it for each token it may have to take back."""
    layers, count = profile.cache.layers, len(profile.cache.layers)
    weights = Weights(profile.weights.layers[count:], profile.weights.experts[count:])
    widest = max(layers, key=lambda layer: layer.keys + layer.values, default=Layer())
    tail = replace(profile.cache, layers=(replace(widest, state=0),) * len(weights.layers), recurrence=None)
    states = sum(layer.state for layer in layers) * F32 * slots * drafted
    own = needs(replace(profile, weights=weights, cache=tail), context, slots)
    return replace(own, kv=min(own.kv + states, MOST_BYTES))


def padded(tokens: int) -> int:
    return -(-tokens // STEP) * STEP


def loaded_weights(profile: Profile) -> int:
    """Layers that only predict ahead are left in the file."""
    weights, count = profile.weights, len(profile.cache.layers)
    idle = sum(weights.layers[count:]) + sum(weights.experts[count:])
    return weights.total - (idle if count else 0)


def window_cells(window: int, context: int, slots: int) -> int:
    return padded(min(padded(context), window * slots + min(BATCH, context)))


def layer_caches(cache: Cache, context: int, slots: int, kv: KvType) -> list[int]:
    """Bytes that each layer keeps."""
    kinds = {id(layer): layer for layer in cache.layers}  # most layers are one and the same value
    sizes = {key: _layer_cache(layer, context, slots, kv) for key, layer in kinds.items()}
    return [sizes[id(layer)] for layer in cache.layers]


def _layer_cache(layer: Layer, context: int, slots: int, kv: KvType) -> int:
    cells = window_cells(layer.window, context, slots) if layer.window else padded(context)
    return cells * (kv.bytes(layer.keys) + kv.bytes(layer.values)) + layer.state * F32 * slots


def compute_bytes(profile: Profile, context: int, slots: int, kv: KvType = KvType.F16) -> int:
    tokens = min(BATCH, context)
    widest = max(_feed_forward(profile, kv), _attention(profile))
    room = max(widest * tokens, _recurrent(profile, tokens, slots), _answers(profile, slots))
    return room * F32 + _masks(profile.cache, context, slots, tokens)


def _masks(cache: Cache, context: int, slots: int, tokens: int) -> int:
    """Which token sees which, as f16; windowed layers have a mask of their own."""
    windows = {layer.window for layer in cache.layers if layer.keys}
    cells = padded(context) if 0 in windows else 0
    cells += max((window_cells(window, context, slots) for window in windows if window), default=0)
    return cells * tokens * 2


def _feed_forward(profile: Profile, kv: KvType) -> int:
    """Elements for each token while a layer's network is computed, with the rows that are alive beside it."""
    weights, width, heads = profile.weights, profile.width, profile.cache.head_width
    inner = weights.inner or (0 if profile.experts else profile.feed_forward)
    dense, routed = inner * (3 if weights.gated else 1), _routed(profile)
    if heads == 0 or profile.cache.is_short:
        return max(dense, routed) + 3 * width
    # the allocator puts rows where wide heads have been, and where there is room beside a narrow network
    reused = heads >= (3 if routed > dense else 2) * width or (kv is not KvType.F16 and heads == width)
    narrow = dense >= routed and inner <= 2 * width
    return max(dense, routed) + heads + (2 if reused or narrow else 3) * width


def _routed(profile: Profile) -> int:
    """The same for experts: a row for each that is used, inside and then outside."""
    if profile.experts is None or not profile.weights.expert_inner:
        return 0
    inside = profile.experts.used * profile.weights.expert_inner
    outside = profile.experts.used * profile.width
    if inside <= profile.width:  # so narrow that it all goes where the layer has used room before
        return max(outside, 3 * inside)
    return 3 * inside + (outside if outside > 2 * inside else 0)


def _attention(profile: Profile) -> int:
    cache, width = profile.cache, profile.width
    if (latent := cache.latent) is not None:
        return latent.heads * (2 * latent.rank + latent.plain + 2 * latent.rope + latent.value) + 4 * width
    return 3 * cache.head_width + max((layer.keys for layer in cache.layers), default=0) + width


def _recurrent(profile: Profile, tokens: int, slots: int) -> int:
    """Elements for all tokens while a layer goes through its state."""
    found = profile.cache.recurrence
    if found is None:
        return 0
    state = max(layer.state for layer in profile.cache.layers)
    row = found.projection + 2 * found.convolution + profile.width
    if found.delta:
        return row * tokens + (2 * state - found.taps) * slots
    attends = any(layer.keys for layer in profile.cache.layers)
    row += 2 * found.inner + (profile.width if attends else 0)
    return row * tokens + (state + found.taps) * slots


def _answers(profile: Profile, slots: int) -> int:
    return (profile.vocabulary + profile.width) * slots
