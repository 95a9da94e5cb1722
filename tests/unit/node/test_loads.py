"""Loads as jobs follow what is served."""

from __future__ import annotations

import pytest

from appliance.node.failure import Failure
from appliance.node.jobs import Job, JobKind, JobState
from appliance.node.loads import KEPT, advance, new_load, old_loads
from appliance.node.serving import ServingEntry, ServingState

JOB = new_load("1", "m", 5.0)


def entry(state: ServingState, failure: Failure | None = None) -> ServingEntry:
    return ServingEntry("m", state, failure=failure)


@pytest.mark.parametrize(
    ("state", "becomes"),
    [
        (ServingState.PLANNED, JobState.RUNNING),
        (ServingState.LOADING, JobState.RUNNING),
        (ServingState.PROBING, JobState.RUNNING),
        (ServingState.RECOVERING, JobState.RUNNING),
        (ServingState.READY, JobState.DONE),
        (ServingState.FAILED, JobState.FAILED),
        (ServingState.SLEEPING, JobState.CANCELLED),
    ],
)
def test_a_load_is_as_far_as_its_model(state: ServingState, becomes: JobState) -> None:
    """Every state of a model has its meaning for the job."""
    job = advance(JOB, (entry(state),), 9.0)
    assert job.state is becomes
    assert job.ended == (job.ended_at == 9.0)


def test_a_model_that_is_no_longer_wanted_cancels_its_load() -> None:
    """Unloading in the middle leaves no job that runs for ever."""
    assert advance(JOB, (), 9.0).state is JobState.CANCELLED


def test_a_failed_load_says_why() -> None:
    """The reason of the engine is the reason of the job."""
    failure = Failure("load_failed", "too large")
    assert advance(JOB, (entry(ServingState.FAILED, failure),), 9.0).error == failure


def test_what_has_ended_stays_ended() -> None:
    """A model that fails later does not change the load that once succeeded."""
    done = advance(JOB, (entry(ServingState.READY),), 9.0)
    assert advance(done, (entry(ServingState.FAILED),), 11.0) is done


def test_only_the_latest_ended_loads_are_kept() -> None:
    """The oldest go first; running ones and downloads are never touched."""
    ended = [Job(str(n), JobKind.LOAD, "m", JobState.DONE, float(n)) for n in range(KEPT + 3)]
    others = [JOB, Job("d", JobKind.DOWNLOAD, "m", JobState.DONE, 0.0)]
    assert old_loads([*others, *ended]) == ["0", "1", "2"]
