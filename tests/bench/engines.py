"""Real engines to measure beside each other: a box that runs them, and a plain llama-server with the same arguments."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from appliance.supervisor.probe import QUESTION
from tests.bench.report import FOLDER
from tests.live.box import ROOT, SELF_TEST_MODEL, Box, free_ports
from tests.tools.random_model import make_random_model

ENGINE = ROOT / "build" / "engine"
RANDOM_MODEL = "random-1GiB-Q8_0"
THREADS = 1  # several wait for each other, and so for whatever else runs here: nothing could be compared
LOOK_SECONDS = 0.002
PATIENCE_SECONDS = 120.0


def chat(question: str) -> Mapping[str, object]:
    return {"messages": [{"role": "user", "content": question}], "temperature": 0, "max_tokens": 8}


CHAT = chat(QUESTION)


def random_model() -> Path:
    """1 GiB, in the page cache."""
    path = make_random_model(ROOT / FOLDER / "models" / f"{RANDOM_MODEL}.gguf")
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass
    return path


@contextmanager
def running_box(*files: Path) -> Iterator[Box]:
    """A box that has these models too and serves none."""
    (ROOT / FOLDER).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="box-", dir=ROOT / FOLDER) as folder:
        models = Path(folder) / "models"
        models.mkdir()
        for file in files:
            os.link(file, models / file.name)
        with Box(Path(folder)) as box:
            wanted = {SELF_TEST_MODEL, *(file.stem for file in files)}
            box.wait(lambda: wanted <= _known(box), "all models are found")
            box.wait_ready()
            assert box.manage("PATCH", "/api/settings", {"serving": {"threads": THREADS}}).status == 200
            unload(box, SELF_TEST_MODEL)
            yield box


def _known(box: Box) -> set[str]:
    return {model["id"] for model in box.manage("GET", "/api/models").json["models"]}


def unload(box: Box, model: str) -> None:
    engine = box.entry(model)["pid"]
    box.manage("DELETE", f"/api/serving/{model}")
    box.wait(lambda: engine not in box.engines(), f"the engine of {model} has ended")


class Caller:
    """One kept connection, so that the question itself is all that is measured."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, path: str) -> tuple[int, Any]:
        return self._ask("GET", path, None)

    def chat(self, model: str = "", question: Mapping[str, object] = CHAT) -> Any:
        status, answer = self._ask("POST", "/v1/chat/completions", {"model": model, **question})
        assert status == 200, answer
        return answer

    def first_token(self, model: str, question: Mapping[str, object]) -> float:
        """When the first piece of an answer was there."""
        body = json.dumps({"model": model, **question, "stream": True})
        self._connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        with self._connection.getresponse() as response:
            assert response.status == 200, response.read()
            while not (line := response.readline()).startswith(b"data:"):
                assert line, "the stream ended before its first piece"  # who waits is told so in between
            at = time.perf_counter()
            response.read()
        return at

    def _ask(self, method: str, path: str, body: object) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body)
        self._connection.request(method, path, data, {"Content-Type": "application/json"})
        with self._connection.getresponse() as response:
            return response.status, json.loads(response.read())


class PlainServer:
    """`llama-server` as one would start it by hand."""

    def __init__(self, arguments: Sequence[str]) -> None:
        (self.port,) = free_ports(1)
        self._command = [str(ENGINE / "llama-server"), *with_port(arguments, self.port)]

    def __enter__(self) -> Self:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LLAMA_")}
        self._process = subprocess.Popen(
            self._command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._loaded = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(PATIENCE_SECONDS)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                if "model loaded" in line:
                    self._loaded.set()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_healthy(self) -> None:
        """Nobody asks while it loads: on a small machine asking takes from loading."""
        assert self._loaded.wait(PATIENCE_SECONDS), "the plain server does not load"
        with Caller(self.port) as caller:
            while caller.get("/health")[0] != 200:
                time.sleep(LOOK_SECONDS)


def with_port(arguments: Sequence[str], port: int) -> list[str]:
    changed = list(arguments)
    changed[changed.index("--port") + 1] = str(port)
    return changed


def by_hand(arguments: Sequence[str]) -> list[str]:
    """What somebody would give who starts the same model himself: its defaults do the rest."""
    kept = ("--model", "--host", "--port", "--threads")
    return [word for name in kept for word in (name, arguments[arguments.index(name) + 1])]


def computed(pid: int) -> float:
    """Seconds that the living threads of a process have computed."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def arguments_of(pid: int) -> list[str]:
    """What a running engine was started with, less its own name."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[1:-1]


def begin_load(box: Box, model: str) -> int:
    """Returns where the box's log stood when the wish was told."""
    said = len(box.lines)
    answer = box.manage("POST", "/api/serving", {"model": model})
    assert answer.status == 202, answer.body
    return said


def wait_until_ready(box: Box, caller: Caller, model: str, said: int) -> None:
    """Nobody asks before the box says so in its log; then the API must know."""
    deadline, begin = time.monotonic() + PATIENCE_SECONDS, f"engine.{model}: answers ("
    while not any(begin in line for line in box.lines[said:]):
        assert time.monotonic() < deadline, f"{model} does not get ready"
        time.sleep(LOOK_SECONDS)
    while caller.get(f"/v1/models/{model}")[1].get("status") != "ready":
        assert time.monotonic() < deadline, f"{model} is not told to be ready"
        time.sleep(LOOK_SECONDS)
