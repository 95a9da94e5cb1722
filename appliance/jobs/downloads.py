"""Downloads as jobs: some at once, the others wait; they can be cancelled and tried again and outlive a restart."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from appliance.jobs.fetch import Fetcher
from appliance.jobs.plan import Plan
from appliance.jobs.planner import Planner
from appliance.jobs.progress import Progress
from appliance.jobs.records import Record, Records
from appliance.jobs.tidy import tidy
from appliance.models.failed import ModelProblem
from appliance.models.transfer import Patience
from appliance.node.events import Event, JobForgotten, JobReported
from appliance.node.failure import Failure
from appliance.node.jobs import Job, JobKind, JobState
from appliance.storage.errors import StorageFailed
from appliance.tasks import TaskGroup

log = logging.getLogger("meshbox.downloads")

KEPT = 50  # ended jobs
REPORT_SECONDS = 0.25
LOOK_AGAIN_SECONDS = 2.0  # whether the settings let more of them run
PLANNING = Patience(tries=4, first_s=2.0, longest_s=30.0)


@dataclass(frozen=True, slots=True)
class Tools:
    """What the downloads work with."""

    records: Records
    planner: Planner
    fetcher: Fetcher
    post: Callable[[Event], None]
    at_once: Callable[[], int]
    planning: Patience = PLANNING
    clock: Callable[[], float] = time.time


class Downloads:
    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._records: dict[str, Record] = {}
        self._progress: dict[str, Progress] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._wake, self._news = asyncio.Event(), asyncio.Event()
        self._dirty: set[str] = set()
        self._tasks = TaskGroup()

    async def open(self) -> None:
        """Those that were under way go on by themselves."""
        try:
            known = await self._tools.records.load()
        except StorageFailed as failure:
            log.error("the downloads of before could not be read: %s", failure)
            known = []
        for record in known:
            self._set(record if record.ended else replace(record, state=JobState.QUEUED))
        await tidy(self._tools.fetcher.parts_folder, self._kept_keys())
        self._tasks.start("report downloads", self._report())
        self._tasks.start("start downloads", self._schedule())

    async def close(self) -> None:
        await self._tasks.close()

    def jobs(self) -> dict[str, Job]:
        """In the order they were asked for."""
        return {record.id: self._job(record) for record in self._records.values()}

    async def start(self, text: str) -> Job:
        """The job that fetches what `text` names; the one that does already, if there is one.

        Raises BadRef, StorageFailed.
        """
        ref = self._tools.planner.parse(text)
        for record in self._records.values():
            if not record.ended and record.ref == text.strip():
                return self._job(record)
        record = Record(secrets.token_hex(8), text.strip(), str(ref), self._tools.clock())
        self._set(record)
        try:
            await self._tools.records.save(record)
        except StorageFailed:
            self._drop(record.id)
            raise
        self._wake.set()
        return self._job(record)

    async def cancel(self, job_id: str) -> Job:
        """Ends a job; what came of it is removed. An ended one stays as it is. Raises ModelProblem."""
        await self._stop(job_id)
        record = self._known(job_id)
        if not record.ended:
            record = replace(record, state=JobState.CANCELLED, ended_at=self._tools.clock())
            self._set(record)
            await self._save(record)
            await self._discard(record)
        return self._job(record)

    async def retry(self, job_id: str) -> Job:
        """Has a failed or cancelled job try again, with what came of it before. Raises ModelProblem."""
        record = self._known(job_id)
        if record.state is JobState.DONE:
            raise ModelProblem("not_failed", "This download is done; there is nothing to try again.")
        if record.ended:
            record = Record(record.id, record.ref, record.subject, record.made_at)
            self._set(record)
            await self._save(record)
            self._wake.set()
        return self._job(record)

    async def forget(self, job_id: str) -> Job:
        """Takes an ended job off the list. Raises ModelProblem."""
        record = self._known(job_id)
        if not record.ended:
            raise ModelProblem("still_running", "This download is not over. Cancel it first.")
        try:
            await self._tools.records.forget(job_id)
        except StorageFailed as failure:
            log.warning("that a download was taken off the list could not be stored: %s", failure)
        job = self._job(record)
        self._drop(job_id)
        await self._discard(record)
        return job

    def _known(self, job_id: str) -> Record:
        record = self._records.get(job_id)
        if record is None:
            raise ModelProblem("unknown_job", "There is no such job.")
        return record

    # what is shown

    def _set(self, record: Record) -> None:
        self._records[record.id] = record
        self._dirty.discard(record.id)
        self._tools.post(JobReported(self._job(record)))

    def _drop(self, job_id: str) -> None:
        self._records.pop(job_id, None)
        self._progress.pop(job_id, None)
        self._tools.post(JobForgotten(job_id))

    def _job(self, record: Record) -> Job:
        plan, progress = record.plan, self._progress.get(record.id)
        job = Job(record.id, JobKind.DOWNLOAD, record.subject, record.state, record.made_at, ended_at=record.ended_at)
        if record.error_code is not None:
            job = replace(job, error=Failure(record.error_code, record.error_detail or ""))
        if plan is not None:
            job = replace(job, total_bytes=plan.size, result=plan.model if record.state is JobState.DONE else None)
        if record.state is JobState.DONE:
            return replace(job, progress=1.0, done_bytes=job.total_bytes)
        if progress is None or record.state is not JobState.RUNNING:
            return job
        now = time.monotonic()
        return replace(
            job,
            note=progress.note,
            progress=progress.share,
            done_bytes=progress.done,
            total_bytes=progress.total,
            rate=progress.rate(now),
            eta_s=progress.eta(now),
        )

    def _changed(self, job_id: str) -> None:
        self._dirty.add(job_id)
        self._news.set()

    async def _report(self) -> None:
        """Some bytes more are told of a few times a second, not each time."""
        while True:
            await self._news.wait()
            self._news.clear()
            for job_id in self._dirty & self._records.keys():
                self._tools.post(JobReported(self._job(self._records[job_id])))
            self._dirty.clear()
            await asyncio.sleep(REPORT_SECONDS)

    # what is done

    async def _schedule(self) -> None:
        while True:
            self._wake.clear()
            queued = [r.id for r in self._records.values() if r.state is JobState.QUEUED]
            free = max(0, self._tools.at_once() - len(self._running))
            for job_id in queued[:free]:
                self._begin(job_id)
            try:
                async with asyncio.timeout(LOOK_AGAIN_SECONDS if queued[free:] else None):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _begin(self, job_id: str) -> None:
        self._progress[job_id] = Progress()
        self._set(replace(self._records[job_id], state=JobState.RUNNING))
        task = self._tasks.start(f"download {job_id}", self._run(job_id))
        self._running[job_id] = task
        task.add_done_callback(lambda _: self._finished(job_id))

    def _finished(self, job_id: str) -> None:
        self._running.pop(job_id, None)
        self._wake.set()

    async def _stop(self, job_id: str) -> None:
        task = self._running.get(job_id)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _run(self, job_id: str) -> None:
        record = self._records[job_id]
        try:
            plan = record.plan or await self._plan(job_id)
            log.info("fetching %s: %d files", record.subject, len(plan.files))
            await self._tools.fetcher.carry_out(plan, self._progress[job_id], lambda: self._changed(job_id))
        except ModelProblem as problem:
            await self._failed(job_id, problem.code, problem.detail)
        except Exception:  # the border of a task: the job tells, the log says what
            log.exception("the download of %s failed inside the box", record.subject)
            await self._failed(job_id, "internal_error", "Something went wrong inside the box; its log says what.")
        else:
            log.info("fetched %s as %s", record.subject, plan.model)
            await self._ended(replace(self._records[job_id], state=JobState.DONE))

    async def _plan(self, job_id: str) -> Plan:
        record, patience = self._records[job_id], self._tools.planning
        failures = 0
        while True:
            try:
                resolved = await self._tools.planner.resolve(self._tools.planner.parse(record.ref))
            except ModelProblem as problem:
                failures += 1
                pause = max(patience.pause(failures), problem.retry_after or 0)
                if not problem.temporary or failures >= patience.tries or pause > patience.longest_s:
                    raise
                self._progress[job_id].waits(problem.detail, pause)
                self._changed(job_id)
                await asyncio.sleep(pause)
            else:
                record = replace(self._records[job_id], plan=resolved.plan)
                self._set(record)
                await self._save(record)
                return resolved.plan

    async def _failed(self, job_id: str, code: str, detail: str) -> None:
        log.warning("download of %s: %s: %s", self._records[job_id].subject, code, detail)
        record = replace(self._records[job_id], state=JobState.FAILED, error_code=code, error_detail=detail)
        await self._ended(record)

    async def _ended(self, record: Record) -> None:
        """Stored first, then told: what was told to be over does not run again after a restart."""
        record = replace(record, ended_at=self._tools.clock())
        await self._save(record)
        self._set(record)
        ended = [r.id for r in self._records.values() if r.ended]
        for old in ended[:-KEPT]:
            await self.forget(old)

    async def _save(self, record: Record) -> None:
        try:
            await self._tools.records.save(record)
        except StorageFailed as failure:  # it goes on all the same; only a restart would not know of it
            log.warning("how a download stands could not be stored: %s", failure)

    async def _discard(self, record: Record) -> None:
        if record.plan is not None and record.state is not JobState.DONE:
            try:
                await self._tools.fetcher.discard(record.plan, self._kept_keys(but=record.id))
            except OSError as error:
                log.warning("what came of the download of %s could not be removed: %s", record.subject, error)

    def _kept_keys(self, but: str = "") -> set[str]:
        """Of files that a job still needs, or would need when it is tried again."""
        open_jobs = (r for r in self._records.values() if r.id != but and r.state is not JobState.DONE)
        return {file.key for r in open_jobs if r.plan is not None for file in r.plan.files}
