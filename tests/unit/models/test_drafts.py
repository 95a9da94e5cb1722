"""Which model drafts for which."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.models.cache import Cache, Layer
from appliance.models.drafts import AUTO, MOST_DIFFERENT, OFF, Helper, Way, draft_for, helper_for, same_vocabulary
from appliance.models.library import Scanner
from appliance.models.types import Ability, Model, Profile, SpecialTokens
from appliance.models.weights import Weights
from tests.unit.models.gguf_files import BUNDLED, MODELS

WRITES = frozenset({Ability.CHAT, Ability.COMPLETION})
PROFILE = Profile("qwen3", 1024, WRITES, vocabulary=151936, tokenizer="gpt2", pre_tokenizer="qwen2")


def model(name: str, size: int = 8000, profile: Profile = PROFILE) -> Model:
    return Model(name, f"/models/{name}.gguf", size, "qwen3", 1024, profile.abilities, profile=profile)


@pytest.mark.parametrize(
    ("target", "draft"),
    [
        ("Qwen2.5-7B-Instruct-Q4_K_M", "Qwen2.5-0.5B-Instruct-Q8_0"),
        ("Qwen2.5-Coder-32B-Instruct-Q4_K_M", "Qwen2.5-0.5B-Instruct-Q8_0"),
        ("Qwen3-8B-Q4_K_M", "Qwen3-0.6B-Q8_0"),
        ("Meta-Llama-3.1-8B-Instruct-Q4_K_M", "Llama-3.2-1B-Instruct-Q8_0"),
        ("Llama-3.3-70B-Instruct-Q4_K_M", "Llama-3.2-1B-Instruct-Q8_0"),
        ("gemma-3-27b-it-Q4_K_M", "gemma-3-1b-it-Q8_0"),
    ],
)
def test_families_have_a_small_relative(target: str, draft: str) -> None:
    """It is found among others by itself."""
    small = [model(name, 600) for name in ("Qwen2.5-0.5B-Instruct-Q8_0", "Qwen3-0.6B-Q8_0")]
    small += [model(name, 600) for name in ("Llama-3.2-1B-Instruct-Q8_0", "gemma-3-1b-it-Q8_0")]
    found = draft_for(model(target), AUTO, [model(target), *small])
    assert found is not None
    assert found.id == draft


@pytest.mark.parametrize("target", ["Qwen3.5-9B-Q4_K_M", "gemma-3n-E4B-it-Q8_0", "Mistral-7B-Q4_K_M"])
def test_others_get_none_by_themselves(target: str) -> None:
    """A name that only begins alike is another family."""
    assert draft_for(model(target), AUTO, [model("Qwen3-0.6B-Q8_0", 600), model("gemma-3-1b-it-Q8_0", 600)]) is None


def test_the_owner_may_name_the_draft_or_want_none() -> None:
    """A named one need not be related, but must have the same vocabulary."""
    target, draft = model("Qwen3-8B-Q4_K_M"), model("My-Own-Draft-Q8_0", 600)
    assert draft_for(target, "my-own-draft", [target, draft]) == draft
    assert draft_for(target, OFF, [target, model("Qwen3-0.6B-Q8_0", 600)]) is None
    assert draft_for(target, "gone", [target, draft]) is None
    other = replace(draft, profile=replace(PROFILE, pre_tokenizer="llama-bpe"))
    assert draft_for(target, "my-own-draft", [target, other]) is None


def test_a_draft_is_far_smaller_and_another_model() -> None:
    """Else it costs what it saves."""
    draft = model("Qwen3-0.6B-Q8_0", 600)
    assert draft_for(draft, AUTO, [draft]) is None
    assert draft_for(model("Qwen3-1.7B-Q4_K_M", 1100), AUTO, [draft]) is None


def test_models_that_do_not_write_neither_draft_nor_are_drafted_for() -> None:
    """Embedding models of a family, for one."""
    embedding = replace(PROFILE, abilities=frozenset({Ability.EMBEDDING}))
    draft = model("Qwen3-0.6B-Q8_0", 600)
    assert draft_for(model("Qwen3-Embedding-8B-Q8_0", profile=embedding), AUTO, [draft]) is None


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"vocabulary": 151936 + MOST_DIFFERENT}, True),
        ({"vocabulary": 151936 + MOST_DIFFERENT + 1}, False),
        ({"tokenizer": "llama"}, False),
        ({"pre_tokenizer": "default"}, False),
        ({"special": SpecialTokens(adds_begin=False)}, True),
        ({"special": SpecialTokens(begin=7, end=8)}, True),
        ({"special": SpecialTokens(begin=1, adds_begin=True)}, False),
        ({"special": SpecialTokens(end=1, adds_end=True)}, False),
    ],
)
def test_vocabularies_are_compared_as_the_engine_does(change: dict[str, object], same: bool) -> None:
    """Kind, size, and what is added at the beginning and the end."""
    assert same_vocabulary(PROFILE, replace(PROFILE, **change)) is same  # type: ignore[arg-type]


def test_what_a_file_leaves_out_is_as_the_engine_takes_it() -> None:
    """Llama's tokenizer begins by itself."""
    silent = replace(PROFILE, pre_tokenizer="llama-bpe", special=SpecialTokens(begin=1))
    assert same_vocabulary(silent, replace(silent, special=SpecialTokens(begin=1, adds_begin=True)))
    assert not same_vocabulary(silent, replace(silent, special=SpecialTokens(begin=1, adds_begin=False)))
    assert not same_vocabulary(replace(PROFILE, tokenizer=None), replace(PROFILE, tokenizer=None))


