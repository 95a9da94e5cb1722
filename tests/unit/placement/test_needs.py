"""Bytes that a model takes. The engine's own figures are compared in tests/live/test_fit.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.placement.needs import (
    MOST_BYTES,
    KvType,
    layer_caches,
    loaded_weights,
    needs,
    needs_ahead,
    padded,
    window_cells,
)
from appliance.placement.room import MIB
from tests.blueprints import PUBLISHED
from tests.unit.placement.values import published


@pytest.mark.parametrize(
    ("name", "context", "slots", "kv", "mib"),
    [
        ("Llama-3.1-8B", 4096, 4, KvType.F16, 512.0),  # 8 of 32 heads keep: grouped queries
        ("Llama-2-7B", 4096, 4, KvType.F16, 2048.0),
        ("Llama-3.1-8B", 32768, 4, KvType.Q8_0, 2176.0),
        ("Llama-3.1-8B", 4096, 4, KvType.Q4_0, 144.0),
        ("DeepSeek-V3", 32768, 4, KvType.F16, 2196.0),  # one short row for all heads
        ("Gemma-3-12B", 131072, 1, KvType.F16, 8672.0),  # five of six layers keep a window
        ("gpt-oss-20b", 4096, 4, KvType.F16, 120.0),
        ("Qwen3-Next-80B", 4096, 4, KvType.F16, 397.5),  # one of four layers attends, three keep a state
        ("GLM-4.5-Air", 4096, 4, KvType.F16, 736.0),  # its last layer only predicts ahead
    ],
)
def test_caches_take_what_the_engine_reports(name: str, context: int, slots: int, kv: KvType, mib: float) -> None:
    """To the byte, for every kind of cache."""
    assert needs(published(name), context, slots, kv).kv == mib * MIB


def test_a_state_grows_with_the_slots_alone() -> None:
    """A model without attention takes the same for a short and a long context."""
    model = published("Mamba-2.8B")
    assert needs(model, 256, 4).kv == needs(model, 131072, 4).kv == 4 * needs(model, 256, 1).kv


@pytest.mark.parametrize(
    ("window", "context", "slots", "cells"), [(1024, 131072, 4, 4608), (128, 131072, 1, 768), (1024, 1000, 4, 1024)]
)
def test_a_window_keeps_no_more_than_the_context(window: int, context: int, slots: int, cells: int) -> None:
    """The windows of all slots and one batch, rounded up; a short context takes less."""
    assert window_cells(window, context, slots) == cells


def test_layers_that_predict_ahead_are_not_loaded() -> None:
    """They lie in the file all the same."""
    model = published("GLM-4.5-Air")
    ahead = model.weights.layers[46] + model.weights.experts[46]
    assert (len(model.cache.layers), len(model.weights.layers)) == (46, 47)
    assert loaded_weights(model) == model.weights.total - ahead


def test_layers_that_predict_ahead_take_their_weights_and_a_context_when_they_are_used() -> None:
    """As much of a context as a layer before them keeps."""
    model = published("GLM-4.5-Air")
    extra = needs_ahead(model, 4096, 4, drafted=3)
    assert extra.weights == model.weights.layers[46] + model.weights.experts[46]
    assert extra.kv == needs(model, 4096, 4).kv // 46


def test_a_state_is_kept_once_more_for_each_token_that_may_be_taken_back() -> None:
    """Of models with layers that have a state."""
    model = published("Qwen3-Next-80B")
    states = sum(layer.state for layer in model.cache.layers) * 4
    less, more = (needs_ahead(model, 4096, 4, drafted=count).kv for count in (0, 3))
    assert more - less == states * 4 * 3


@pytest.mark.parametrize(("context", "rounded"), [(1, 256), (256, 256), (257, 512), (131072, 131072)])
def test_contexts_are_rounded_up_as_the_engine_does(context: int, rounded: int) -> None:
    """In steps of 256."""
    assert padded(context) == rounded


def test_absurd_sizes_stay_within_what_json_can_say() -> None:
    """Whatever a header claims."""
    model = published("Llama-2-7B")
    wide = tuple(replace(layer, keys=1 << 40, values=1 << 40) for layer in model.cache.layers)
    found = needs(replace(model, cache=replace(model.cache, layers=wide)), (1 << 32) - 1, 64)
    assert found.kv == found.total == MOST_BYTES


@settings(max_examples=60)
@given(
    name=st.sampled_from(sorted(PUBLISHED)),
    context=st.integers(1, 300_000),
    more=st.integers(0, 300_000),
    slots=st.integers(1, 64),
    further=st.integers(0, 64),
    kv=st.sampled_from(KvType),
)
def test_more_context_and_more_slots_never_take_less(
    name: str, context: int, more: int, slots: int, further: int, kv: KvType
) -> None:
    """Cache and room to compute in only grow."""
    model = published(name)
    small, large = needs(model, context, slots, kv), needs(model, context + more, slots + further, kv)
    assert small.kv <= large.kv
    assert small.compute <= large.compute
    assert all(a <= b for a, b in zip(_layers(name, context, slots), _layers(name, context + more, slots), strict=True))


def _layers(name: str, context: int, slots: int) -> list[int]:
    return layer_caches(published(name).cache, context, slots, KvType.F16)
