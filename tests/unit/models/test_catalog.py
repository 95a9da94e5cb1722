"""The catalogue of well-known models."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.models.catalog import (
    CATALOG,
    LONGEST,
    Entry,
    Form,
    Skill,
    matching,
    named,
    nearest,
    read_catalog,
    ref_of,
)
from appliance.models.refs import BadRef, RepoRef

BITS = {"Q4_0": 4.55, "MXFP4": 4.5, "Q4_K_M": 4.9, "Q5_K_M": 5.7, "Q6_K": 6.57, "Q8_0": 8.5, "F16": 16.0}


def test_there_is_something_for_everybody() -> None:
    """Enough to choose from, and for each kind of work."""
    assert len(CATALOG) >= 40
    for skill in Skill:
        assert len(matching("", skill=skill)) >= 2, skill


def test_names_are_plain_and_mean_one_model() -> None:
    """As one types them, and nothing that reads like another."""
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.-]+", entry.name) for entry in CATALOG)
    for entry in CATALOG:
        for text in (entry.name, entry.title, entry.name.upper(), entry.name.replace("-", " ")):
            assert named(text) is entry, text


def test_drafts_are_smaller_ones_of_the_catalogue() -> None:
    """A model that drafts is there, and far smaller than the one it drafts for."""
    sizes = {entry.name: entry.parameters for entry in CATALOG}
    for entry in CATALOG:
        assert entry.draft is None or sizes[entry.draft] * 2 < entry.active


@pytest.mark.parametrize("entry", CATALOG, ids=lambda entry: entry.name)
def test_each_entry_is_plausible(entry: Entry) -> None:
    """Its repository, licence, sentence and context are there; its sizes follow from its parameters and bits."""
    assert re.fullmatch(r"[\w.-]+/[\w.-]+-GGUF", entry.repo)
    assert entry.licence
    assert entry.about.endswith(".")
    assert 512 <= entry.context <= 1 << 20
    assert 0 < entry.active <= entry.parameters
    assert entry.forms == tuple(sorted(entry.forms, key=lambda form: form.size))
    for form in entry.forms:
        expected = entry.parameters * BITS[form.quant] / 8
        assert 0.75 * expected <= form.size <= 1.25 * expected
    assert entry.projector == bool(entry.skills & {Skill.VISION, Skill.AUDIO})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("qwen3 8b", "qwen3-8b"),
        ("Qwen 3 8B Instruct", "qwen3-8b"),
        ("gemma 3 4b it", "gemma-3-4b"),
        ("llama3.2-1b", "llama-3.2-1b"),
        ("qwen 3.6 35b", "qwen3.6-35b-a3b"),
        ("GPT_OSS_20b", "gpt-oss-20b"),
        ("llama 70b", "llama-3.3-70b"),
        ("qwen3", None),
        ("tiny", None),
        ("granite", None),
        ("", None),
        ("nothing of the kind", None),
        ("8b " * LONGEST, None),
    ],
)
def test_a_few_words_name_a_model(text: str, name: str | None) -> None:
    """However they are written; words that several models share name none."""
    found = named(text)
    assert (found.name if found else None) == name


def test_a_name_becomes_what_is_fetched() -> None:
    """The repository of the entry, and a form when one is named."""
    assert ref_of("qwen3-8b") == RepoRef("Qwen/Qwen3-8B-GGUF")
    assert ref_of(" Qwen3 8B:Q8_0 ") == RepoRef("Qwen/Qwen3-8B-GGUF", quant="Q8_0")
    assert ref_of("qwen3-8b:latest") == RepoRef("Qwen/Qwen3-8B-GGUF")


@pytest.mark.parametrize(
    ("text", "near"), [("qwen3-8bb", "qwen3-8b"), ("qwen3-coder", "qwen3-coder-next"), ("gema 3 4b", "gemma-3-4b")]
)
def test_a_miss_says_what_comes_near(text: str, near: str) -> None:
    """So that one sees the name that was meant."""
    with pytest.raises(BadRef, match=re.escape(near)):
        ref_of(text)


def test_nonsense_is_told_what_would_do() -> None:
    """The forms that a name may have; and no quantisation that is none."""
    for text in ("zzzzzz", "?", "qwen3-8b:../..", "x" * 5000):
        with pytest.raises(BadRef, match="org/repo:Q4_K_M"):
            ref_of(text)
    assert nearest("?") == []


@given(st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    """Whatever is typed, the answer is a reference or a sentence."""
    with suppress(BadRef):
        assert ref_of(text).repo
    assert len(nearest(text)) <= 3


def test_a_catalogue_is_read_from_text() -> None:
    """What may be left out has its usual value."""
    text = """
        [[model]]
        name = "a"
        title = "A"
        family = "F"
        repo = "o/A-GGUF"
        parameters = 1000
        forms = { Q8_0 = 1000, Q4_K_M = 600 }
        context = 512
        licence = "mit"
        abilities = ["chat"]
        grade = 1
        about = "An A."
    """
    (entry,) = read_catalog(text)
    assert entry.forms == (Form("Q4_K_M", 600), Form("Q8_0", 1000))
    assert (entry.active, entry.has_experts, entry.projector, entry.draft) == (1000, False, False, None)
    assert (entry.usual, entry.ref(), entry.ref(entry.usual)) == (entry.forms[0], "o/A-GGUF", "o/A-GGUF:Q4_K_M")
