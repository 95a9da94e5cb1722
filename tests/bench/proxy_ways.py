"""The ways to an engine that are measured: straight, through nginx, through a router in Go, through our data planes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.live.box import free_ports
from tests.planes import PLANES

HERE = Path(__file__).parent
BUILT = Path("build/bench")
STRAIGHT, NGINX, ROUTER = "straight", "nginx", "Go router"
NGINX_CONFIG = """
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
    location / {{
      proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the engine; `pids` is what it runs in, none when there is nothing in between."""

    name: str
    port: int
    pids: tuple[int, ...] = ()

    def processor_seconds(self) -> float:
        threads = [task for pid in self.pids for task in Path(f"/proc/{pid}/task").iterdir()]
        return sum(int((task / "schedstat").read_text().split()[0]) for task in threads) / 1e9

    def memory_mb(self) -> float:
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids)
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def all_ways(folder: Path) -> Iterator[list[Way]]:
    (engine,) = free_ports(1)
    with contextlib.ExitStack() as stack:
        stack.enter_context(running([build("proxy_engine"), str(engine)], engine, folder / "engine.log"))
        ways = [Way(STRAIGHT, engine)]
        if nginx := shutil.which(NGINX):
            ways.append(stack.enter_context(_nginx(nginx, engine, folder)))
        if go := shutil.which("go"):
            ways.append(stack.enter_context(_router(go, engine, folder)))
        ways += [stack.enter_context(plane_way(plane, engine, folder)) for plane in PLANES]
        yield ways


@contextlib.contextmanager
def plane_way(plane: str, engine: int, folder: Path) -> Iterator[Way]:
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "tests.bench.proxy_plane", plane, str(port), str(engine)]
    with running(command, port, folder / f"{plane}.log") as pid:
        yield Way(plane, port, (pid,))


@contextlib.contextmanager
def _nginx(program: str, engine: int, folder: Path) -> Iterator[Way]:
    (port,) = free_ports(1)
    config = folder / "nginx.conf"
    config.write_text(NGINX_CONFIG.format(folder=folder, port=port, engine=engine))
    with running([program, "-c", str(config), "-p", str(folder)], port, folder / "nginx.log") as pid:
        workers: list[str] = []
        while not workers:  # it listens before they are there
            workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        yield Way(NGINX, port, tuple(int(worker) for worker in workers))


@contextlib.contextmanager
def _router(go: str, engine: int, folder: Path) -> Iterator[Way]:
    (port,) = free_ports(1)
    program = folder / "router"
    subprocess.run([go, "build", "-o", str(program), str(HERE / "proxy_router.go")], check=True)
    with running([str(program), str(port), str(engine)], port, folder / "router.log") as pid:
        yield Way(ROUTER, port, (pid,))


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[int]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _until_open(port)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()


def _until_open(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing listens on port {port}")
        time.sleep(0.02)


def build(name: str) -> str:
    source, target = HERE / f"{name}.c", BUILT / name
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        BUILT.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-O2", "-o", str(target), str(source)], check=True)
    return str(target)


def load(way: Way, connections: int, seconds: float, kind: str, events: int = 0, rate: int = 0) -> dict[str, Any]:
    """One run of the load generator, with what it cost the way."""
    words = [build("proxy_load"), way.port, connections, seconds, kind, events, rate]
    before = way.processor_seconds()
    done = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)
    said: dict[str, Any] = json.loads(done.stdout)
    if said["faults"]:
        raise RuntimeError(f"{way.name}: {said['faults']} faults: {done.stderr[:500]}")
    return {**said, "processor": way.processor_seconds() - before, "memory": way.memory_mb()}


@contextlib.contextmanager
def idle_connections(way: Way, count: int) -> Iterator[None]:
    """So many connections that say nothing."""
    words = [build("proxy_load"), way.port, count, 3600, "idle", 0, 0]
    process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        if process.stdout.readline() != b"connected\n":
            raise RuntimeError(f"{way.name} does not hold {count} connections")
        yield
    finally:
        process.kill()
        process.communicate()
