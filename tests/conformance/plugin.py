"""Loaded into the run of the engine's tests (`-p`): no hub, any words, a share of the tests, and a report.

Many of these tests look for words that their own model says; ours says others. That it says some has to do.
"""

from __future__ import annotations

import json
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import requests

ONLY, SHARE, REPORT = "CONFORMANCE_ONLY", "CONFORMANCE_SHARE", "CONFORMANCE_REPORT"


class Report:
    """One line for each test: whether it passed, and which paths it asked for."""

    def __init__(self, path: Path) -> None:
        self._path, self.paths = path, set[str]()

    def write(self, test: str, *, passed: bool) -> None:
        with self._path.open("a") as lines:
            lines.write(json.dumps({"test": test, "passed": passed, "paths": sorted(self.paths)}) + "\n")
        self.paths.clear()


report = Report(Path(os.environ[REPORT]))
failed: set[str] = set()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    sys.modules["wget"] = types.ModuleType("wget")  # nothing is downloaded
    import utils  # type: ignore[import-not-found]  # noqa: PLC0415 - of the engine's tests; before any of them

    utils.ServerPreset.load_all = staticmethod(lambda: None)  # it downloads every model
    utils.match_regex = lambda _words, text: bool(text)
    _note_paths(requests.Session, lambda request: str(request.url))
    _note_paths(httpx2.Client, lambda request: str(request.url))


def _note_paths(client: Any, address: Callable[[Any], str]) -> None:
    send = client.send

    def noting(self: Any, request: Any, **options: Any) -> Any:
        report.paths.add(urlsplit(address(request)).path)
        return send(self, request, **options)

    client.send = noting


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    only = os.environ.get(ONLY)
    if only is not None:
        wanted = set(Path(only).read_text().splitlines())
        items[:] = [item for item in items if item.nodeid in wanted]
    share, shares = map(int, os.environ[SHARE].split("/"))
    items[:] = items[share::shares]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _book(report.nodeid, report.when, passed=report.passed)


def _book(test: str, when: str, *, passed: bool) -> None:
    if not passed:
        failed.add(test)
    if when == "teardown":
        report.write(test, passed=test not in failed)
