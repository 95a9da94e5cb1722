"""What each layer keeps between tokens."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.models.cache import Cache, Latent, Layer, read_cache
from appliance.models.facts import Facts
from appliance.models.gguf_header import read_header
from appliance.models.profile import make_profile
from appliance.models.recurrence import Recurrence
from tests.blueprints import PUBLISHED, header_bytes
from tests.unit.models.gguf_files import gguf_bytes

HEADS = {"embedding_length": 64, "attention.head_count": 4, "attention.head_count_kv": 2}  # 16 elements each


def cache(architecture: str, layers: int = 4, **entries: Any) -> Cache:
    named = {name.replace("__", "."): value for name, value in entries.items()}
    metadata = {f"{architecture}.{name}": value for name, value in {**HEADS, "block_count": layers, **named}.items()}
    return read_cache(
        Facts(read_header(gguf_bytes(metadata, architecture=architecture)), architecture), architecture, 0
    )


def published(name: str) -> Cache:
    return make_profile(read_header(header_bytes(PUBLISHED[name]))).cache


def windows(found: Cache) -> list[int]:
    return [layer.window for layer in found.layers]


def test_heads_share_keys_and_values() -> None:
    """Two of four heads keep 16 elements each."""
    assert cache("llama") == Cache((Layer(32, 32),) * 4, head_width=64)


def test_without_a_number_of_their_own_all_heads_keep() -> None:
    """The older kind of attention."""
    found = cache("llama", attention__head_count_kv=4)
    assert found.layers[0] == Layer(64, 64)


def test_heads_may_have_a_size_of_their_own() -> None:
    """Which need not be a part of the width, nor the same for keys and values."""
    found = cache("qwen3", attention__key_length=128, attention__value_length=64)
    assert (found.layers[0], found.head_width) == (Layer(256, 128), 512)


def test_layers_may_differ() -> None:
    """A list has a number for each."""
    found = cache("deci", attention__head_count_kv=[2, 0, 1, 2])
    assert [layer.keys for layer in found.layers] == [32, 0, 16, 32]


def test_a_latent_cache_is_one_row_for_all_heads() -> None:
    """Values are made from the keys."""
    found = published("DeepSeek-V3")
    assert found.layers[0] == Layer(keys=576)
    assert found.latent == Latent(heads=128, rank=512, rope=64, plain=128, value=128)


def test_a_latent_model_without_its_sizes_keeps_everything() -> None:
    """As files of the first converters do."""
    found = cache("deepseek2", attention__head_count_kv=4, attention__key_length=24, attention__value_length=16)
    assert (found.layers[0], found.latent) == (Layer(96, 64), None)


@pytest.mark.parametrize(
    ("architecture", "entries", "expected"),
    [
        ("gemma3", {"attention__sliding_window": 512}, [512] * 5 + [0]),
        ("gpt-oss", {"attention__sliding_window": 128}, [128, 0] * 3),
        ("cohere2moe", {"attention__sliding_window": 128}, [0, 128, 128, 128, 0, 128]),
        ("gemma3", {"attention__sliding_window": 512, "attention__sliding_window_pattern": 3}, [512, 512, 0] * 2),
        (
            "gemma4",
            {"attention__sliding_window": 512, "attention__sliding_window_pattern": [True, True, False] * 2},
            [512, 512, 0] * 2,
        ),
        ("gemma2", {}, [4096, 0] * 3),
        ("llama4", {}, [8192, 8192, 8192, 0, 8192, 8192]),
        ("llama4", {"attention__sliding_window": 0}, [0] * 6),
        ("gemma3", {}, [0] * 6),
        ("llama", {"attention__sliding_window": 512}, [0] * 6),
        ("exaone4", {"attention__sliding_window": 512}, [0] * 6),
    ],
)
def test_windows_lie_where_the_engine_puts_them(
    architecture: str, entries: dict[str, Any], expected: list[int]
) -> None:
    """By the pattern of the architecture, or of the file; most architectures ignore one."""
    assert windows(cache(architecture, 6, **entries)) == expected


def test_windowed_layers_may_have_heads_of_another_size() -> None:
    """Each kind its own."""
    pattern = [True, False, True, False]
    entries: dict[str, Any] = {
        "sliding_window": 512,
        "sliding_window_pattern": pattern,
        "key_length_swa": 8,
        "value_length_swa": 4,
    }
    found = cache("gemma4", **{f"attention__{name}": value for name, value in entries.items()})
    assert found.layers[:2] == (Layer(16, 8, 512), Layer(32, 32))


def test_layers_that_use_those_of_others_keep_nothing() -> None:
    """Only the first ones have keys and values of their own."""
    found = cache("gemma4", attention__sliding_window=512, attention__shared_kv_layers=2)
    assert [bool(layer.keys) for layer in found.layers] == [True, True, False, False]


def test_layers_that_only_predict_ahead_are_left_out() -> None:
    """They are not run."""
    assert len(cache("glm4moe", 5, nextn_predict_layers=1).layers) == 4
    assert len(cache("glm4moe", 5, nextn_predict_layers=9).layers) == 0


def test_some_layers_keep_a_state_instead() -> None:
    """Three of four, as a rule, or as a list says."""
    states = [bool(layer.state) for layer in published("Qwen3-Next-80B").layers[:8]]
    assert states == [True, True, True, False] * 2
    listed = cache(
        "qwen35", attention__recurrent_layers=[True, False, False, True], ssm__inner_size=8, ssm__state_size=2
    )
    assert [layer.keys for layer in listed.layers] == [0, 32, 32, 0]


def test_a_state_is_what_the_network_and_its_convolution_need() -> None:
    """Of both kinds in one layer, and of each alone."""
    mamba, both = published("Mamba-2.8B"), published("Falcon-H1-3B")
    assert mamba.layers[0] == Layer(state=3 * 5120 + 16 * 5120)
    assert mamba.recurrence == Recurrence(5120, 2 * 5120, 5120, 3 * 5120, delta=False)
    assert both.layers[0] == Layer(256, 256, state=3 * (4096 + 512) + 256 * 4096)


@pytest.mark.parametrize(
    ("architecture", "entries", "state"),
    [
        ("rwkv7", {"wkv__head_size": 16}, 64 * (2 + 16)),
        ("arwkv7", {"wkv__head_size": 16, "token_shift_count": 1}, 64 * 17),
        ("lfm2", {"shortconv__l_cache": 3, "attention__head_count_kv": 0}, 2 * 64),
        (
            "kimi-linear",
            {"kda__head_dim": 8, "ssm__conv_kernel": 4, "attention__head_count_kv": 0},
            3 * 3 * 4 * 8 + 8 * 8 * 4,
        ),
        ("minimax-01", {}, 16 * 16 * 4),
    ],
)
def test_every_kind_of_state_has_its_size(architecture: str, entries: dict[str, Any], state: int) -> None:
    """As the engine's own formulas."""
    assert cache(architecture, **entries).layers[0].state == state


def test_in_some_models_a_layer_does_one_thing_only() -> None:
    """It keeps a state, attends, or has a network."""
    found = cache("nemotron_h", feed_forward_length=[0, 64, 0, 64], attention__head_count_kv=[0, 0, 2, 0])
    assert [bool(layer.keys) for layer in found.layers] == [False, False, True, False]


def test_an_indexer_keeps_keys_of_its_own() -> None:
    """Beside the latent row."""
    entries = {"attention__head_count_kv": 1, "attention__key_length": 576, "attention__value_length": 512}
    latent = {"attention__key_length_mla": 192, "attention__value_length_mla": 128}
    found = cache("deepseek32", **entries, **latent, attention__indexer__key_length=128)
    assert found.layers[0] == Layer(576 + 128)


def test_encoders_keep_nothing() -> None:
    """They read a text once."""
    assert set(cache("bert").layers) == {Layer()}


def test_unusual_caches_are_marked() -> None:
    """What is worked out for them is a guess."""
    assert cache("llama").understood
    assert not cache("deepseek4").understood
