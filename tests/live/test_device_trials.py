"""Testing and measuring the processor with the real engine, and what is predicted from it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.hardware.benchmark import Round, Shape, arguments
from appliance.hardware.benchmark_model import pieces
from appliance.hardware.engine_devices import parse_list, parse_places
from appliance.hardware.engine_layout import HOST
from appliance.supervisor.llama_server import LaidOut, read_line
from tests.live.box import ROOT, SELF_TEST_MODEL, Box, free_ports

pytestmark = pytest.mark.live

ENGINE = ROOT / "build" / "engine"
MODEL = ROOT / "appliance" / "models" / "bundled" / f"{SELF_TEST_MODEL}.gguf"
TRIES = 5
OTHER = Shape(1024, 4096, 16)  # of another form than what is measured with: about 270 MB in eight bits


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "other-Q8_0.gguf").write_bytes(b"".join(pieces(OTHER, "q8_0")))
    with Box(tmp_path) as one:
        one.wait_ready()
        yield one


def test_the_model_that_is_served_proves_the_processor(box: Box) -> None:
    """Without a test of its own; and the page says where the model lies, as its engine said."""
    box.wait(lambda: box.manage("GET", "/api/gpus").json["cpu"]["selftest"], "the processor was tested")
    assert box.manage("GET", "/api/gpus").json["cpu"]["selftest"]["ok"] is True
    assert box.manage("GET", "/api/jobs").json["jobs"] == []
    page = box.manage("GET", "/gpus").body.decode()
    assert re.search(rf"{SELF_TEST_MODEL} \(\d+ MiB\)", page)


@pytest.mark.timeout(180)
def test_a_processor_that_nothing_has_proven_is_tested_by_itself(tmp_path: Path) -> None:
    """Once, while the box has nothing to do; over a restart it stays tested, and nothing of the test is left."""
    nothing = json.dumps({"serving": {"models": []}})
    with Box(tmp_path, MESHBOX_SETTINGS=nothing) as box:
        box.wait(lambda: box.manage("GET", "/api/gpus").json["cpu"]["selftest"], "it was tested", 90)
        (job,) = box.manage("GET", "/api/jobs").json["jobs"]
        assert (job["kind"], job["subject"]) == ("selftest", "cpu")
        box.wait(lambda: not box.engines(), "its engine is gone")
        before = box.manage("GET", "/api/gpus").json["cpu"]["selftest"]
        assert before["ok"] is True
    with Box(tmp_path) as box:
        box.wait(lambda: box.manage("GET", "/api/gpus").json["cpu"]["selftest"] == before, "the result is known")


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
    """For a model of another form. Others use the machine at the same time: of both the best of some tries counts."""
    predicted = measured = 0.0
    for _ in range(TRIES):
        predicted = max(predicted, predicted_speed(box))
        measured = max(measured, tokens_per_second(box.folder / "models" / "other-Q8_0.gguf"))
        print(f"predicted {predicted:.1f} tokens a second, {predicted / measured:.2f} of what was measured")
        if 0.5 < predicted / measured < 2:
            return
    raise AssertionError(f"predicted {predicted}, measured {measured}")


def predicted_speed(box: Box) -> float:
    """By the plan, after the processor was measured."""
    job = done(box, "/api/gpus/benchmark", {"gpus": ["cpu"]})
    assert job["state"] == "done", job
    bench = box.manage("GET", "/api/gpus").json["cpu"]["benchmark"]
    assert set(bench["reading"]) == {"f16", "q8_0", "q4_k"}
    assert bench["fp16_gflops"] > 0
    assert bench["fp32_gflops"] > 0
    plans = box.manage("POST", "/api/plans", {"model": "other-Q8_0", "ctx": 4096}).json["plans"]
    return float(plans[0]["predicted"]["tokens_per_s"])


def tokens_per_second(model: Path) -> float:
    """As llama-bench says; its best."""
    one = Round("q8_0", OTHER, generate=2, repeats=16)
    command = [str(ENGINE / "llama-bench"), *arguments(one, str(model), "none", len(os.sched_getaffinity(0)))]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    (result,) = json.loads(output)
    return max(float(rate) for rate in result["samples_ts"])


@pytest.fixture
def worker() -> Iterator[str]:
    """A device over the network: the only kind that every machine can have."""
    (port,) = free_ports(1)
    command = [str(ENGINE / "ggml-rpc-server"), "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def test_a_device_is_listed_as_we_read_it(worker: str) -> None:
    """The engine's list and its log have the form that is expected."""
    (device,) = parse_list(run("llama-server", "--rpc", worker, "--list-devices"))
    assert (device.name, device.backend, device.text) == ("RPC0", "RPC", worker)
    assert device.total_mib > 0
    log = run("llama-fit-params", "--rpc", worker, "--model", str(MODEL), "--device", "RPC0", "--verbose")
    assert f"using device RPC0 ({worker}) (unknown id) - " in log
    assert parse_places(log) == {}
    assert parse_places(log.replace("unknown id", "0000:03:00.0")) == {"RPC0": "0000:03:00.0"}


def test_an_engine_says_where_it_lies_as_we_read_it(worker: str) -> None:
    """On a device, with what stays in the machine's memory; the table of tokens is a copy there when it is also used
    for the output."""
    told = run("llama-fit-params", "--rpc", worker, "--model", str(MODEL), "--device", "RPC0", "--log-jsonl")
    (notice,) = [notice for line in told.splitlines() if isinstance(notice := read_line(line), LaidOut)]
    on_device, at_home = notice.layout
    assert (on_device.device, at_home.device) == ("RPC0", HOST)
    assert on_device.weights_mib > 0
    assert on_device.total_mib > on_device.weights_mib


def test_the_engine_keeps_a_limit(worker: str) -> None:
    """What it is told to leave free on a device stays free: layers go to the processor instead."""
    (device,) = parse_list(run("llama-server", "--rpc", worker, "--list-devices"))
    given = ("--rpc", worker, "--model", str(MODEL), "--device", "RPC0")
    layers = {margin: layers_on_device(*given, "--fit-target", str(margin)) for margin in (1, device.total_mib - 5)}
    assert layers[1] == "-1"  # all
    assert int(layers[device.total_mib - 5]) in (0, 1)
    assert layers_on_device(*given, "--fit", "off", "--n-gpu-layers", "all") == "-2"  # all, whatever there is


def layers_on_device(*words: str) -> str:
    found = re.search(r"^-c \d+ -ngl (-?\d+)", run("llama-fit-params", *words), re.MULTILINE)
    assert found is not None
    return found[1]


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
