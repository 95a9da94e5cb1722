"""Loaded into the run of the engine's tests (`-p`): no hub, any words, a share of the tests, and a report.

Many of these tests look for words that their own model says, or count its tokens; ours says others, and counts
otherwise. That it says something and counts has to do.
"""

from __future__ import annotations

import io
import json
import os
import sys
import types
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import requests

ONLY, SHARE, REPORT = "CONFORMANCE_ONLY", "CONFORMANCE_SHARE", "CONFORMANCE_REPORT"
LONGEST_REASON = 400
HUB = "huggingface.co"
COUNTS = ("n_prompt", "n_tokens")  # parameters that hold numbers of tokens


class Report:
    """One line for each test: whether it passed, if not why, and which paths it asked for."""

    def __init__(self) -> None:
        self._why, self.paths = "", set[str]()

    def fault(self, why: str) -> None:
        self._why = self._why or why or "without a word"

    def write(self, test: str) -> None:
        entry = {"test": test, "passed": not self._why, "why": self._why, "paths": sorted(self.paths)}
        with Path(os.environ[REPORT]).open("a") as lines:
            lines.write(json.dumps(entry) + "\n")
        self._why = ""
        self.paths.clear()


book = Report()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    sys.modules["wget"] = types.ModuleType("wget")  # nothing is downloaded
    import utils  # type: ignore[import-not-found]  # noqa: PLC0415 - of the engine's tests; before any of them

    utils.ServerPreset.load_all = staticmethod(lambda: None)  # it downloads every model
    utils.match_regex = lambda _words, text: bool(text)
    _watch(requests.Session)
    _watch(httpx2.Client)


def _watch(client: Any) -> None:
    """Notes where it goes, and keeps it from the hub."""
    send = client.send

    def watched(self: Any, request: Any, **options: Any) -> Any:
        address = urlsplit(str(request.url))
        if address.hostname == HUB:
            return _picture()
        book.paths.add(address.path)
        return send(self, request, **options)

    client.send = watched


def _picture() -> requests.Response:
    """What the tests fetch from the hub are pictures."""
    answer = requests.Response()
    answer.status_code = 200
    answer.raw = io.BytesIO(Path("../../mtmd/test-1.jpeg").read_bytes())
    return answer


class AnyCount(int):
    """Equals every number."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int)

    __hash__ = int.__hash__


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    only = os.environ.get(ONLY)
    if only is not None:
        wanted = set(Path(only).read_text().splitlines())
        items[:] = [item for item in items if item.nodeid in wanted]
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        parameters.update({name: AnyCount() for name in COUNTS if name in parameters})
    share, shares = map(int, os.environ[SHARE].split("/"))
    items[:] = items[share::shares]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if not report.passed:
        crash = getattr(report.longrepr, "reprcrash", None)
        book.fault(str(crash.message if crash else report.longrepr)[:LONGEST_REASON])
    if report.when == "teardown":
        book.write(report.nodeid)
