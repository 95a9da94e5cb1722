"""Tests every new device once by itself: after hardware, driver or engine changed, when nobody needs the machine."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace

from appliance.hardware.trials import marks
from appliance.jobs.trials import DeviceTrials
from appliance.node.snapshot import Snapshot
from appliance.node.untested import proofs, untested
from appliance.run_loop import RunLoop

log = logging.getLogger("meshbox.trials")

QUIET_SECONDS = 15.0  # nobody asked for anything for so long
LOOK_SECONDS = 1.0


class NewDevices:
    def __init__(self, loop: RunLoop, trials: DeviceTrials, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._loop = loop
        self._trials = trials
        self._quiet_seconds = quiet_seconds
        self._quiet_since: float | None = None
        self._tried: set[str] = set()  # marks of devices: one that cannot be tested is not tried for ever

    async def run(self) -> None:
        await self._trials.opened.wait()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()

    async def _look(self) -> None:
        for device, test in proofs(self._snapshot()).items():
            await self._trials.keep_self_test(device, test)
        due = self._due()
        if not due:
            self._quiet_since = None
            return
        self._quiet_since = self._quiet_since or time.monotonic()
        if time.monotonic() - self._quiet_since >= self._quiet_seconds:
            self._quiet_since = None
            await self._test(*due[0])

    def _due(self) -> list[tuple[str, str]]:
        """Devices with their marks, those left out that were tried since the start."""
        snapshot = self._snapshot()
        if not (found := untested(snapshot)) or snapshot.inventory is None or snapshot.engine_devices is None:
            return []
        mark = marks(snapshot.inventory, snapshot.engine_devices.engine)
        named = ((device, f"{device}|{mark[device]}") for device in found)
        return [(device, name) for device, name in named if name not in self._tried]

    def _snapshot(self) -> Snapshot:
        """With what was found a moment ago and is on its way into the box's own."""
        return replace(self._loop.outlook.snapshot, trials=self._trials.results())

    async def _test(self, device: str, mark: str) -> None:
        """Gives way at once when somebody asks a model something; then it is tried again later."""
        log.info("%s is new here and is tested", device)
        job = self._trials.start_self_test(device)
        self._tried.add(mark)
        while self._runs(job.id):
            if self._loop.outlook.snapshot.requests.in_flight:
                self._trials.end(job.id)
                self._tried.discard(mark)
                return
            await asyncio.sleep(LOOK_SECONDS / 10)

    def _runs(self, job_id: str) -> bool:
        job = self._trials.jobs().get(job_id)
        return job is not None and not job.ended
