"""Self-tests and benchmarks that somebody asked for: jobs, one at a time, whose results are kept."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp

from appliance.hardware.trials import PROCESSOR, Benchmark, SelfTest, Trial, hardware_of, in_force, marks
from appliance.jobs.device_runs import Bench, Told, benchmark, self_test
from appliance.jobs.trial_records import TrialRecords
from appliance.node.events import Event, JobForgotten, JobReported, TrialsKept
from appliance.node.failure import Failure
from appliance.node.jobs import Job, JobKind, JobState
from appliance.node.snapshot import Snapshot
from appliance.placement.matching import PinProblem
from appliance.placement.pinning import Pins, only_processor, pin
from appliance.run_loop import RunLoop
from appliance.storage.database import Database
from appliance.storage.errors import StorageFailed
from appliance.tasks import TaskGroup

log = logging.getLogger("meshbox.trials")

KINDS = frozenset({JobKind.SELFTEST, JobKind.BENCHMARK})
ALL = "all devices"
KEPT = 10  # ended jobs
LISTED_SECONDS = 40.0  # longer than the engine is waited for when it is asked
QUESTIONED = Path(__file__).parents[1] / "models" / "bundled" / "mesh-tiny-dense-Q8_0.gguf"


class CannotTry(Exception):
    """Nothing can be tried on the device; says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class DeviceTrials:
    def __init__(
        self, bench: Bench, records: TrialRecords, snapshot: Callable[[], Snapshot], post: Callable[[Event], None]
    ) -> None:
        self._bench = bench
        self._records = records
        self._snapshot = snapshot
        self._post = post
        self._turn = asyncio.Lock()
        self._jobs: dict[str, Job] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._trials: dict[str, Trial] = {}
        self._tasks = TaskGroup()
        self.opened = asyncio.Event()  # earlier results are known

    async def open(self) -> None:
        try:
            self._trials = await self._records.load()
        except StorageFailed as failure:
            log.warning("earlier results cannot be read: %s", failure.detail)
        if self._trials:
            self._post(TrialsKept(dict(self._trials)))
        self.opened.set()

    async def close(self) -> None:
        await self._tasks.close()
        await self._bench.session.close()

    def jobs(self) -> dict[str, Job]:
        return dict(self._jobs)

    def results(self) -> dict[str, Trial]:
        return dict(self._trials)

    def start_self_test(self, device: str) -> Job:
        """Asked again while it waits or runs, it is the same job."""
        return self._start(JobKind.SELFTEST, device, self._self_test)

    def start_benchmark(self, devices: tuple[str, ...]) -> Job:
        async def measure(job: Job) -> str:
            return await self._benchmark(job, devices)

        return self._start(JobKind.BENCHMARK, devices[0] if len(devices) == 1 else ALL, measure)

    def end(self, job_id: str) -> Job:
        """Cancels a job that is not over; one that is over is taken off the list."""
        job = self._jobs[job_id]
        if job.ended:
            self._forget(job_id)
        elif (task := self._running.get(job_id)) is not None:
            task.cancel()
        return job

    def _start(self, kind: JobKind, subject: str, work: Callable[[Job], Awaitable[str]]) -> Job:
        for job in self._jobs.values():
            if (job.kind, job.subject, job.ended) == (kind, subject, False):
                return job
        job = Job(secrets.token_hex(6), kind, subject, JobState.QUEUED, self._bench.clock(), note="Waiting its turn")
        self._tell(job)
        self._running[job.id] = self._tasks.start(f"{kind.value} {subject}", self._run(job, work))
        return job

    async def _run(self, job: Job, work: Callable[[Job], Awaitable[str]]) -> None:
        ended = replace(job, state=JobState.CANCELLED, note=None)
        try:
            async with self._turn:
                self._tell(replace(job, state=JobState.RUNNING, note=None))
                await self._known()
                words = await work(job)
                ended = replace(job, state=JobState.DONE, note=words, progress=1.0)
        except CannotTry as problem:
            ended = replace(job, state=JobState.FAILED, note=None, error=problem.failure)
        except Exception:  # the border of a task: the job must not stay as if it ran
            log.exception("%s of %s failed", job.kind.value, job.subject)
            failure = Failure("internal_error", "Something went wrong inside the box; its log says what.")
            ended = replace(job, state=JobState.FAILED, note=None, error=failure)
        finally:
            self._running.pop(job.id, None)
            self._tell(replace(ended, ended_at=self._bench.clock()))
            self._tidy()

    async def _known(self) -> None:
        """Right after a start, or when a GPU was put in, it takes a moment until the engine was asked about it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LISTED_SECONDS):
                while not self._listed():  # noqa: ASYNC110 - what is known has no event of its own
                    await asyncio.sleep(0.1)

    def _listed(self) -> bool:
        inventory, listed = self._snapshot().inventory, self._snapshot().engine_devices
        return inventory is not None and listed is not None and listed.hardware == hardware_of(inventory)

    async def _self_test(self, job: Job) -> str:
        pins = self._pins(job.subject)
        result = await self_test(self._bench, job.subject, pins)
        await self.keep_self_test(job.subject, result)
        if not result.ok:
            raise CannotTry(Failure(result.code or "failed", result.detail or "It could not be tested."))
        return f"It computes right; the answer took {max(1, round(result.answer_ms or 0))} ms."

    async def keep_self_test(self, device: str, test: SelfTest) -> None:
        """A result that was found elsewhere."""
        await self._keep(device, lambda trial: replace(trial, self_test=test))

    async def _benchmark(self, job: Job, devices: tuple[str, ...]) -> str:
        problems = []
        for number, device in enumerate(devices):
            result = await self._measured(device, self._part(job, number, len(devices)))
            if result.problem is not None:
                problems.append(f"{device}: {result.problem}")
        if problems:
            raise CannotTry(Failure("not_measured", " ".join(problems)))
        return "Measured."

    async def _measured(self, device: str, told: Told) -> Benchmark:
        snapshot = self._snapshot()
        try:
            pins = self._pins(device)
        except CannotTry as problem:
            return Benchmark(self._bench.clock(), problem=problem.failure.detail)
        if snapshot.inventory is None:
            return Benchmark(self._bench.clock(), problem="The hardware is not known yet.")
        result = await benchmark(self._bench, device, pins, snapshot.inventory, told)
        await self._keep(device, lambda trial: replace(trial, benchmark=result))
        return result

    def _part(self, job: Job, number: int, count: int) -> Told:
        def told(note: str, progress: float) -> None:
            whole = (number + progress) / count
            self._tell(replace(job, state=JobState.RUNNING, note=note, progress=whole))

        return told

    def _pins(self, device: str) -> Pins:
        snapshot = self._snapshot()
        if device == PROCESSOR:
            return only_processor(snapshot.engine_devices)
        pins = pin((device,), snapshot.inventory, snapshot.engine_devices) if snapshot.inventory else None
        if isinstance(pins, PinProblem):
            raise CannotTry(Failure(f"pin_{pins.code.value}", pins.detail))
        if pins is None:
            detail = "The box is still finding out which GPUs the engine can use. Try again in a moment."
            raise CannotTry(Failure("still_looking", detail))
        return pins

    async def _keep(self, device: str, change: Callable[[Trial], Trial]) -> None:
        snapshot = self._snapshot()
        if snapshot.inventory is None or snapshot.engine_devices is None:
            return
        engine = snapshot.engine_devices.engine
        mark = marks(snapshot.inventory, engine).get(device)
        if mark is None:
            return
        before = in_force(self._trials, snapshot.inventory, engine).get(device, Trial(mark))
        self._trials[device] = change(before)
        self._post(TrialsKept(dict(self._trials)))
        try:
            await self._records.save(device, self._trials[device])
        except StorageFailed as failure:
            log.warning("a result is not kept over a restart: %s", failure.detail)

    def _tell(self, job: Job) -> None:
        self._jobs[job.id] = job
        self._post(JobReported(job))

    def _tidy(self) -> None:
        for job in [job for job in self._jobs.values() if job.ended][:-KEPT]:
            self._forget(job.id)

    def _forget(self, job_id: str) -> None:
        del self._jobs[job_id]
        self._post(JobForgotten(job_id))


def make_trials(
    *,
    engine: Path,
    owner: str,
    database: Database,
    loop: RunLoop,
    cores: Callable[[], int],
    model: Path = QUESTIONED,
) -> DeviceTrials:
    """To be called where an event loop runs."""
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), trust_env=False)
    bench = Bench(engine=engine, model=model, owner=owner, session=session, cores=cores)
    return DeviceTrials(bench, TrialRecords(database), lambda: loop.outlook.snapshot, loop.post)
