"""Testing and measuring the processor with the real engine, and what is predicted from it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.hardware.benchmark import VOCABULARY, Round, Shape, arguments, measured
from appliance.hardware.benchmark_model import pieces
from appliance.hardware.engine_devices import parse_list, parse_places
from tests.live.box import ROOT, SELF_TEST_MODEL, Box, free_ports

pytestmark = pytest.mark.live

ENGINE = ROOT / "build" / "engine"
MODEL = ROOT / "appliance" / "models" / "bundled" / f"{SELF_TEST_MODEL}.gguf"
OTHER = Shape(1024, 4096, 16)  # of another form than what is measured with: about 270 MB in eight bits


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "other-Q8_0.gguf").write_bytes(b"".join(pieces(OTHER, "q8_0")))
    with Box(tmp_path) as one:
        one.wait_ready()
        yield one


def done(box: Box, path: str, body: object = None) -> Any:
    answer = box.manage("POST", path, body)
    assert answer.status == 202, answer.body
    job = answer.json["id"]
    box.wait(lambda: box.manage("GET", f"/api/jobs/{job}").json["ended_at"], f"the job of {path} is over", 180)
    return box.manage("GET", f"/api/jobs/{job}").json


def test_the_processor_computes_right(box: Box) -> None:
    """While the box serves, which goes on undisturbed; nothing of the test is left."""
    before = box.engines()
    assert done(box, "/api/gpus/cpu/selftest")["state"] == "done"
    test = box.manage("GET", "/api/gpus").json["cpu"]["selftest"]
    assert test["ok"] is True
    assert test["answer_ms"] > 0
    box.wait(lambda: box.engines() == before, "the engine of the test is gone")
    assert "7" in box.chat("What is 3 + 4?")


@pytest.mark.timeout(300)
def test_predicted_speed_is_about_what_is_measured(box: Box) -> None:
    """For a model of another form. Others use the machine at the same time, so the bounds are wide."""
    job = done(box, "/api/gpus/benchmark", {"gpus": ["cpu"]})
    assert job["state"] == "done", job
    bench = box.manage("GET", "/api/gpus").json["cpu"]["benchmark"]
    assert set(bench["reading"]) == {"f16", "q8_0", "q4_k"}
    assert bench["fp16_gflops"] > 0
    assert bench["fp32_gflops"] > 0
    plans = box.manage("POST", "/api/plans", {"model": "other-Q8_0", "ctx": 4096}).json["plans"]
    predicted = plans[0]["predicted"]["tokens_per_s"]
    ratio = predicted / tokens_per_second(box.folder / "models" / "other-Q8_0.gguf")
    print(f"predicted {predicted:.1f} tokens a second, {ratio:.2f} of what was measured")
    assert 0.25 < ratio < 4


def tokens_per_second(model: Path) -> float:
    one = Round("q8_0", OTHER, generate=4, repeats=10)
    cores = len(list(Path("/sys/devices/system/cpu").glob("cpu[0-9]*")))
    command = [str(ENGINE / "llama-bench"), *arguments(one, str(model), "none", cores)]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    reading = measured(one, output).reading
    assert reading is not None
    return reading / ((OTHER.elements + OTHER.width * VOCABULARY) // 32 * 34)


def test_a_device_over_the_network_is_listed_as_we_read_it() -> None:
    """The only kind of device that every machine can have: the engine's list and its log have the expected form."""
    (port,) = free_ports(1)
    command = [str(ENGINE / "ggml-rpc-server"), "-H", "127.0.0.1", "-p", str(port)]
    worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        listed = run("llama-server", "--rpc", f"127.0.0.1:{port}", "--list-devices")
        (device,) = parse_list(listed)
        assert (device.name, device.backend, device.text) == ("RPC0", "RPC", f"127.0.0.1:{port}")
        assert device.total_mib > 0
        log = run(
            *("llama-fit-params", "--rpc", f"127.0.0.1:{port}", "--model", str(MODEL)), "--device", "RPC0", "--verbose"
        )
        assert f"using device RPC0 (127.0.0.1:{port}) (unknown id) - " in log
        assert parse_places(log) == {}
        assert parse_places(log.replace("unknown id", "0000:03:00.0")) == {"RPC0": "0000:03:00.0"}
    finally:
        worker.kill()
        worker.wait()


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "nobody listens"
            time.sleep(0.02)
        else:
            return


def test_an_engine_without_devices_lists_none() -> None:
    """In words of its own."""
    assert parse_list(run("llama-server", "--list-devices")) == ()
    assert json.loads((ENGINE / "engine.json").read_text())["key"]


def run(program: str, *words: str) -> str:
    result = subprocess.run(
        [ENGINE / program, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True, timeout=60
    )
    return result.stdout
