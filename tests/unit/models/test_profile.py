"""What a header says about a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.models.gguf_header import Array, Header, Value, read_header
from appliance.models.profile import NotServable, check_weights, is_companion, make_profile, with_parts
from appliance.models.types import Ability, Experts, RopeScaling, SpecialTokens
from appliance.models.weights import Weights
from appliance.placement.needs import MOST_BYTES, needs
from tests.blueprints import PUBLISHED, header_bytes
from tests.unit.models.gguf_files import BUNDLED, REAL_FILES, gguf_bytes


def header(metadata: dict[str, Any] | None = None, **options: Any) -> Header:
    return read_header(gguf_bytes(metadata, **options))


def test_a_model_with_a_chat_template_chats_and_completes() -> None:
    """Architecture, context, abilities and quantisation come from the metadata."""
    found = make_profile(header({"tokenizer.chat_template": "{{ messages }}", "general.file_type": 15}))
    assert (found.architecture, found.context_length, found.quantisation) == ("llama", 2048, "Q4_K_M")
    assert found.abilities == {Ability.CHAT, Ability.COMPLETION}
    assert found.chat_template


def test_a_profile_holds_what_begins_and_ends_a_text() -> None:
    """What the file leaves out stays open: the engine has its own idea of it."""
    said = {"tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.eos_token_id": 2}
    assert make_profile(header(said)).special == SpecialTokens(1, 2, adds_begin=True)
    assert make_profile(header({"tokenizer.ggml.add_bos_token": 1})).special == SpecialTokens()


@pytest.mark.parametrize(
    ("architecture", "metadata", "abilities"),
    [
        ("llama", {}, {Ability.COMPLETION}),
        ("llama", {"tokenizer.chat_template": ""}, {Ability.COMPLETION}),
        ("llama", {"llama.pooling_type": 0}, {Ability.COMPLETION}),
        ("qwen3", {"qwen3.pooling_type": 3, "tokenizer.chat_template": "t"}, {Ability.EMBEDDING}),
        ("bert", {"bert.pooling_type": 2}, {Ability.EMBEDDING}),
        ("nomic-bert", {}, {Ability.EMBEDDING}),
        ("bert", {"bert.pooling_type": 4}, {Ability.RERANK}),
        ("qwen3", {"qwen3.pooling_type": 4, "tokenizer.chat_template": "t"}, {Ability.RERANK}),
    ],
)
def test_pooling_decides_what_a_model_is_for(
    architecture: str, metadata: dict[str, Any], abilities: set[Ability]
) -> None:
    """Models made for embedding or ranking are offered for that alone."""
    assert make_profile(header(metadata, architecture=architecture)).abilities == abilities


@pytest.mark.parametrize(("file_type", "name"), [(7, "Q8_0"), (1024 + 15, "Q4_K_M"), (9_999, "F16"), (None, "F16")])
def test_quantisation_is_the_files_or_that_of_most_weights(file_type: int | None, name: str) -> None:
    """A file type that was guessed counts; one that is unknown or absent is replaced by what is stored."""
    metadata = {} if file_type is None else {"general.file_type": file_type}
    assert make_profile(header(metadata)).quantisation == name


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"architecture": None}, "which architecture"),
        ({"context": None}, "how long a context"),
        ({"context": 0}, "how long a context"),
    ],
)
def test_refuses_what_no_engine_could_load(options: dict[str, Any], words: str) -> None:
    """The reason is there before an engine is started in vain."""
    with pytest.raises(NotServable, match=words):
        make_profile(header(**options))


def test_refuses_a_file_without_weights() -> None:
    """A vocabulary alone answers nothing; only the first of several files may be without weights."""
    empty = header(tensors={})
    check_weights(empty, alone=False)
    with pytest.raises(NotServable, match="no weights"):
        check_weights(empty, alone=True)


def test_refuses_weights_of_an_unknown_type() -> None:
    """A file made for a later engine says so."""
    data = gguf_bytes(tensors={"w": np.zeros(32, np.float32)})
    row = b"w" + bytes([1, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0])
    later = data.replace(row + bytes(4), row + bytes([99, 0, 0, 0]))
    with pytest.raises(NotServable, match="type 99"):
        check_weights(read_header(later), alone=True)


@pytest.mark.parametrize(
    ("architecture", "metadata", "companion"),
    [
        ("llama", {}, False),
        ("llama", {"general.type": "model"}, False),
        ("clip", {}, True),
        ("llama", {"general.type": "adapter"}, True),
        (None, {"general.type": "imatrix"}, True),
        ("controlvector", {}, True),
    ],
)
def test_knows_files_that_go_with_a_model(architecture: str | None, metadata: dict[str, Any], companion: bool) -> None:
    """Projectors, adapters and matrices are no models."""
    assert is_companion(header(metadata, architecture=architecture)) is companion


def test_tells_the_real_files_apart() -> None:
    """Of the trained files exactly the projector and the matrix are companions."""
    found = {p.name for p in REAL_FILES if is_companion(read_header(p.read_bytes()))}
    assert found == {"mesh-tiny-moe.imatrix.gguf", "mmproj-mesh-tiny-second-F16.gguf"}


def test_a_profile_knows_the_shape_of_a_model() -> None:
    """Everything that placement works with, from a real header."""
    found = make_profile(read_header(header_bytes(PUBLISHED["Qwen3-30B-A3B"])))
    assert (found.width, found.vocabulary, found.feed_forward) == (2048, 151936, 6144)
    assert found.experts == Experts(count=128, used=8)
    assert (len(found.cache.layers), len(found.weights.layers), found.weights.expert_inner) == (48, 48, 768)
    assert found.parameters == pytest.approx(30.5e9, rel=0.01)


def test_the_vocabulary_is_counted_where_it_is_listed() -> None:
    """The bundled model has 2048 tokens and names its tokenizer."""
    (path,) = BUNDLED.glob("*.gguf")
    found = make_profile(read_header(path.read_bytes()))
    assert (found.vocabulary, found.tokenizer, found.pre_tokenizer) == (2048, "gpt2", "qwen2")


def test_stretched_contexts_are_told() -> None:
    """How, how far and from where."""
    stretched = {"type": "yarn", "original_context_length": 32768}
    metadata = {f"llama.rope.scaling.{name}": value for name, value in stretched.items()}
    with_factor = header(metadata | {"llama.rope.scaling.factor": 4.0})
    assert make_profile(with_factor).rope == RopeScaling("yarn", 4.0, 32768)
    assert make_profile(header(metadata)).rope is None


def test_a_model_in_several_files_is_the_sum_of_them() -> None:
    """The first says what it is, all say what it weighs."""
    first = make_profile(header())
    whole = with_parts(first, [(Weights((1,), embedding=2), 10), (Weights((0, 5)), 20)])
    assert (whole.weights, whole.parameters) == (Weights((1, 5), (), 2), 30)
    assert whole.architecture == first.architecture


VALUES: st.SearchStrategy[Value] = (
    st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.booleans()
    | st.text(max_size=8)
    | st.lists(st.integers(-(1 << 63), (1 << 64) - 1), max_size=8).map(
        lambda items: Array("u64", len(items), tuple(items))
    )
    | st.integers(0, 1 << 64).map(lambda count: Array("u32", count, None))
)
ENTRIES = (
    *("block_count", "embedding_length", "feed_forward_length", "expert_count", "expert_used_count", "vocab_size"),
    *("attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length"),
    *("attention.key_length_mla", "attention.value_length_mla", "attention.kv_lora_rank", "rope.dimension_count"),
    *("attention.sliding_window", "attention.sliding_window_pattern", "attention.recurrent_layers"),
    *("attention.shared_kv_layers", "attention.indexer.key_length", "full_attention_interval", "wkv.head_size"),
    *("ssm.conv_kernel", "ssm.inner_size", "ssm.state_size", "ssm.group_count", "ssm.time_step_rank"),
    *("shortconv.l_cache", "kda.head_dim", "token_shift_count", "nextn_predict_layers", "rope.scaling.factor"),
)
ARCHITECTURES = ("llama", "gemma3", "gemma4", "deepseek2", "qwen3next", "nemotron_h", "lfm2", "mamba", "rwkv7", "bert")


@settings(max_examples=300, deadline=None)
@given(
    architecture=st.sampled_from(ARCHITECTURES),
    entries=st.dictionaries(st.sampled_from(ENTRIES), VALUES),
    general=st.dictionaries(
        st.sampled_from(["general.name", "general.tags", "tokenizer.chat_template", "tokenizer.ggml.tokens"]), VALUES
    ),
    context=st.integers(1, (1 << 32) - 1),
)
def test_no_header_makes_a_profile_fail(
    architecture: str, entries: dict[str, Value], general: dict[str, Value], context: int
) -> None:
    """Whatever it claims, numbers stay within bounds and what it would take can be told."""
    metadata: dict[str, Value] = {f"{architecture}.{name}": value for name, value in entries.items()}
    metadata |= general | {"general.architecture": architecture, f"{architecture}.context_length": context}
    found = make_profile(Header(3, metadata, (), 32, 0))
    assert len(found.cache.layers) <= 512
    assert 0 <= needs(found, context, 4).total <= MOST_BYTES
