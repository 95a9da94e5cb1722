"""Which models the entries of a key mean."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.keys.scope import allowed_models, fits

MODELS = ("Qwen3-8B-Q4_K_M", "Qwen3-8B-Q8_0", "gemma-3-4b-Q4_K_M", "mesh-tiny-dense-Q8_0")
ALIASES = {"gpt-4o": "Qwen3-8B-Q8_0", "small": "gemma-3-4b-Q4_K_M", "lost": "not-here"}


@pytest.mark.parametrize(
    ("entry", "allowed"),
    [
        ("mesh-tiny-dense-Q8_0", {"mesh-tiny-dense-Q8_0"}),
        ("mesh-tiny-dense", {"mesh-tiny-dense-Q8_0"}),
        ("Qwen3-8B", set()),  # of two, as for a request: neither
        ("gpt-4o", {"Qwen3-8B-Q8_0"}),
        ("lost", set()),
        ("qwen3-*", {"Qwen3-8B-Q4_K_M", "Qwen3-8B-Q8_0"}),
        ("*Q4*", {"Qwen3-8B-Q4_K_M", "gemma-3-4b-Q4_K_M"}),
        ("gpt*", {"Qwen3-8B-Q8_0"}),
        ("*", set(MODELS)),
        ("auto", set()),
        ("[a-z]*", set()),
        ("nothing", set()),
    ],
)
def test_an_entry_means_what_a_request_would(entry: str, allowed: set[str]) -> None:
    """Ids, short names, aliases; and patterns over ids and aliases."""
    assert allowed_models([entry], MODELS, ALIASES) == allowed


def test_entries_add_up() -> None:
    """Each allows what it means."""
    assert allowed_models(["small", "mesh*", "nothing"], MODELS, ALIASES) == {
        "gemma-3-4b-Q4_K_M",
        "mesh-tiny-dense-Q8_0",
    }


@pytest.mark.parametrize(
    ("pattern", "name", "result"),
    [
        ("a*b", "ab", True),
        ("a*b", "axxb", True),
        ("a*b", "a", False),
        ("ab*b", "ab", False),  # no letter counts twice
        ("*a*a*", "a", False),
        ("*a*a*", "xaxa", True),
        ("a**b", "acb", True),
        ("A.c*", "a.C", True),
        ("a.c*", "abc", False),
        ("*", "", True),
    ],
)
def test_a_star_stands_for_any_letters(pattern: str, name: str, result: bool) -> None:
    """And nothing else is special."""
    assert fits(pattern, name) is result


@given(st.lists(st.text("ab", max_size=3), min_size=2, max_size=5), st.lists(st.text("ab", max_size=3), max_size=5))
def test_what_a_pattern_was_made_from_fits_it(parts: list[str], gaps: list[str]) -> None:
    """Whatever stands in place of the stars."""
    filled = [*gaps, *[""] * len(parts)][: len(parts) - 1]
    name = "".join(part + gap for part, gap in zip(parts, [*filled, ""], strict=True))
    assert fits("*".join(parts), name)


def test_no_pattern_takes_long() -> None:
    """However many stars it has."""
    begun = time.process_time()
    assert not fits("*a" * 250 + "b", "a" * 512)
    assert time.process_time() - begun < 1
