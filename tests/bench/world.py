"""A large box: 100 peers, 30 models, 8 GPUs, 50 issues, a day of activity."""

from __future__ import annotations

import logging
import random
import time
from dataclasses import replace

from appliance.activity.types import Ended, Reading
from appliance.hardware.types import Cpu, Gpu, Inventory, Memory
from appliance.models.types import BrokenFile, Library
from appliance.node.failure import Failure
from appliance.node.jobs import Job, JobKind, JobState
from appliance.node.snapshot import Child, ChildState, Snapshot
from tests.app.web.harness import Web
from tests.builders import make_child, make_model, make_snapshot, with_child
from tests.peers import make_links, make_peers

GIB = 1 << 30
PEERS, MODELS, SERVED, BROKEN, FAILED, GPUS = 100, 30, 24, 40, 10, 8
NAMES = tuple(f"Some-Model-{number}B-Instruct-Q4_K_M" for number in range(MODELS))
DAY = 86_400


def large_snapshot() -> Snapshot:
    peers = make_peers(PEERS)
    models = tuple(make_model(name, size=4 * GIB, quantisation="Q4_K_M") for name in NAMES)
    broken = tuple(BrokenFile(f"broken-{n}", f"/models/broken-{n}.gguf", "It ends too early.") for n in range(BROKEN))
    base = make_snapshot(
        wanted=NAMES[:SERVED],
        models=models,
        inventory=inventory(0),
        peers={peer.id: peer for peer in peers},
        links=make_links(peers),
        jobs={job.id: job for job in _jobs()},
    )
    snapshot = replace(base, library=Library(models, broken))
    for number, name in enumerate(NAMES[:SERVED]):
        snapshot = with_child(snapshot, _child(snapshot, name, failed=number < FAILED))
    return snapshot


def inventory(reading: int) -> Inventory:
    """The same cards, each time with other readings."""
    chance = random.Random(reading)
    gpus = tuple(
        Gpu(
            f"GPU-{number}",
            "NVIDIA GeForce RTX 4090",
            "nvidia",
            24 * GIB,
            chance.randrange(24 * GIB),
            utilisation=chance.random(),
            temperature=chance.uniform(40, 85),
            power=chance.uniform(50, 400),
        )
        for number in range(GPUS)
    )
    return Inventory(Cpu("Some processor", 32), Memory(256 * GIB, chance.randrange(256 * GIB)), gpus)


def fill(web: Web) -> None:
    """A day of requests and readings, and a full log."""
    now = time.time()
    for number in range(DAY // 60):
        at = now - DAY + number * 60
        web.activity.history.add_reading(at, Reading(60.0, in_flight=3, memory=9e9, gpus=inventory(number).gpus))
        web.activity.request_ended(_ended(at, number))
    for number in range(2000):
        web.logs.emit(_record(number))


def _ended(at: float, number: int) -> Ended:
    return Ended(
        at=at,
        id=f"request-{number}",
        model=NAMES[number % MODELS],
        endpoint="/v1/chat/completions",
        route="solo",
        address="192.168.1.20",
        status=200 if number % 20 else 500,
        stream=True,
        seconds=3.0,
        tokens_in=400,
        tokens_out=200,
        first_token=0.2,
        generating=2.8,
        speed=71.0,
    )


def _record(number: int) -> logging.LogRecord:
    return logging.LogRecord("meshbox.engine", logging.INFO, "", 0, "slot %d is processing a request", (number,), None)


def _child(snapshot: Snapshot, name: str, *, failed: bool) -> Child:
    if failed:
        tail = ("loading the model", "out of memory")
        return make_child(snapshot, name, ChildState.FAILED, failure=Failure("load_failed", "No memory.", tail))
    return make_child(snapshot, name, answer_ms=12.0, context=32_768)


def _jobs() -> list[Job]:
    states = (JobState.RUNNING, JobState.QUEUED, JobState.DONE)
    return [
        Job(f"job-{n}", JobKind.DOWNLOAD, NAMES[n], states[n % 3], 0.0, done_bytes=GIB, total_bytes=4 * GIB, rate=1e7)
        for n in range(6)
    ]
