"""Looks around at intervals and reports what changed: hardware, model files, the engine's binaries, load."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from appliance.hardware.engine_devices import EngineDevices
from appliance.hardware.trials import hardware_of
from appliance.hardware.types import Inventory
from appliance.models.types import Library
from appliance.node.events import (
    EngineDevicesListed,
    Event,
    GiveWayAsked,
    HardwareProbed,
    JobForgotten,
    JobReported,
    LibraryScanned,
    LoadMeasured,
    SleepAsked,
    TroubleEnded,
    TroubleFound,
)
from appliance.node.loads import advance, old_loads
from appliance.node.making_room import making_room
from appliance.node.serving import ServingState
from appliance.node.snapshot import RequestLoad, TroubleKind
from appliance.run_loop import Outlook, RunLoop
from appliance.storage.errors import StorageFailed
from appliance.supervisor.binaries import engine_trouble

log = logging.getLogger("meshbox.watch")

HARDWARE_SECONDS = 2.0
LIBRARY_SECONDS = 3.0
ENGINE_SECONDS = 5.0
LOAD_SECONDS = 0.5
IDLE_SECONDS = 5.0
ROOM_SECONDS = 0.1
ASK_AGAIN_SECONDS = 60.0

Post = Callable[[Event], None]
T = TypeVar("T")


async def watch_hardware(probe: Callable[[], Inventory], loop: RunLoop) -> None:
    """Looks anew at once when an engine is gone: somebody may wait for its memory."""
    await _follow(probe, lambda seen: loop.post(HardwareProbed(seen)), lambda: _until_an_engine_is_gone(loop))


async def _until_an_engine_is_gone(loop: RunLoop) -> None:
    before = loop.outlook.snapshot.children.keys()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HARDWARE_SECONDS):
            async for outlook in loop.watch():
                if not before <= outlook.snapshot.children.keys():
                    return


async def watch_engine_devices(loop: RunLoop, read: Callable[[Inventory], EngineDevices]) -> None:
    """Asks the engine which GPUs it can use, and again when the hardware changed or it could not be asked."""
    asked_at = 0.0
    while True:
        snapshot, known = loop.outlook.snapshot, loop.outlook.snapshot.engine_devices
        if snapshot.inventory is not None and TroubleKind.ENGINE_MISSING not in snapshot.troubles:
            changed = known is None or known.hardware != hardware_of(snapshot.inventory)
            again = known is not None and known.trouble is not None and time.monotonic() - asked_at > ASK_AGAIN_SECONDS
            if changed or again:
                loop.post(EngineDevicesListed(await asyncio.to_thread(read, snapshot.inventory)))
                asked_at = time.monotonic()
        await asyncio.sleep(LOAD_SECONDS)


async def watch_library(scan: Callable[[], Library], post: Post, touched: asyncio.Event | None = None) -> None:
    """Looks anew at once when Meshbox itself brought or removed files."""
    touch = touched or asyncio.Event()

    async def pause() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIBRARY_SECONDS):
                await touch.wait()
        touch.clear()

    def tell(seen: Library) -> None:
        post(LibraryScanned(seen))
        report_trouble(post, TroubleKind.MODELS_UNREADABLE, seen.unreadable)

    await _follow(scan, tell, pause)


async def _follow(look: Callable[[], T], tell: Callable[[T], None], pause: Callable[[], Awaitable[None]]) -> None:
    """Looks in a thread, again and again, and tells what is new; one look that fails is not the last."""
    last: T | None = None
    while True:
        try:
            seen = await asyncio.to_thread(look)
        except Exception:  # the border of a task: what is known stays in force
            log.exception("a look around failed")
        else:
            if seen != last:
                last = seen
                tell(seen)
        await pause()


async def watch_engine(folder: Path, post: Post) -> None:
    """Looks until the engine is found: it does not go away by itself, and a crash is noticed elsewhere."""
    last: str | None = None
    while True:
        trouble = await asyncio.to_thread(engine_trouble, folder)
        if trouble != last:
            last = trouble
            report_trouble(post, TroubleKind.ENGINE_MISSING, trouble)
            log.log(logging.ERROR if trouble else logging.INFO, "engine: %s", trouble or f"found in {folder}")
        if trouble is None:
            return
        await asyncio.sleep(ENGINE_SECONDS)


async def watch_load(measure: Callable[[], RequestLoad], post: Post) -> None:
    last: RequestLoad | None = None
    while True:
        seen = measure()
        if seen != last:
            last = seen
            post(LoadMeasured(seen))
        await asyncio.sleep(LOAD_SECONDS)


async def follow_loads(loop: RunLoop) -> None:
    """Tells how far each load is that somebody asked for."""
    async for outlook in loop.watch():
        for job in outlook.snapshot.jobs.values():
            if (moved := advance(job, outlook.decision.serving, time.time())) != job:
                loop.post(JobReported(moved))
        for forgotten in old_loads(outlook.snapshot.jobs.values()):
            loop.post(JobForgotten(forgotten))


async def watch_room(loop: RunLoop, idle_for: Callable[[str], float | None]) -> None:
    """Has models that nobody uses make room for one that somebody waits for, the longest unused first."""
    while True:
        await _until_somebody_waits_for_room(loop)
        for model in making_room(loop.outlook.snapshot, loop.outlook.decision.serving, idle_for, time.time()):
            log.info("%s makes room for a model that is asked for", model)
            loop.post(GiveWayAsked(model))
        await asyncio.sleep(ROOM_SECONDS)


async def _until_somebody_waits_for_room(loop: RunLoop) -> None:
    async for outlook in loop.watch():
        if any(entry.waits_for_room for entry in outlook.decision.serving):
            return


async def watch_idle(loop: RunLoop, idle_for: Callable[[str], float | None]) -> None:
    """Puts models to sleep that nobody has asked for so long."""
    while True:
        for model in idle_models(loop.outlook, idle_for, time.time()):
            log.info("%s sleeps: nobody asked for it for a while", model)
            loop.post(SleepAsked(model))
        await asyncio.sleep(IDLE_SECONDS)


def idle_models(outlook: Outlook, idle_for: Callable[[str], float | None], now: float) -> list[str]:
    serving = outlook.snapshot.settings.serving
    found = []
    for entry in outlook.decision.serving:
        own = serving.per_model.get(entry.model)
        minutes = serving.sleep_after_min if own is None or own.sleep_after_min is None else own.sleep_after_min
        if not minutes or entry.state is not ServingState.READY or entry.child is None:
            continue
        since_ready, idle = now - entry.child.since, idle_for(entry.model)
        if min(since_ready, since_ready if idle is None else idle) >= minutes * 60:
            found.append(entry.model)
    return found


def report_trouble(post: Post, kind: TroubleKind, detail: str | None) -> None:
    post(TroubleEnded(kind) if detail is None else TroubleFound(kind, detail))


def report_storage(post: Post, failure: StorageFailed | None) -> None:
    """Tells how the last attempt to store something went."""
    for code, kind in (("disk_full", TroubleKind.DISK_FULL), ("not_writable", TroubleKind.DATA_NOT_WRITABLE)):
        report_trouble(post, kind, failure.detail if failure is not None and failure.code == code else None)
