"""How far a download is, and how fast."""

from __future__ import annotations

import pytest

from appliance.jobs.progress import WINDOW_SECONDS, Progress


def test_shares_count_all_files() -> None:
    """Those that are here, those that are not, and none before all lengths are known."""
    progress = Progress({"a": 100, "b": None})
    progress.file("a", 50, 0.0)
    assert (progress.done, progress.total, progress.share, progress.outstanding) == (50, None, None, 50)
    progress.sizes["b"] = 100
    assert (progress.total, progress.share, progress.outstanding) == (200, 0.25, 150)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    """A fast beginning does not count for ever."""
    progress = Progress({"a": 100_000})
    progress.file("a", 50_000, 0.0)
    for second in range(1, 40):
        progress.file("a", 50_000 + second * 100, float(second))
    assert progress.rate(39.0) == pytest.approx(100, rel=0.2)
    assert progress.eta(39.0) == pytest.approx(460, rel=0.2)


def test_no_measure_no_number() -> None:
    """Neither at the start nor after a pause."""
    progress = Progress({"a": 100})
    assert (progress.rate(0), progress.eta(0)) == (None, None)
    progress.file("a", 1, 0.0)
    progress.file("a", 50, 1.0)
    assert progress.rate(1.0) == 49
    progress.waits("The line is down.", 4)
    assert (progress.rate(2.0), progress.note) == (None, "The line is down. Trying again in 4 s.")
    progress.file("a", 51, 3.0)
    assert progress.note is None


def test_a_line_that_stands_still_goes_to_zero() -> None:
    """The rate falls as time passes without a byte."""
    progress = Progress({"a": 1000})
    progress.file("a", 0, 0.0)
    progress.file("a", 100, 1.0)
    assert progress.rate(100.0) == pytest.approx(1.0)
    assert WINDOW_SECONDS < 100
