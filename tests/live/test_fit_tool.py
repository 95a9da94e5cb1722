"""What placement works out, beside `llama-fit-params`, the engine's own tool: on the processor, and on one device.

The tool prints a line for each device and one for the machine: weights, cache, and room to compute in, in whole MiB.
It makes room for the chances of every token of a batch, where the server needs those of one token a request; what that
is more is put on our side. Without a GPU the device is a worker over the network.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.models.types import Profile
from appliance.placement.needs import BATCH, F32, KvType, Wish, needs
from appliance.placement.packing import Place, lay_out
from appliance.placement.room import MIB, PROCESSOR, Device, NodeResources
from tests.blueprints import PUBLISHED, write_blueprint
from tests.live.box import ROOT, free_ports
from tests.live.test_fit import profile_of

pytestmark = pytest.mark.live

ENGINE = ROOT / "build" / "engine"
CLOSE = 0.05
BOUNDLESS = 1 << 50
SHAPES = sorted(PUBLISHED)
FORMS = pytest.mark.parametrize(
    ("context", "kv"), [(4096, KvType.F16), (32768, KvType.Q8_0)], ids=lambda value: getattr(value, "label", str(value))
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("published")

    def made(name: str) -> Path:
        path = folder / f"{name}.gguf"
        return path if path.exists() else write_blueprint(path, PUBLISHED[name])

    return made


@pytest.fixture(scope="module")
def worker() -> Iterator[str]:
    (port,) = free_ports(1)
    command = [str(ENGINE / "ggml-rpc-server"), "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not _listens(port):
            assert time.monotonic() < deadline, "nobody listens"
            time.sleep(0.02)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def tool_says(model: Path, context: int, kv: KvType, *more: str) -> dict[str, tuple[int, int, int]]:
    """Weights, cache and computing in MiB, by device."""
    words = ["--model", str(model), "--ctx-size", str(context), "--parallel", "1", "--fit-print", "on"]
    words += ["--cache-type-k", kv.label, "--cache-type-v", kv.label, *more]
    command = [str(ENGINE / "llama-fit-params"), *words]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    rows = [line.split() for line in output.splitlines()]
    return {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in rows if len(row) == 4}


def all_chances(profile: Profile, context: int, kv: KvType) -> int:
    """What the tool has room for beside what we count: the chances of each token of a batch."""
    compute = needs(profile, context, 1, kv).compute
    answers = (profile.vocabulary + profile.width) * BATCH * F32 + context * BATCH * 2
    return max(0, answers - compute)


@FORMS
@pytest.mark.parametrize("name", SHAPES)
def test_on_the_processor(name: str, context: int, kv: KvType, published: Callable[[str], Path]) -> None:
    """Weights and cache as the tool has them, and all together within five in a hundred."""
    path = published(name)
    profile = profile_of(path)
    found = needs(profile, context, 1, kv)
    weights, cache, computing = tool_says(path, context, kv)["Host"]
    assert (found.weights // MIB, found.kv // MIB) == (weights, cache)
    ours = found.total + all_chances(profile, context, kv)
    assert ours / MIB == pytest.approx(weights + cache + computing, rel=CLOSE)


@FORMS
@pytest.mark.parametrize("name", SHAPES)
def test_on_a_device(name: str, context: int, kv: KvType, published: Callable[[str], Path], worker: str) -> None:
    """What lies there, and which weights stay in the machine's memory."""
    path = published(name)
    profile = profile_of(path)
    node = NodeResources("box", "Box", (Device("gpu", "GPU", BOUNDLESS),), Device(PROCESSOR, "memory", BOUNDLESS))
    placed = lay_out(profile, Wish(context, 1, kv), node, Place.GPU).placed
    ours = {part.device.id: part.size for part in placed}
    told = tool_says(path, context, kv, "--rpc", worker, "--device", "RPC0", "--n-gpu-layers", "999")
    there = (ours["gpu"] + all_chances(profile, context, kv)) / MIB
    assert there == pytest.approx(sum(told["RPC0"]), rel=CLOSE)
    assert ours.get(PROCESSOR, 0) // MIB == told["Host"][0]
