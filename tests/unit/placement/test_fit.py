"""Does it fit, and for how long a context?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.models.gguf_header import read_header
from appliance.models.types import Profile
from appliance.models.weights import Weights
from appliance.placement.fit import (
    Code,
    Fit,
    Tone,
    completed,
    fit,
    fit_at,
    fit_for_header,
    fit_for_size,
    longest,
    places,
)
from appliance.placement.needs import STEP, KvType, Wish
from appliance.placement.packing import Place, lay_out
from appliance.placement.room import GIB, PROCESSOR, Device, NodeResources
from tests.blueprints import PUBLISHED, header_bytes
from tests.unit.placement.values import box, gpu, published

LLAMA = published("Llama-3.1-8B")  # 8 GiB of weights, 16 GiB of cache at its full context
SMALL = published("Llama-3.2-1B")


def resources(on_gpu: int, in_memory: int) -> NodeResources:
    """With exactly so many bytes of room."""
    gpus = (Device("pci:0", "Card", on_gpu),) if on_gpu else ()
    return NodeResources("box", "Box", gpus, Device(PROCESSOR, "memory", in_memory))


def test_a_model_with_room_to_spare_fits_whole() -> None:
    """With the context it was trained on, on the GPU."""
    found = fit(SMALL, Wish(), box(gpu(total=24)))
    assert (found.place, found.fits, found.context, found.largest_context) == (Place.GPU, True, 131072, 131072)
    assert (found.verdict.code, found.verdict.tone) == (Code.FITS, Tone.GOOD)


def test_less_room_gives_a_shorter_context() -> None:
    """The longest that fits, when none was asked for."""
    found = fit(LLAMA, Wish(), box(gpu(total=16)))
    assert (found.place, found.verdict.code, found.verdict.tone) == (Place.GPU, Code.FITS_SHORTER, Tone.WARN)
    assert 4096 <= found.context == found.largest_context < 131072
    assert found.context % STEP == 0


def test_a_context_that_was_asked_for_is_not_shortened() -> None:
    """It does not fit then; how long a context would is told."""
    found = fit_at(LLAMA, Wish(131072), box(gpu(total=16)), Place.GPU)
    assert (found.fits, found.context, found.verdict.code) == (False, 131072, Code.TOO_BIG)
    assert 0 < found.largest_context < 131072


def test_what_a_gpu_cannot_hold_goes_to_the_processor() -> None:
    """And the verdict says how much does not."""
    found = fit(LLAMA, Wish(), box(gpu(total=8)))
    assert (found.place, found.fits, found.verdict.code) == (Place.MIXED, True, Code.PARTLY_ON_PROCESSOR)
    assert 0.2 < found.verdict.gpu_share < 0.4


def test_memory_of_the_machine_is_never_counted_as_that_of_a_gpu() -> None:
    """A terabyte beside a small card does not make a model fit on the card."""
    assert (
        fit(published("Llama-3.3-70B"), Wish(4096), box(gpu(total=24), total=1024, available=1000)).place is Place.MIXED
    )


def test_without_a_gpu_the_machine_is_all_there_is() -> None:
    """That is no reason to warn."""
    found = fit(SMALL, Wish(8192), box())
    assert (found.place, found.verdict.code) == (Place.PROCESSOR, Code.FITS)


def test_a_gpu_too_small_for_anything_leaves_the_processor() -> None:
    """Not a single layer fits beside the room to compute in."""
    found = fit(LLAMA, Wish(4096), resources(100 << 20, 60 * GIB))
    assert (found.place, found.verdict.code) == (Place.MIXED, Code.ON_PROCESSOR)


def test_too_big_says_what_it_needs_and_what_there_is() -> None:
    """At a context that is still of use."""
    found = fit(published("DeepSeek-V3"), Wish(), box(gpu(total=24)))
    assert (found.fits, found.verdict.code, found.verdict.tone) == (False, Code.TOO_BIG, Tone.BAD)
    assert found.verdict.needed > 600 * GIB
    assert found.verdict.room == (23 + 58) * GIB
    assert found.verdict.context == 4096


def test_unified_memory_is_used_once() -> None:
    """What does not fit there has nowhere else to go."""
    node = box(gpu(total=None, unified=True), total=16, available=12)
    assert places(node) == (Place.GPU,)
    found = fit(LLAMA, Wish(), node)
    assert (found.place, found.verdict.code) == (Place.GPU, Code.FITS_SHORTER)
    assert not fit(published("Qwen3-32B"), Wish(), node).fits


def test_experts_go_to_the_processor_before_the_rest_does() -> None:
    """All layers attend on the GPU: little of the experts is read for a token."""
    model = published("Qwen3-30B-A3B")
    layout = lay_out(model, Wish(32768), box(gpu(total=12)), Place.MIXED)
    on_gpu = next(placed for placed in layout.placed if placed.device.id == "pci:0")
    assert layout.fits
    assert on_gpu.read > sum(model.weights.layers)


def test_layers_are_spread_over_gpus_in_order() -> None:
    """Each also has room to compute in; together they hold what none could alone."""
    node = box(gpu(0, total=8), gpu(1, total=8))
    found = fit(LLAMA, Wish(8192), node)
    assert (found.place, found.fits) == (Place.GPU, True)
    assert [placed.device.id for placed in found.placed] == ["pci:0", "pci:1", PROCESSOR]
    assert not fit_at(LLAMA, Wish(8192), box(gpu(total=8)), Place.GPU).fits


def test_a_model_without_an_output_of_its_own_copies_its_embedding() -> None:
    """It is looked up in the machine's memory and multiplied on the GPU."""
    tied = published("Qwen3-4B")
    layout = lay_out(tied, Wish(4096), box(gpu()), Place.GPU)
    assert {p.device.id: p.size for p in layout.placed}[PROCESSOR] == tied.weights.embedding
    assert layout.total > fit_at(tied, Wish(4096), box(), Place.PROCESSOR).needs.total


