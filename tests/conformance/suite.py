"""Runs the engine's tests of its server, as they lie in the pinned source, and says which of them passed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from native.build import alone
from native.prepare import prepare
from tests.conformance.plugin import ONLY, REPORT, SHARE
from tests.conformance.stand_in import ENGINE, NURSERY, REPOSITORY

CACHE = Path(os.environ.get("MESHBOX_BUILD_CACHE") or REPOSITORY / "build" / "cache").resolve()
SERVER = REPOSITORY / "build" / "engine" / "llama-server"
FILES = (
    *("basic", "chat_completion", "compat_anthropic", "compat_oai_responses", "completion", "embedding", "infill"),
    *("rerank", "security", "stream", "template", "tokenize", "tool_call", "vision_api"),
)
QUIET_PORTS = range(20_000, 30_000)
SHARES = 3  # at once; each waits for its engine most of the time
MOST_SECONDS = 600
TEST_SECONDS = 60  # for one test
START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    test: str
    passed: bool
    why: str
    paths: frozenset[str]


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests in a folder where they may leave what they like."""

    folder: Path

    @classmethod
    def unpacked(cls, scratch: Path) -> Suite:
        with alone(CACHE):
            source = prepare(CACHE)
            folder = scratch / "tools" / "server" / "tests"
            shutil.copytree(source / "tools" / "server" / "tests", folder)
        for shared in ("models", "tools/mtmd"):
            (scratch / shared).symlink_to(source / shared)
        server = scratch / "llama-server"
        server.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -S -E "{Path(__file__).with_name("stand_in.py")}" "$@"\n'
        )
        server.chmod(0o755)
        return cls(folder)

    @property
    def scratch(self) -> Path:
        return self.folder.parents[2]

    def direct(self) -> list[Outcome]:
        """On the engine itself."""
        return self._run("direct", {})

    def through(self, plane: str, tests: Collection[str]) -> list[Outcome]:
        """On the API in front of it; those that did not pass get a second chance, alone."""
        with self._nursery(plane) as line:
            first = self._run(plane, {NURSERY: line}, tests)
            failed = [outcome.test for outcome in first if not outcome.passed]
            second = self._run(f"{plane}-again", {NURSERY: line}, failed) if failed else []
        return list({outcome.test: outcome for outcome in (*first, *second)}.values())

    def _run(self, name: str, extra: dict[str, str], tests: Collection[str] | None = None) -> list[Outcome]:
        shares = SHARES if tests is None or len(tests) > SHARES else 1
        if tests is not None:
            only = self.scratch / f"{name}.only"
            only.write_text("\n".join(tests))
            extra = {**extra, ONLY: str(only)}
        reports = [self.scratch / f"{name}-{share}.jsonl" for share in range(shares)]
        with contextlib.ExitStack() as running:
            for share, (report, port) in enumerate(zip(reports, free_ports(shares), strict=True)):
                report.touch()
                own = {**extra, SHARE: f"{share}/{shares}", REPORT: str(report), "PORT": port}
                running.enter_context(self._tests(own, self.scratch / f"{name}-{share}.log"))
        return [outcome for report in reports for outcome in read_report(report)]

    @contextlib.contextmanager
    def _tests(self, extra: dict[str, str], log: Path) -> Iterator[None]:
        plugins = ("-p", "pytest_timeout", "-p", "tests.conformance.plugin", "-p", "no:cacheprovider")
        command = (sys.executable, "-m", "pytest", *plugins, "-q", "--tb=short", f"--timeout={TEST_SECONDS}")
        files = [f"unit/test_{name}.py" for name in FILES]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "-m", "not slow", *files],
                cwd=self.folder,
                env=self._environment(extra),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                yield
                process.wait(MOST_SECONDS)
            finally:
                process.kill()
                process.wait()

    def _environment(self, extra: dict[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "LLAMA_"))}
        own = {"LLAMA_SERVER_BIN_PATH": str(self.scratch / "llama-server"), ENGINE: str(SERVER)}
        python = {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        return inherited | own | python | extra

    @contextlib.contextmanager
    def _nursery(self, plane: str) -> Iterator[str]:
        line = self.scratch / f"{plane}.line"
        log = self.scratch / f"{plane}-nursery.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.conformance.nursery", str(line), plane],
                cwd=REPOSITORY,
                env={**os.environ, ENGINE: str(SERVER)},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _until_there(line, process, log)
            yield str(line)
        finally:
            process.communicate(timeout=START_SECONDS)  # closes its input


def _until_there(line: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not line.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the nursery did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.02)


def read_report(report: Path) -> list[Outcome]:
    entries = (json.loads(line) for line in report.read_text().splitlines())
    return [Outcome(e["test"], e["passed"], e["why"], frozenset(e["paths"])) for e in entries]


def free_ports(count: int) -> list[str]:
    """Below those that the kernel hands out: each is let go and taken again by every test of a share."""
    free = [port for port in random.sample(QUIET_PORTS, 10 * count) if _is_free(port)]
    return [str(port) for port in free[:count]]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
