"""Long work as rows."""

from __future__ import annotations

from dataclasses import replace

from appliance.node.failure import Failure
from appliance.node.jobs import Job, JobKind, JobState
from webui.views.jobs import SHOWN_ENDED, job_rows

JOB = Job("1", JobKind.DOWNLOAD, "org/repo", JobState.RUNNING, 1.0)
NONE: frozenset[str] = frozenset()


def test_a_running_download_says_how_far_and_how_long() -> None:
    """Bytes, speed and the time that is left, as one would say it."""
    running = replace(
        JOB, progress=0.254, done_bytes=1 << 30, total_bytes=4 << 30, rate=float(12 << 20), eta_s=300.0, note="Fetching"
    )
    (row,) = job_rows([running], NONE)
    assert (row.percent, row.can_cancel, row.can_retry) == (25, True, False)
    assert row.detail == "Fetching · 1.0 GiB of 4.0 GiB · 12 MiB a second · 5 min left"


def test_a_failed_download_says_why_and_can_be_taken_up_again() -> None:
    """The reason in words, and a button."""
    (row,) = job_rows([replace(JOB, state=JobState.FAILED, error=Failure("disk_full", "The disk is full."))], NONE)
    assert (row.tone, row.trouble, row.can_retry, row.can_cancel) == ("bad", "The disk is full.", True, False)


def test_what_was_fetched_can_be_loaded_once_it_was_found() -> None:
    """No button that would lead into nothing: the library has to know the file first."""
    done = replace(JOB, state=JobState.DONE, result="m")
    assert [row.can_load for row in job_rows([done], NONE)] == [None]
    assert [row.can_load for row in job_rows([done], frozenset({"m"}))] == ["m"]


def test_a_load_that_went_well_is_not_told_twice() -> None:
    """The model itself says that it is ready; a load that failed stays."""
    load = replace(JOB, kind=JobKind.LOAD, state=JobState.DONE)
    assert job_rows([load, replace(load, state=JobState.CANCELLED)], NONE) == ()
    assert len(job_rows([replace(load, state=JobState.FAILED)], NONE)) == 1


def test_what_runs_stands_before_what_ended_and_the_old_is_left_out() -> None:
    """The newest of the ended first, only a few of them."""
    ended = [replace(JOB, id=f"e{n}", state=JobState.DONE, ended_at=float(n)) for n in range(SHOWN_ENDED + 2)]
    rows = job_rows([*ended, JOB], NONE)
    assert [row.id for row in rows] == ["1", *(f"e{n}" for n in range(SHOWN_ENDED + 1, 1, -1))]
