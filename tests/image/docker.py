"""What the tests of the image need of Docker: a command, and a container that is removed at the end."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"
MODEL = "mesh-tiny-dense-Q8_0"
QUESTION = {"model": MODEL, "messages": [{"role": "user", "content": "What is 3 + 4?"}], "temperature": 0}
HARDENED = ("--read-only", "--tmpfs=/tmp", "--security-opt=no-new-privileges", "--cap-drop=ALL")
LEAVES_ROOT = ("--cap-add=CHOWN", "--cap-add=DAC_OVERRIDE", "--cap-add=SETGID", "--cap-add=SETUID")


class CommandFailed(Exception):
    """A docker command failed; the text is all it said."""


def docker(
    *words: str, stdin: str | None = None, patience: float = 120, environment: Mapping[str, str] | None = None
) -> str:
    done = subprocess.run(
        ["docker", *words],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("MESHBOX_")} | dict(environment or {}),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )
    if done.returncode != 0:
        raise CommandFailed(f"docker {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Container:
    """`with Container(image, ...) as box:` runs it with its ports on loopback; its log is shown when a test fails."""

    def __init__(self, image: str, *options: str, command: Sequence[str] = ()) -> None:
        self.name = f"meshbox-test-{uuid.uuid4().hex[:8]}"
        ports = ("--publish=127.0.0.1::3131", "--publish=127.0.0.1::9337")
        self.start = ("run", "--detach", f"--name={self.name}", *ports, *options, image, *command)

    def __enter__(self) -> Self:
        docker(*self.start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            print(f"\n--- log of {self.name} ---\n{self.log()}")
        docker("rm", "--force", "--volumes", self.name)

    def log(self) -> str:
        both = subprocess.run(
            ["docker", "logs", self.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
        )
        return both.stdout

    def state(self) -> Any:
        return json.loads(docker("inspect", "--format={{json .State}}", self.name))

    def run(self, *command: str, stdin: str | None = None) -> str:
        return docker("exec", *(("--interactive",) if stdin is not None else ()), self.name, *command, stdin=stdin)

    def address(self, port: int) -> str:
        return docker("port", self.name, f"{port}/tcp").splitlines()[0].strip()

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if condition():
                    return
            except (OSError, http.client.HTTPException, ValueError, CommandFailed):
                pass
            state = self.state()
            if not state["Running"] and "ended" not in what:
                raise AssertionError(f"it ended with {state['ExitCode']} before: {what}\n{self.log()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {what}\n{self.log()}")
            time.sleep(0.1)

    def wait_ready(self) -> None:
        self.wait(lambda: self.get("/readyz")[0] == 200, "the model answers")

    def get(self, path: str) -> tuple[int, str]:
        return call("GET", f"http://{self.address(3131)}{path}")

    def login(self, password: str = PASSWORD) -> int:
        return call("POST", f"http://{self.address(3131)}/api/login", {"password": password})[0]

    def answer(self) -> str:
        status, body = call("POST", f"http://{self.address(9337)}/v1/chat/completions", QUESTION | {"max_tokens": 8})
        assert status == 200, body
        return str(json.loads(body)["choices"][0]["message"]["content"])

    def processes(self) -> list[tuple[int, str]]:
        """User id and command line of each process inside, as the host sees them."""
        listed = docker("top", self.name, "-eo", "uid,pid,args").splitlines()[1:]
        return [(int(user), command) for user, _, command in (line.split(maxsplit=2) for line in listed)]


def call(method: str, url: str, body: object = None) -> tuple[int, str]:
    """One request, without the proxy of the environment; an error status is an answer too."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), AnyStatus())
    with opener.open(request, timeout=30) as response:
        return response.status, response.read().decode()


class AnyStatus(urllib.request.HTTPErrorProcessor):
    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        return response
