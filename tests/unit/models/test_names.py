"""What names mean."""

from __future__ import annotations

import pytest

from appliance.models.names import LONGEST_NAME, clean_id, nearest_names, resolve_name, without_quantisation

KNOWN = ["mesh-tiny-dense-Q8_0", "mesh-tiny-moe-Q8_0", "mesh-tiny-moe-F16", "Odd"]


@pytest.mark.parametrize(
    ("model_id", "short"),
    [
        ("mesh-tiny-dense-Q8_0", "mesh-tiny-dense"),
        ("Llama-3.2-1B-Instruct-Q4_K_M", "Llama-3.2-1B-Instruct"),
        ("Qwen3-30B-A3B-UD-Q4_K_XL", "Qwen3-30B-A3B"),
        ("gemma-3-4b-it.i1-IQ4_XS", "gemma-3-4b-it"),
        ("gpt-oss-20b-MXFP4", "gpt-oss-20b"),
        ("bge-m3-f16", "bge-m3"),
        ("bitnet-TQ1_0", "bitnet"),
        ("phi-4", "phi-4"),
        ("Q8_0", "Q8_0"),
    ],
)
def test_takes_the_quantisation_off(model_id: str, short: str) -> None:
    """The forms that publishers use are known; a name that has none stays whole."""
    assert without_quantisation(model_id) == short


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("mesh-tiny-dense-Q8_0", "mesh-tiny-dense-Q8_0"),
        ("mesh-tiny-dense-Q8_0:latest", "mesh-tiny-dense-Q8_0"),
        ("mesh-tiny-dense-Q8_0.gguf", "mesh-tiny-dense-Q8_0"),
        ("MESH-tiny-DENSE-q8_0.GGUF", "mesh-tiny-dense-Q8_0"),
        ("mesh-tiny-dense", "mesh-tiny-dense-Q8_0"),
        ("mesh-tiny-dense:latest", "mesh-tiny-dense-Q8_0"),
        ("Mesh-Tiny-Dense", "mesh-tiny-dense-Q8_0"),
        ("mesh-tiny-dense-Q8_0-00001-of-00002.gguf", "mesh-tiny-dense-Q8_0"),
        ("odd", "Odd"),
    ],
)
def test_a_name_means_one_model(name: str, model_id: str) -> None:
    """Case, ending, shard number, `:latest` and a missing quantisation do not matter."""
    assert resolve_name(name, KNOWN) == model_id


@pytest.mark.parametrize("name", ["mesh-tiny-moe", "mesh-tiny-dense-F16", "mesh", "", "x" * (LONGEST_NAME + 1)])
def test_an_unknown_or_ambiguous_name_means_nothing(name: str) -> None:
    """Two quantisations are not guessed between, and another one is never taken for that asked for."""
    assert resolve_name(name, KNOWN) is None


def test_the_very_name_wins() -> None:
    """An id that looks like a form of another one still means itself."""
    known = ["a", "a:latest", "A", "a.gguf"]
    assert [resolve_name(name, known) for name in known] == known


def test_two_names_that_differ_in_case_only_are_not_guessed_between() -> None:
    """Neither is right for a third way of writing it."""
    assert resolve_name("ABC", ["abc", "Abc"]) is None


def test_nearest_names_hold_every_candidate_of_an_ambiguous_name() -> None:
    """Whoever left the quantisation out sees which there are."""
    assert nearest_names("mesh-tiny-moe", KNOWN)[:2] == ["mesh-tiny-moe-F16", "mesh-tiny-moe-Q8_0"]


def test_nearest_names_find_a_slip() -> None:
    """A wrong letter still leads to the model."""
    assert nearest_names("mesh-tiny-danse", KNOWN)[0] == "mesh-tiny-dense-Q8_0"


def test_nearest_names_are_few_and_different() -> None:
    """No name is given twice, and no more than asked for."""
    known = [f"model-{n}-Q8_0" for n in range(20)]
    near = nearest_names("model-1", known, limit=3)
    assert len(near) == len(set(near)) == 3


@pytest.mark.parametrize("name", ["nothing like it", "x" * 1_000_000])
def test_nothing_near_is_nothing(name: str) -> None:
    """A name that no model resembles, or longer than names are, brings no suggestion."""
    assert nearest_names(name, KNOWN) == []


@pytest.mark.parametrize(
    ("name", "model_id"),
    [("a b", "a b"), ("a\nb\x1b[31m", "a_b_[31m"), (" a ", "a"), ("name\u202egnp", "name_gnp"), ("模型", "模型")],
)
def test_an_id_can_be_shown_anywhere(name: str, model_id: str) -> None:
    """What moves the cursor or turns the writing around does not get into ids; other scripts do."""
    assert clean_id(name) == model_id
