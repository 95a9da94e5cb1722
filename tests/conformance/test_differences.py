"""How both runs are compared."""

from __future__ import annotations

from tests.conformance.differences import Verdict, compare, read_differences


def test_what_fails_only_through_is_told_with_its_reason() -> None:
    """Passed direct, failed through."""
    assert compare({"a", "b"}, {"b": "500"}, set()) == Verdict({"b": "500"}, frozenset())


def test_a_difference_covers_all_parameters() -> None:
    """It is named by the function."""
    assert compare({"f[1]", "f[2]"}, {"f[1]": "x", "f[2]": "y"}, {"f"}) == Verdict({}, frozenset())


def test_a_difference_that_passes_is_needless() -> None:
    """And so is one that fails on the engine too, or does not exist."""
    assert compare({"f[1]"}, {}, {"f", "g"}) == Verdict({}, frozenset({"f", "g"}))


def test_what_fails_on_the_engine_does_not_count() -> None:
    """Only what passed there has to pass here."""
    assert compare({"a"}, {"b": "no such model"}, set()) == Verdict({}, frozenset())


def test_every_difference_says_why() -> None:
    """In a sentence."""
    assert all(why.endswith(".") and len(why) > 40 for why in read_differences().values())
