"""Which files of a repository are fetched."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.models.choice import (
    ORDER,
    Choice,
    NothingToFetch,
    RemoteFile,
    Suits,
    choose,
    quant_of,
    variants,
)
from appliance.models.refs import RepoRef

REPO = RepoRef("org/repo")


def listing(*names: str, size: int = 10) -> list[RemoteFile]:
    return [RemoteFile(name, size) for name in names]


def shards(stem: str, count: int) -> list[str]:
    return [f"{stem}-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1)]


def names(choice: Choice) -> list[str]:
    return [file.path for file in choice.files]


def refused(files: list[RemoteFile], ref: RepoRef = REPO) -> NothingToFetch:
    with pytest.raises(NothingToFetch) as caught:
        choose(files, ref)
    return caught.value


@pytest.mark.parametrize("left_out", range(len(ORDER)))
def test_the_order_of_those_that_nobody_asked_for(left_out: int) -> None:
    """Four bits first, then more, then all."""
    files = listing(*(f"m-{quant}.gguf" for quant in ORDER[left_out:]), "m-IQ1_S.gguf", "m-F32.gguf")
    assert names(choose(files, REPO)) == [f"m-{ORDER[left_out]}.gguf"]


def test_the_largest_that_fits_a_budget() -> None:
    """Counting the companion; when nothing fits, the smallest."""
    files = [RemoteFile("m-Q2_K.gguf", 20), RemoteFile("m-Q4_K_M.gguf", 40), RemoteFile("m-Q8_0.gguf", 80)]
    files.append(RemoteFile("mmproj-F16.gguf", 5))
    chosen = [choose(files, REPO, budget).variant.quant for budget in (1000, 85, 84, 45, 44, 1)]
    assert chosen == ["Q8_0", "Q8_0", "Q4_K_M", "Q4_K_M", "Q2_K", "Q2_K"]


FORMS = ("IQ1_S", "Q3_K_S", "Q4_K_M", "Q6_K", "Q8_0", "BF16")  # of 10, 20, 30 … bytes


@pytest.mark.parametrize(
    ("well", "at_all", "larger", "quant"),
    [
        (100, 100, True, "Q8_0"),
        (45, 100, True, "Q6_K"),
        (25, 100, True, "Q3_K_S"),
        (15, 100, True, "Q4_K_M"),
        (5, 25, True, "Q3_K_S"),
        (15, 15, True, "IQ1_S"),
        (0, 0, True, "Q4_K_M"),
        (100, 100, False, "Q4_K_M"),
        (25, 100, False, "Q3_K_S"),
    ],
)
def test_what_suits_the_box_is_chosen(well: int, at_all: int, larger: bool, quant: str) -> None:
    """The largest packed form that runs well on a graphics card, on a processor the usual one; nothing coarse unless
    nothing else runs, and the usual one where nothing does.
    """
    files = [RemoteFile(f"m-{name}.gguf", 10 * (place + 1) - 1) for place, name in enumerate(FORMS)]
    files.append(RemoteFile("mmproj-F16.gguf", 1))
    suits = Suits(lambda size: size <= well, lambda size: size <= at_all, larger=larger)
    assert choose(files, REPO, suits=suits).variant.quant == quant


def test_what_suits_the_box_does_not_choose_between_models() -> None:
    """Which of several is meant cannot be told by their sizes."""
    suits = Suits(lambda _: True, lambda _: True, larger=True)
    with pytest.raises(NothingToFetch, match="several models"):
        choose(listing("a-Q4_K_M.gguf", "b-Q4_K_M.gguf"), REPO, suits=suits)


@pytest.mark.parametrize("asked", ["Q8_0", "q8_0"])
def test_the_quantisation_that_was_asked_for(asked: str) -> None:
    """In any case of letters."""
    assert names(choose(listing("m-Q4_K_M.gguf", "m-Q8_0.gguf"), RepoRef("org/repo", quant=asked))) == ["m-Q8_0.gguf"]


def test_what_is_not_there_is_said_with_what_is() -> None:
    """So that the next try is right."""
    problem = refused(listing("m-Q4_K_M.gguf", "m-Q8_0.gguf"), RepoRef("org/repo", quant="Q3_K"))
    assert (problem.code, problem.detail) == ("no_such_quant", "There is no Q3_K in it; there are Q4_K_M, Q8_0.")
    problem = refused(listing("m-Q4_K_M.gguf"), RepoRef("org/repo", file="x.gguf"))
    assert (problem.code, problem.detail) == ("no_such_file", "There is no x.gguf in it; there are m-Q4_K_M.gguf.")


@pytest.mark.parametrize("files", [[], ["README.md", "model.safetensors"], ["mmproj-F16.gguf", "m.imatrix.gguf"]])
def test_a_repository_without_a_model_is_told(files: list[str]) -> None:
    """Companions alone are none."""
    assert refused(listing(*files)).code == "no_gguf"


def test_all_parts_of_a_model_come() -> None:
    """By its quantisation, and by the name of any of them."""
    files = listing(*shards("m-Q8_0", 3), "m-Q2_K.gguf")
    wanted = shards("m-Q8_0", 3)
    assert names(choose(files, RepoRef("org/repo", quant="Q8_0"))) == wanted
    assert names(choose(files, RepoRef("org/repo", file=wanted[1]))) == wanted


def test_a_model_with_missing_parts_is_refused() -> None:
    """Before anything is fetched."""
    assert refused(listing(*shards("m-Q8_0", 3)[1:])).code == "incomplete"


def test_whole_is_preferred_to_in_parts() -> None:
    """Some repositories hold both."""
    assert names(choose(listing(*shards("m-Q8_0", 2), "m-Q8_0.gguf"), REPO)) == ["m-Q8_0.gguf"]


def test_the_companion_comes_with_the_model() -> None:
    """The most exact one that is not wasteful; not with itself."""
    files = listing("m-Q4_K_M.gguf", "mmproj-F32.gguf", "mmproj-F16.gguf", "mmproj-Q8_0.gguf")
    assert names(choose(files, REPO)) == ["m-Q4_K_M.gguf", "mmproj-F16.gguf"]
    assert names(choose(files, RepoRef("org/repo", file="mmproj-F32.gguf"))) == ["mmproj-F32.gguf"]


def test_several_models_are_for_a_person_to_choose_from() -> None:
    """A guess would fetch gigabytes of the wrong one."""
    problem = refused(listing("small-Q4_K_M.gguf", "large-Q4_K_M.gguf"))
    assert problem.code == "several_models"
    assert "large-Q4_K_M.gguf, small-Q4_K_M.gguf" in problem.detail


def test_a_plain_quantisation_goes_before_a_dynamic_one() -> None:
    """Unless that is what was asked for."""
    files = listing("m-UD-Q4_K_M.gguf", "m-Q4_K_M.gguf")
    assert names(choose(files, REPO)) == ["m-Q4_K_M.gguf"]
    assert names(choose(files, RepoRef("org/repo", quant="UD-Q4_K_M"))) == ["m-UD-Q4_K_M.gguf"]


@pytest.mark.parametrize(
    ("stem", "quant"),
    [
        ("Qwen3-0.6B-Q4_K_M", "Q4_K_M"),
        ("model.q8_0", "Q8_0"),
        ("model-UD-IQ2_XXS", "UD-IQ2_XXS"),
        ("BF16/model", "BF16"),
        ("gpt-oss-20b-mxfp4", "MXFP4"),
        ("Model-Q4_K_M-v2", "Q4_K_M"),
        ("model-fp16", "F16"),
        ("Qwen2-7B", None),
        ("model", None),
    ],
)
def test_the_quantisation_stands_in_the_name(stem: str, quant: str | None) -> None:
    """Of the file, else of its folder; a family's name is none."""
    assert quant_of(stem) == quant


NAMES = st.lists(
    st.from_regex(r"[a-c/]{0,3}m-(Q4_K_M|Q8_0|F16)(-0000[1-3]-of-0000[1-3])?\.gguf", fullmatch=True), max_size=8
)


@given(NAMES, st.none() | st.integers(0, 100))
def test_whatever_lies_there_a_whole_model_comes_or_a_reason(found: list[str], budget: int | None) -> None:
    """Never a part of one, never two."""
    files = listing(*dict.fromkeys(found))
    with contextlib.suppress(NothingToFetch):
        chosen = choose(files, REPO, budget)
        assert chosen.variant.files
        assert set(chosen.files) <= set(files)
        assert any(set(chosen.variant.files) <= set(v.files) for v in variants(files))
