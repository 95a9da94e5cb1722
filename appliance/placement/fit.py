"""Does a model fit a box, how long a context does it leave room for, and where would it lie?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

from appliance.models.cache import Cache, Layer
from appliance.models.gguf_header import Header
from appliance.models.profile import make_profile
from appliance.models.types import Model, Profile
from appliance.models.weights import Weights
from appliance.placement.needs import MOST_BYTES, STEP, Needs, Wish, needs, padded
from appliance.placement.packing import Layout, Place, Placed, lay_out
from appliance.placement.room import NodeResources

SHORTEST = 4096  # tokens; a conversation hardly fits less
ROUGHLY = (11, 10)  # what a model takes for each byte of its file when nothing else is known of it
ROUGH_LAYERS = 32
MOST_SIZES = 64  # kept of one model


class Code(StrEnum):
    FITS = "fits"
    FITS_SHORTER = "fits_shorter"
    PARTLY_ON_PROCESSOR = "partly_on_processor"
    ON_PROCESSOR = "on_processor"
    TOO_BIG = "too_big"
    NOT_POSSIBLE = "not_possible"  # for another reason than memory
    UNKNOWN = "unknown"


class Tone(StrEnum):
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Verdict:
    """In numbers; `words.sentence` says it. Sizes in bytes, contexts in tokens."""

    code: Code
    needed: int = 0
    room: int = 0
    context: int = 0
    full_context: int = 0
    gpu_share: float = 0.0
    about: bool = False  # worked out from the size of the file alone, or for an unusual architecture

    @property
    def tone(self) -> Tone:
        match self.code:
            case Code.FITS:
                return Tone.GOOD
            case Code.TOO_BIG | Code.NOT_POSSIBLE:
                return Tone.BAD
            case Code.UNKNOWN:
                return Tone.NEUTRAL
            case _:
                return Tone.WARN


@dataclass(frozen=True, slots=True)
class Fit:
    """`context` is what would be given: as asked, or the longest that fits when nothing was asked."""

    place: Place
    fits: bool
    context: int
    largest_context: int  # 0 when not even the shortest fits
    needs: Needs
    placed: tuple[Placed, ...]
    verdict: Verdict


class Sizes:
    """What a model takes at each length of context that was looked at, whatever room there is for it."""

    def __init__(self, profile: Profile, wish: Wish) -> None:
        self.profile, self.wish = profile, wish
        self._found: dict[int, Needs] = {}

    def at(self, context: int) -> Needs:
        if context not in self._found:
            if len(self._found) >= MOST_SIZES:
                self._found.clear()
            self._found[context] = needs(self.profile, context, self.wish.slots, self.wish.kv)
        return self._found[context]


def fit(profile: Profile, wish: Wish, node: NodeResources) -> Fit:
    """The best way on this box: on its GPUs, else partly there, else on the processor."""
    return fit_sizes(Sizes(profile, wish), node)


def fit_sizes(sizes: Sizes, node: NodeResources) -> Fit:
    """The same for a model whose sizes are kept: only the room is looked at anew."""
    *earlier, last = places(node)
    for place in earlier:
        found = fit_sizes_at(sizes, node, place)
        if found.fits:
            return found
    return fit_sizes_at(sizes, node, last)


def places(node: NodeResources) -> tuple[Place, ...]:
    if not node.gpu_room:
        return (Place.PROCESSOR,)
    return (Place.GPU,) if node.unified else (Place.GPU, Place.MIXED)


def fit_at(profile: Profile, wish: Wish, node: NodeResources, place: Place) -> Fit:
    return fit_sizes_at(Sizes(profile, wish), node, place)


def fit_sizes_at(sizes: Sizes, node: NodeResources, place: Place) -> Fit:
    profile, wish = sizes.profile, sizes.wish
    full = padded(wish.context or profile.context_length)

    @cache
    def laid_out(context: int) -> Layout:
        return lay_out(profile, replace(wish, context=context), node, place, sizes.at(context).compute)

    whole = place is Place.PROCESSOR or node.unified  # one device: what fits altogether fits

    def fits(context: int) -> bool:
        return _may_fit(sizes, context, node, place) and (whole or laid_out(context).fits)

    largest = longest(fits, full)
    wanted = full if wish.context else max(largest, min(SHORTEST, full))
    layout = laid_out(wanted)
    code = _code(place, node, layout, shorter=wanted < full)
    verdict = Verdict(
        code=code,
        needed=min(layout.total, MOST_BYTES),
        room=_room(node, place),
        context=wanted,
        full_context=full,
        gpu_share=_gpu_share(layout, node),
        about=not profile.cache.understood,
    )
    return Fit(place, layout.fits, wanted, largest, sizes.at(wanted), layout.placed, verdict)


def longest(fits: Callable[[int], bool], full: int) -> int:
    """The longest context that fits, in steps; `fits` must not become true again once it was false."""
    if fits(full):
        return full
    low, high = 0, full // STEP
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle * STEP) else (low, middle)
    return low * STEP


def profile_of(model: Model) -> Profile:
    return model.profile or rough_profile(model.size, model.context_length)


def fit_for_header(header: Header, size: int, wish: Wish, node: NodeResources) -> Fit:
    """For a model that is not here yet: the header of its first file, and the size of all its files. May raise
    NotServable."""
    return fit(completed(make_profile(header), size), wish, node)


def completed(profile: Profile, size: int) -> Profile:
    """A profile with the weights that lie in files which were not looked at, spread evenly over the layers."""
    weights, count = profile.weights, len(profile.cache.layers)
    missing = min(size, MOST_BYTES) - weights.total
    if missing <= size // 50 or not count:  # a header and padding are no weights
        return profile
    have = weights.layers[:count] + (0,) * (count - len(weights.layers))
    even, odd = divmod(missing, count)
    layers = (*(size + even for size in have[:-1]), have[-1] + even + odd)
    return replace(profile, weights=replace(weights, layers=layers + weights.layers[count:]))


def fit_for_size(size: int, node: NodeResources) -> Fit:
    """When nothing but the size of a file is known; every word about it says so."""
    return fit(rough_profile(size, SHORTEST), Wish(), node)


def rough_profile(size: int, context: int) -> Profile:
    """A model of which only the size is known: what it takes beyond its weights is a share of them."""
    each = min(max(size, 0), MOST_BYTES) * ROUGHLY[0] // ROUGHLY[1] // ROUGH_LAYERS
    cache = Cache((Layer(),) * ROUGH_LAYERS, understood=False)
    return Profile("", context, frozenset(), weights=Weights((each,) * ROUGH_LAYERS), cache=cache)


def _may_fit(sizes: Sizes, context: int, node: NodeResources, place: Place) -> bool:
    """A quick look: False when all together is too much, whatever lies where."""
    weights = sizes.profile.weights
    looked_up = 0 if node.unified or place is not Place.GPU else weights.embedding + weights.tables
    return sizes.at(context).total - looked_up <= _room(node, place)


def _code(place: Place, node: NodeResources, layout: Layout, *, shorter: bool) -> Code:
    if not layout.fits:
        return Code.TOO_BIG
    if place is Place.MIXED:
        return Code.PARTLY_ON_PROCESSOR if _gpu_share(layout, node) else Code.ON_PROCESSOR
    if place is Place.PROCESSOR and node.gpu_room:
        return Code.ON_PROCESSOR
    return Code.FITS_SHORTER if shorter else Code.FITS


def _gpu_share(layout: Layout, node: NodeResources) -> float:
    total = sum(p.size for p in layout.placed)
    on_gpu = sum(p.size for p in layout.placed if p.device in node.gpus)
    return on_gpu / total if total else 0.0


def _room(node: NodeResources, place: Place) -> int:
    match place:
        case Place.GPU:
            return node.gpu_room
        case Place.MIXED:
            return node.gpu_room + node.memory.room
        case Place.PROCESSOR:
            return node.memory.room
