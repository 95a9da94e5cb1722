"""The runner of the layers tells the truth about them."""

from __future__ import annotations

import sys

import pytest

from tests.tools import layers
from tests.tools.layers import Result, run_all, total

SAYS = "import sys; print('== {said} in 0.10s =='); sys.exit({code})"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    def command(said: str, code: int) -> tuple[tuple[str, ...], ...]:
        return ((sys.executable, "-c", SAYS.format(said=said, code=code)),)

    made = {
        "unit": command("3 passed", 0),
        "lint": command("bad", 1) + command("good", 0),
        "live": command("1 passed", 0),
    }
    monkeypatch.setattr(layers, "LAYERS", made)


def test_every_layer_runs_and_a_failure_counts(small: None) -> None:
    """One failed command fails its layer, and the others are still run."""
    results = run_all(["lint", "unit", "live"])
    assert [(r.layer, r.ok, r.closing) for r in results] == [
        ("lint", False, "good in 0.10s"),
        ("unit", True, "3 passed in 0.10s"),
        ("live", True, "1 passed in 0.10s"),
    ]


def test_output_is_shown_once(small: None, capsys: pytest.CaptureFixture[str]) -> None:
    """Side by side or alone, every line of a layer is there exactly once."""
    run_all(["lint", "unit", "live"])
    shown = capsys.readouterr().out
    assert [shown.count(said) for said in ("bad in", "good in", "3 passed", "1 passed")] == [1, 1, 1, 1]


def test_the_counts_of_all_layers_are_added() -> None:
    """The last line is the sum, in the form that pytest closes with."""
    said = [
        "3 passed in 1s",
        "2 failed, 4 passed, 1 error in 2s",
        "Found 6 errors in 3 files",
        "1 skipped, 2 errors in 1s",
    ]
    results = [Result("x", seconds=1.2, said=[f"== {line} ==\n"]) for line in said]
    assert total(results) == "=== 3 error, 2 failed, 7 passed, 1 skipped in 5s of work ==="


def test_a_closing_line_is_the_last_with_words() -> None:
    """Blank lines at the end do not hide it."""
    assert Result("x", said=["== 1 passed ==\n", "\n"]).closing == "1 passed"
