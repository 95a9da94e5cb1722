"""What placement works out, beside what the engine says of itself.

The engine first lays a model out without reading any weight, and reports what it would take; so models of any size are
compared, from files that are nothing but a header.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.models.gguf_header import read_header
from appliance.models.profile import make_profile
from appliance.models.types import Profile
from appliance.placement.needs import KvType, Needs, needs
from tests.blueprints import HEADER, PUBLISHED, write_blueprint
from tests.live.box import ROOT, free_ports
from tests.unit.models.gguf_files import BUNDLED, MODELS

pytestmark = pytest.mark.live

ENGINE = ROOT / "build" / "engine" / "llama-server"
SECONDS = 30
REAL = sorted([*BUNDLED.glob("*.gguf"), *MODELS.glob("mesh-tiny-*.gguf")])
REAL = [path for path in REAL if "imatrix" not in path.name]
CLOSE = 0.05
_CACHE = re.compile(r"size = +([\d.]+) MiB \( *\d+ cells, +\d+ layers")
_COMPUTE = re.compile(r"compute buffer size = +([\d.]+) MiB")
_WEIGHTS = re.compile(r"model buffer size = +([\d.]+) MiB")


@dataclass
class Report:
    """In MiB."""

    weights: float = 0.0
    kv: float = 0.0
    compute: float = 0.0

    def read(self, line: str) -> bool:
        """Whether this was the last line that matters."""
        if match := _WEIGHTS.search(line):
            self.weights += float(match[1])
        elif match := _CACHE.search(line):
            self.kv += float(match[1])
        elif match := _COMPUTE.search(line):
            self.compute += float(match[1])
        return self.compute > 0


def engine_says(model: Path, context: int, slots: int, kv: KvType, *more: str) -> Report:
    report, log = Report(), []
    arguments = ["--model", str(model), "--ctx-size", str(context), "--parallel", str(slots), "--kv-unified"]
    arguments += ["--cache-type-k", kv.label, "--cache-type-v", kv.label, "--port", str(free_ports(1)[0])]
    process = subprocess.Popen(
        [str(ENGINE), *arguments, "--offline", "--no-ui", "--verbose", *more],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    deadline = time.monotonic() + SECONDS
    try:
        assert process.stdout
        for line in process.stdout:
            log.append(line)
            if report.read(line) or time.monotonic() > deadline:
                break
    finally:
        process.kill()
        process.communicate()
    assert report.compute, "".join(log[-20:])
    return report


def profile_of(path: Path) -> Profile:
    with path.open("rb") as file:
        return make_profile(read_header(file.read(HEADER)))


def mib(amount: int) -> float:
    return amount / (1 << 20)


def close(amount: int) -> object:
    """In models of a few megabytes, how the allocator fills its gaps shows."""
    return pytest.approx(mib(amount), rel=CLOSE, abs=0.3)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("published")

    def made(name: str) -> Path:
        path = folder / f"{name}.gguf"
        return path if path.exists() else write_blueprint(path, PUBLISHED[name])

    return made


@pytest.mark.parametrize(
    ("context", "slots", "kv"),
    [(4096, 4, KvType.F16), (32768, 2, KvType.Q8_0), (131072, 1, KvType.F16), (16384, 8, KvType.Q4_0)],
    ids=lambda value: getattr(value, "label", str(value)),
)
@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_models_of_real_size(name: str, context: int, slots: int, kv: KvType, published: Callable[[str], Path]) -> None:
    """Cache and room to compute in, for every kind of attention, of experts and of states."""
    path = published(name)
    told = engine_says(path, context, slots, kv)
    found = needs(profile_of(path), context, slots, kv)
    assert mib(found.kv) == pytest.approx(told.kv, rel=0.001, abs=0.02)  # the engine rounds to hundredths
    assert told.compute == close(found.compute)


@pytest.mark.parametrize("kv", [KvType.F16, KvType.Q8_0], ids=lambda kv: str(kv.label))
@pytest.mark.parametrize("context", [256, 1024])
@pytest.mark.parametrize("path", REAL, ids=lambda path: str(path.stem))
def test_models_that_are_really_loaded(path: Path, context: int, kv: KvType) -> None:
    """Weights too: what lies in the file lies in memory."""
    told = engine_says(path, context, 4, kv, "--fit", "off")
    found: Needs = needs(profile_of(path), context, 4, kv)
    assert told.weights == close(found.weights)
    assert told.kv == close(found.kv)
    assert told.compute == close(found.compute)
