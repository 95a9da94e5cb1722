"""What our patches add to the engine, asked of the engine itself, and what happens where it cannot be had."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from native.build import MANIFEST
from native.pin import NATIVE, read_features, read_series
from tests.live.box import free_ports

ENGINE = NATIVE.parent / "build" / "engine"
MODEL = NATIVE.parent / "appliance" / "models" / "bundled" / "mesh-tiny-dense-Q8_0.gguf"
SECONDS = 60.0
CHOSEN = re.compile(r"loaded CPU backend from (\S+)")


def processor_part(files: str | None) -> Path:
    """Which variant for the processor an engine loads that was named these files."""
    environment = {name: value for name, value in os.environ.items() if name != "GGML_BACKEND_FILES"}
    if files is not None:
        environment["GGML_BACKEND_FILES"] = files
    done = subprocess.run(
        [ENGINE / "llama-bench", "-m", MODEL, "-p", "1", "-n", "0", "-r", "1", "-t", "1"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    found = CHOSEN.findall(done.stderr)
    assert len(found) == 1, done.stderr
    return Path(found[0])


@contextlib.contextmanager
def server(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    (port,) = free_ports(1)
    command = [str(ENGINE / "llama-server"), "--model", str(MODEL), "--port", str(port), "--threads", "1", *arguments]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process, port
        finally:
            process.kill()


def lines_until_loaded(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if "model loaded" in line:
            return lines
    raise AssertionError("".join(lines))


def test_the_part_that_is_named_is_taken() -> None:
    """Even one that suits less than another would."""
    best = processor_part(None)
    other = next(path for path in sorted(ENGINE.glob("libggml-cpu-*.so")) if runs_here(path) and path != best)
    assert processor_part(str(other)) == other


def runs_here(part: Path) -> bool:
    """The plainest variant of each processor family runs everywhere."""
    return part.name in ("libggml-cpu-x64.so", "libggml-cpu-armv8.0_1.so")


@pytest.mark.parametrize("named", ["libggml-cpu-of-a-later-day.so", "libggml-rpc.so", MANIFEST, ""])
def test_where_no_named_part_serves_the_engine_looks_for_itself(named: str) -> None:
    """A file that is gone, one for something else, one that is no library, and none."""
    assert processor_part(str(ENGINE / named) if named else "") == processor_part(None)


def test_a_server_tells_what_lies_where_without_the_fit() -> None:
    """While it loads, as with the fit."""
    with server("--fit", "off", "--log-jsonl") as (process, _):
        lines = lines_until_loaded(process)
    (report,) = [record for line in lines if (record := _record(line)).get("type") == "fit_memory_breakdown"]
    (host,) = [row for row in report["data"]["rows"] if row["kind"] == "host"]
    assert host["model"] > 0
    assert host["context"] > 0


def _record(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def test_a_template_is_analysed_once() -> None:
    """However many ask; what it found serves requests with tools as well."""
    with server("--verbose") as (process, port):
        lines = lines_until_loaded(process)
        answers = [ask(port), ask(port), ask(port, tools=[TOOL])]
        process.terminate()
        assert process.stdout is not None
        lines += process.stdout.readlines()
    assert sum("Reasoning & Content Structure" in line for line in lines) == 1
    assert answers[0] == answers[1]


TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def ask(port: int, **more: object) -> str:
    body = {"messages": [{"role": "user", "content": "What is 3 + 4?"}], "temperature": 0, "max_tokens": 4, **more}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        return str(json.load(response)["choices"][0]["message"])


def test_a_server_whose_parent_is_gone_does_not_start() -> None:
    """Whoever started it ended before it could ask to end with him."""
    with server(LLAMA_SERVER_PARENT="1") as (process, _):
        assert process.wait(SECONDS) == 1


def test_the_kernel_ends_a_server_with_its_parent(tmp_path: Path) -> None:
    """Without its help: it is stopped, and reads nothing."""
    (port,) = free_ports(1)
    command = [str(ENGINE / "llama-server"), "--model", str(MODEL), "--port", str(port), "--threads", "1"]
    starter = tmp_path / "starter.py"
    starter.write_text(STARTER)
    with subprocess.Popen([sys.executable, starter, *command], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        engine = int(parent.stdout.readline())
        while "model loaded" not in (line := parent.stdout.readline()):
            assert line
        os.kill(engine, signal.SIGSTOP)
        parent.kill()
        deadline = time.monotonic() + SECONDS
        while runs(engine):
            assert time.monotonic() < deadline, "the engine outlives its parent"
            time.sleep(0.02)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


STARTER = """
import os, subprocess, sys
environment = os.environ | {"LLAMA_SERVER_PARENT": str(os.getpid())}
engine = subprocess.Popen(sys.argv[1:], env=environment, stderr=subprocess.STDOUT)
print(engine.pid, flush=True)
engine.wait()
"""


def test_the_engine_says_which_of_this_it_has() -> None:
    """What the box counts on only where it is said."""
    manifest = json.loads((ENGINE / MANIFEST).read_text())
    assert manifest["features"] == read_features(read_series()) == ["ends-with-parent"]
