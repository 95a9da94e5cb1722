"""The API's data planes beside nginx, all before the same pretended engine, in turns.

What is asked for is the cost of the way through, so a request straight to the engine is measured with them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.report import Result, median
from tests.live.box import free_ports
from tests.planes import PLANES

HERE = Path(__file__).parent
BUILT = Path("build/bench")
ROUNDS = 5
STREAMS, RATE, EVENTS = 500, 50, 150
SECONDS = 1.5
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 16000; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  keepalive_timeout 600; keepalive_requests 100000000;
  upstream engine {{ server 127.0.0.1:{engine}; keepalive 600; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the engine; `pids` is what it runs in, none when there is nothing in between."""

    name: str
    port: int
    pids: tuple[int, ...] = ()


def processor_seconds(way: Way) -> float:
    threads = [task for pid in way.pids for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in threads) / 1e9


def memory_mb(way: Way) -> float:
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in way.pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def build(name: str) -> str:
    source, target = HERE / f"{name}.c", BUILT / name
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        BUILT.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-O2", "-o", str(target), str(source)], check=True)
    return str(target)


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[int]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        until_open(port)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()


def until_open(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing listens on port {port}")
        time.sleep(0.02)


@contextlib.contextmanager
def all_ways(folder: Path) -> Iterator[list[Way]]:
    engine, *ports = free_ports(2 + len(PLANES))
    with contextlib.ExitStack() as stack:
        stack.enter_context(running([build("proxy_engine"), str(engine)], engine, folder / "engine.log"))
        ways = [Way("straight", engine)]
        if nginx := shutil.which("nginx"):
            ways.append(stack.enter_context(_nginx(nginx, ports[-1], engine, folder)))
        for plane, port in zip(PLANES, ports[:-1], strict=True):
            command = [sys.executable, "-m", "tests.bench.proxy_plane", plane, str(port), str(engine)]
            pid = stack.enter_context(running(command, port, folder / f"{plane}.log"))
            ways.append(Way(plane, port, (pid,)))
        yield ways


@contextlib.contextmanager
def _nginx(program: str, port: int, engine: int, folder: Path) -> Iterator[Way]:
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, engine=engine))
    with running([program, "-c", str(config), "-p", str(folder)], port, folder / "nginx.log") as pid:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        yield Way("nginx", port, tuple(int(child) for child in children))


def load(way: Way, connections: int, seconds: float, kind: str, events: int = 0, rate: int = 0) -> dict[str, Any]:
    """One run of the load generator, with what it cost the way."""
    words = [build("proxy_load"), way.port, connections, seconds, kind, events, rate]
    before = processor_seconds(way)
    done = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)
    said: dict[str, Any] = json.loads(done.stdout)
    if said["faults"]:
        raise RuntimeError(f"{way.name}: {said['faults']} faults: {done.stderr[:500]}")
    return {**said, "processor": processor_seconds(way) - before, "memory": memory_mb(way)}


def one_round(way: Way) -> dict[str, float]:
    single = load(way, 1, SECONDS, "whole")
    many = load(way, 32, SECONDS, "whole")
    streams = load(way, STREAMS, 1, "stream", EVENTS, RATE)
    return {
        "first_us": single["first_p50"],
        "request_us": many["processor"] / many["answers"] * 1e6,
        "chunk_us": streams["processor"] / streams["events"] * 1e6,
        "cores": streams["processor"] / streams["seconds"],
        "late_ms": streams["late_p99"] / 1000,
        "memory_mb": streams["memory"],
    }


async def bench() -> Result:
    with tempfile.TemporaryDirectory() as folder, all_ways(Path(folder)) as ways:
        measured = await asyncio.to_thread(_measure, ways)
    return _result(measured)


def _measure(ways: list[Way]) -> dict[str, dict[str, float]]:
    rounds: dict[str, list[dict[str, float]]] = {way.name: [] for way in ways}
    for _ in range(ROUNDS):
        for way in ways:
            rounds[way.name].append(one_round(way))
    return {
        name: {key: median([one[key] for one in taken]) for key in taken[0]} for name, taken in rounds.items()
    }


def _result(measured: dict[str, dict[str, float]]) -> Result:
    straight = measured.pop("straight")["first_us"]
    rows = [
        {
            "way": name,
            "added first byte us": found["first_us"] - straight,
            "CPU/request us": found["request_us"],
            "CPU/event us": found["chunk_us"],
            "cores at 500 x 50/s": found["cores"],
            "late p99 ms": found["late_ms"],
            "memory MB": found["memory_mb"],
        }
        for name, found in measured.items()
    ]
    return Result("proxy", "the API before a pretended engine, in turns with nginx", rows)
