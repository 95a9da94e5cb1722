"""What a real box records of real answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.live.box import SELF_TEST_MODEL, Box

pytestmark = pytest.mark.live

QUESTION = {"messages": [{"role": "user", "content": "What is 3 + 4?"}], "temperature": 0, "max_tokens": 8}


def activity(box: Box) -> Any:
    return box.manage("GET", "/api/activity?range=6h").json


def total(box: Box) -> Any:
    return activity(box)["total"]


def test_a_restart_keeps_what_was_recorded(tmp_path: Path) -> None:
    """Counts and tokens of a streamed and of a whole answer; the single requests are forgotten."""
    with Box(tmp_path) as box:
        box.wait_ready()
        box.ask("/v1/chat/completions", QUESTION)
        box.ask("/v1/chat/completions", {**QUESTION, "stream": True})
        box.wait(lambda: total(box)["requests"]["answered"] == 2, "both answers are booked")
        before = total(box)
        latest = box.manage("GET", "/api/activity/requests").json["requests"]
        box.wait(lambda: any(p and p["memory_used"] for p in activity(box)["points"]), "the machine was looked at")
        box.stop()
        box.start()
        box.wait(lambda: box.get("/healthz").status == 200, "the page answers again")
        after = total(box)
        assert [one["tokens"]["in"] for one in latest] == [18, 18]
        assert [(one["tokens"]["out"], one["model"], one["status"]) for one in latest] == [
            (2, SELF_TEST_MODEL, 200)
        ] * 2
        assert (after["requests"], after["tokens"]) == (before["requests"], before["tokens"] | {"in": 36, "out": 4})
        assert box.manage("GET", "/api/activity/requests").json["requests"] == []
