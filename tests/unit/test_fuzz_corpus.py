"""What the fuzzer begins with and what it found, once more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import CORPUS, TARGETS

INPUTS = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_corpus_holds(path: Path) -> None:
    """No input breaks a promise again."""
    TARGETS[path.parent.name](path.read_bytes())


def test_each_target_has_beginnings() -> None:
    """A fuzzer that begins with nothing does not come far."""
    assert {path.parent.name for path in INPUTS} == set(TARGETS)
