"""What it costs to tell whether models fit: beside the engine's answer, and for a whole library as memory changes."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from appliance.hardware.types import Cpu, Gpu, Inventory, Memory
from appliance.models.gguf_header import read_header
from appliance.models.profile import make_profile
from appliance.models.types import Model, Profile
from appliance.node.fitting import verdict_on
from appliance.node.snapshot import Snapshot
from appliance.placement.fit import fit
from appliance.placement.needs import Wish
from appliance.placement.room import resources_of
from tests.bench.beside import row
from tests.bench.engines import ENGINE
from tests.bench.report import Result, Row
from tests.blueprints import HEADER, PUBLISHED, write_blueprint
from tests.builders import make_model, make_snapshot

GIB = 1 << 30
CONTEXT = 8192
ROUNDS, READINGS, MODELS = 5, 60, 100


async def bench() -> Result:
    return await asyncio.to_thread(_bench)


def _bench() -> Result:
    with tempfile.TemporaryDirectory() as folder:
        files = [write_blueprint(Path(folder) / f"{name}.gguf", plan) for name, plan in PUBLISHED.items()]
        shapes = _shapes(files)
        library = _library([_profile(file) for file in files])
    as_it_was = _timed(lambda _: _verdicts(library, _inventory(READINGS)), READINGS)
    changed = _timed(lambda at: _verdicts(library, _inventory(at)), READINGS)
    rows = [
        *shapes,
        row(f"{MODELS} models, memory as it was", as_it_was),
        row(f"{MODELS} models, memory used otherwise each time", changed, as_it_was),
    ]
    one = float(str(shapes[0]["least ms"])) / len(files) / 1000
    bar = f"{MODELS} models after a change of memory take less than the engine for one"
    return Result("fit", "does it fit?", rows, bar, min(changed) < one)


def _shapes(files: Sequence[Path]) -> list[Row]:
    """All of them in each round, so that one round is one comparison."""
    node, profiles = resources_of(_inventory(0), "box", "Box"), [_profile(file) for file in files]
    engine, known, whole = [], [], []
    for _ in range(ROUNDS):
        engine += _timed(lambda _: _ask_engine(files), 1)
        whole += _timed(lambda _: [fit(_profile(file), Wish(CONTEXT, 4), node) for file in files], 1)
        known += _timed(lambda _: [fit(profile, Wish(CONTEXT, 4), node) for profile in profiles], 1)
    return [
        row(f"{len(files)} shapes: llama-fit-params", engine),
        row(f"{len(files)} shapes: header and verdict", whole, engine),
        row(f"{len(files)} shapes: verdict alone", known, engine),
    ]


def _ask_engine(files: Sequence[Path]) -> None:
    """It ends with an error where nothing fits; that is an answer too."""
    command = [str(ENGINE / "llama-fit-params"), "--ctx-size", str(CONTEXT), "--parallel", "4"]
    for file in files:
        subprocess.run([*command, "--model", str(file)], capture_output=True, check=False)


def _profile(file: Path) -> Profile:
    with file.open("rb") as opened:
        return make_profile(read_header(opened.read(HEADER)))


def _library(profiles: Sequence[Profile]) -> Snapshot:
    """Models like those, each a little different, so that none is known from another."""
    made = (profiles[number % len(profiles)] for number in range(MODELS))
    models = tuple(_model(number, profile) for number, profile in enumerate(made))
    return make_snapshot(wanted=(), models=models)


def _model(number: int, profile: Profile) -> Model:
    context = profile.context_length - 256 * number
    own = replace(profile, context_length=context)
    return make_model(f"model-{number}", size=own.weights.total, context_length=context, profile=own)


def _verdicts(library: Snapshot, inventory: Inventory) -> None:
    snapshot = replace(library, inventory=inventory)
    assert snapshot.library is not None
    for model in snapshot.library.models:
        verdict_on(model, snapshot)


def _inventory(reading: int) -> Inventory:
    """Two cards on which something else takes more and more."""
    gpus = tuple(
        Gpu(f"pci:{number}", "Some card", "nvidia", 24 * GIB, memory_used=reading * 384 << 20) for number in range(2)
    )
    return Inventory(Cpu("Some processor", 16), Memory(128 * GIB, 100 * GIB - (reading << 30)), gpus)


def _timed(work: Callable[[int], object], rounds: int) -> list[float]:
    times = []
    for at in range(rounds):
        began = time.perf_counter()
        work(at)
        times.append(time.perf_counter() - began)
    return times
