"""What a header says about a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from appliance.models.gguf_header import Header, read_header
from appliance.models.profile import NotServable, Profile, check_weights, is_companion, make_profile
from appliance.models.types import Ability
from tests.unit.models.gguf_files import REAL_FILES, gguf_bytes


def header(metadata: dict[str, Any] | None = None, **options: Any) -> Header:
    return read_header(gguf_bytes(metadata, **options))


def test_a_model_with_a_chat_template_chats_and_completes() -> None:
    """Architecture, context, abilities and quantisation come from the metadata."""
    found = make_profile(header({"tokenizer.chat_template": "{{ messages }}", "general.file_type": 15}))
    assert found == Profile("llama", 2048, frozenset({Ability.CHAT, Ability.COMPLETION}), "Q4_K_M")


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