LAYERED = replace(
    PROFILE, architecture="qwen35", cache=Cache((Layer(keys=8, values=8),) * 4), weights=Weights(layers=(10,) * 5)
)


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        (OFF, None),
        (AUTO, Helper(Way.AHEAD)),
        ("mtp", Helper(Way.AHEAD)),
        ("ngram", Helper(Way.REPEATS)),
        ("gone", None),
    ],
)
def test_layers_of_its_own_come_before_a_relative(wish: str, found: Helper | None) -> None:
    """They need no further file and know the model best; proposing repeats has to be asked for."""
    target, draft = model("Qwen3-8B-Q4_K_M", profile=LAYERED), model("Qwen3-0.6B-Q8_0", 600)
    assert helper_for(target, wish, [target, draft]) == found
    assert helper_for(target, draft.id, [target, draft]) == Helper(Way.MODEL, draft)


@pytest.mark.parametrize(
    "profile",
    [
        PROFILE,
        replace(LAYERED, architecture="llama"),  # the engine cannot use such layers there
        replace(LAYERED, weights=Weights(layers=(10,) * 4)),  # made without them
    ],
)
def test_without_such_layers_a_relative_drafts(profile: Profile) -> None:
    """Or nothing, where they are asked for by name."""
    target, draft = model("Qwen3-8B-Q4_K_M", profile=profile), model("Qwen3-0.6B-Q8_0", 600)
    assert helper_for(target, AUTO, [target, draft]) == Helper(Way.MODEL, draft)
    assert helper_for(target, "mtp", [target, draft]) is None


def test_a_model_that_does_not_write_gets_no_helper() -> None:
    """Whatever is wished."""
    embedding = model("bge-F16", profile=replace(PROFILE, abilities=frozenset({Ability.EMBEDDING})))
    assert helper_for(embedding, "ngram", [embedding]) is None


def test_the_bundled_model_has_a_relative() -> None:
    """As their files say."""
    library = Scanner(Path(MODELS), Path(BUNDLED)).scan()
    target = library.find("mesh-tiny-dense-Q8_0")
    assert target is not None
    found = draft_for(target, AUTO, library.models)
    assert found is not None
    assert found.id == "mesh-tiny-draft-Q8_0"
