"""A real box as a process, for tests: own folders, own ports, its log kept and shown when a test fails."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from appliance.storage.identity import load_or_create, node_id
from appliance.supervisor.llama_server import OWNER_MARK

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"
SELF_TEST_MODEL = "mesh-tiny-dense-Q8_0"


class Answer:
    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers.items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Box:
    """`with Box(tmp_path) as box:` starts it and waits until the page answers."""

    def __init__(self, folder: Path, *, claimed: bool = True, **environment: str) -> None:
        self.folder = folder
        self.web_port, self.api_port, self.mesh_port = free_ports(3)
        self.environment = {
            "MESHBOX_DATA": str(folder / "data"),
            "MESHBOX_MODELS": str(folder / "models"),
            "MESHBOX_BIND": "127.0.0.1",
            "MESHBOX_WEB_PORT": str(self.web_port),
            "MESHBOX_API_PORT": str(self.api_port),
            "MESHBOX_MESH_PORT": str(self.mesh_port),
        }
        if claimed:
            self.environment["MESHBOX_ADMIN_PASSWORD"] = PASSWORD
        self.environment |= environment
        self.lines: list[str] = []
        self._token: str | None = None
        (folder / "models").mkdir(parents=True, exist_ok=True)

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def setup_code(self) -> str:
        found = re.search(r"with the code: (\S+)", self.wait_for_line("with the code: "))
        assert found is not None
        return found[1]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> Self:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MESHBOX_")} | self.environment
        self.process = subprocess.Popen(
            [sys.executable, "-m", "appliance", "run"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read_log, args=(self.process,), daemon=True)
        self._reader.start()
        return self

    def _read_log(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr as log:
            for line in log:
                self.lines.append(line.rstrip("\n"))

    def __enter__(self) -> Self:
        self.start()
        self.wait(lambda: self.get("/healthz").status == 200, "the page answers")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(f"\n--- log of the box in {self.folder} ---", *self.lines, sep="\n")
        self.stop()

    def stop(self, number: signal.Signals = signal.SIGTERM, patience: float = 40) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self._reader.join(5)
        return code

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if condition():
                    return
            except (OSError, ValueError, KeyError, IndexError):
                pass
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {what}\n" + "\n".join(self.lines))
            if self.process.poll() is not None and "ended" not in what:
                raise AssertionError(
                    f"the box ended with {self.process.returncode} before: {what}\n" + "\n".join(self.lines)
                )
            time.sleep(0.02)

    def wait_for_line(self, part: str, seconds: float = 30) -> str:
        self.wait(lambda: any(part in line for line in self.lines), f"log line with {part!r}", seconds)
        return next(line for line in self.lines if part in line)

    def wait_ready(self, model: str = SELF_TEST_MODEL, seconds: float = 30) -> dict[str, Any]:
        """Waits until the model is served; returns its entry of /api/status."""
        self.wait(lambda: self.entry(model)["state"] == "ready", f"{model} is ready", seconds)
        return self.entry(model)

    def entry(self, model: str = SELF_TEST_MODEL) -> dict[str, Any]:
        serving = self.manage("GET", "/api/status").json["serving"]
        return dict({e["model"]: e for e in serving}[model])

    def issues(self) -> dict[str, dict[str, Any]]:
        return {issue["id"]: issue for issue in self.manage("GET", "/api/status").json["issues"]}

    def manage(self, method: str, path: str, body: object = None) -> Answer:
        """A call of the management API, logged in."""
        if self._token is None:
            answer = request("POST", self.web_url + "/api/login", {"password": PASSWORD})
            assert answer.status == 200, answer.body
            self._token = str(answer.json["token"])
        return request(method, self.web_url + path, body, {"Authorization": f"Bearer {self._token}"})

    def get(self, path: str) -> Answer:
        return request("GET", self.web_url + path)

    def ask(self, path: str, body: object, **headers: str) -> Answer:
        """A call of the API on the API port."""
        return request("POST", self.api_url + path, body, headers)

    def chat(self, question: str, model: str = SELF_TEST_MODEL) -> str:
        body = {"model": model, "messages": [{"role": "user", "content": question}], "temperature": 0, "max_tokens": 8}
        answer = self.ask("/v1/chat/completions", body)
        assert answer.status == 200, answer.body
        return str(answer.json["choices"][0]["message"]["content"])

    def command(self, *words: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs `python -m appliance …` with the environment of this box."""
        command = [sys.executable, "-m", "appliance", *words]
        environment = os.environ | self.environment
        return subprocess.run(
            command, input=typed, capture_output=True, text=True, env=environment, cwd=ROOT, check=False
        )

    def engines(self) -> list[int]:
        """Ids of the engine processes that belong to this box, whoever their parent is now."""
        return engines_of(self.data)


def engines_of(data: Path) -> list[int]:
    mark = f"{OWNER_MARK}={node_id(load_or_create(data / 'secrets' / 'node.key'))}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def request(method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    message = urllib.request.Request(url, data, dict(headers or {}), method=method)
    if data is not None and not message.has_header("Content-type"):
        message.add_header("Content-Type", "application/json")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(message, timeout=60) as response:
            return Answer(response.status, dict(response.headers.items()), response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers.items()), error.read())


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()