def test_a_file_of_which_only_the_size_is_known_gets_a_rough_verdict() -> None:
    """Every case, and always marked as rough."""
    node = box(gpu(total=24), total=64, available=60)
    codes = {size: fit_for_size(size * GIB, node).verdict.code for size in (5, 40, 400)}
    assert codes == {5: Code.FITS, 40: Code.PARTLY_ON_PROCESSOR, 400: Code.TOO_BIG}
    assert fit_for_size(5 * GIB, node).verdict.about
    assert fit_for_size(0, node).fits


def test_a_header_alone_gives_a_verdict() -> None:
    """Before a byte of the weights is fetched."""
    header = read_header(header_bytes(PUBLISHED["Llama-3.1-8B"]))
    found = fit_for_header(header, LLAMA.weights.total + 100_000, Wish(), box(gpu(total=24)))
    assert found == fit(LLAMA, Wish(), box(gpu(total=24)))


def test_weights_in_further_files_are_spread_over_the_layers() -> None:
    """The first of several files may hold no more than the header."""
    nothing = replace(LLAMA, weights=Weights())
    assert completed(nothing, LLAMA.weights.total).weights.total == LLAMA.weights.total
    half = replace(LLAMA, weights=replace(LLAMA.weights, layers=LLAMA.weights.layers[:16]))
    assert completed(half, LLAMA.weights.total).weights.total == LLAMA.weights.total


def test_an_unusual_architecture_gets_a_rough_verdict() -> None:
    """What its cache takes is a guess, and the verdict says so."""
    guessed = replace(SMALL, cache=replace(SMALL.cache, understood=False))
    assert fit(guessed, Wish(), box(gpu())).verdict.about


PROFILES = st.sampled_from(sorted(PUBLISHED)).map(published)
ROOMS = st.builds(
    resources, on_gpu=st.sampled_from([0]) | st.integers(0, 80 * GIB), in_memory=st.integers(0, 800 * GIB)
)
WISHES = st.builds(
    Wish, context=st.sampled_from([0]) | st.integers(1, 200_000), slots=st.integers(1, 32), kv=st.sampled_from(KvType)
)


@settings(max_examples=80, deadline=None)
@given(model=PROFILES, node=ROOMS, wish=WISHES)
def test_the_longest_context_fits_and_the_next_does_not(model: Profile, node: NodeResources, wish: Wish) -> None:
    """In every place."""
    for place in places(node):
        found = fit_at(model, wish, node, place)
        full = found.verdict.full_context
        if found.largest_context:
            assert lay_out(model, replace(wish, context=found.largest_context), node, place).fits
        if found.largest_context < full:
            assert not lay_out(model, replace(wish, context=found.largest_context + STEP), node, place).fits


@settings(max_examples=80, deadline=None)
@given(
    model=PROFILES,
    node=ROOMS,
    wish=WISHES,
    more_gpu=st.integers(0, 40 * GIB),
    more_memory=st.integers(0, 400 * GIB),
    fewer_slots=st.integers(1, 32),
)
def test_more_room_never_makes_it_worse(
    model: Profile, node: NodeResources, wish: Wish, more_gpu: int, more_memory: int, fewer_slots: int
) -> None:
    """Nor do fewer slots."""
    roomier = resources(node.gpu_room + more_gpu if node.gpu_room else 0, node.memory.room + more_memory)
    lighter = replace(wish, slots=min(wish.slots, fewer_slots))
    for place in places(node):
        before, after = fit_at(model, wish, node, place), fit_at(model, lighter, roomier, place)
        assert before.largest_context <= after.largest_context
        assert not before.fits or after.fits


@given(st.integers(0, 4000), st.integers(1, 3000))
def test_the_search_finds_the_edge(edge: int, steps: int) -> None:
    """Wherever it is."""
    full = steps * STEP
    assert longest(lambda context: context <= edge * STEP, full) == min(edge * STEP, full)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 64), ROOMS)
def test_any_size_gets_a_verdict(size: int, node: NodeResources) -> None:
    """Sizes come from elsewhere and may be anything."""
    found: Fit = fit_for_size(size, node)
    assert found.verdict.code in Code


@pytest.mark.parametrize("size", [-5, 0])
def test_no_size_is_no_trouble(size: int) -> None:
    """A listing may lack it."""
    assert fit_for_size(size, box()).fits
