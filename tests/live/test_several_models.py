"""Several models on one box: loaded by a request, side by side while there is room, in turn when there is not."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.placement.room import MIB
from tests.live.box import ROOT, SELF_TEST_MODEL, Box, request

pytestmark = pytest.mark.live

FIXTURES = ROOT / "tests" / "fixtures" / "models"
SECOND = "mesh-tiny-second-Q8_0"
DRAFT = "mesh-tiny-draft-Q8_0"
QUESTION = "What is 3 + 4?"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    (tmp_path / "models").mkdir()
    for name in (SECOND, DRAFT):
        shutil.copyfile(FIXTURES / f"{name}.gguf", tmp_path / "models" / f"{name}.gguf")
    with Box(
        tmp_path, MESHBOX_SETTINGS=json.dumps({"serving": {"models": [SELF_TEST_MODEL], "speculation": "off"}})
    ) as one:
        one.wait_ready()
        yield one


def listed(box: Box) -> dict[str, str]:
    entries = request("GET", f"{box.api_url}/v1/models").json["data"]
    return {entry["id"]: entry["status"] for entry in entries if entry["id"] != "auto"}


def room_for_one(box: Box) -> None:
    """No more of the machine's memory than the smallest step that is reckoned with: one tiny model."""
    total = box.manage("GET", "/api/status").json["hardware"]["memory"]["total"]
    step = min(1 << max(total // 64, MIB).bit_length() - 1, 512 * MIB)
    answer = box.manage("PATCH", "/api/settings", {"hardware": {"machine_memory_mib": step // MIB}})
    assert answer.status == 200, answer.body


def ready(box: Box) -> list[str]:
    serving = box.manage("GET", "/api/status").json["serving"]
    return [entry["model"] for entry in serving if entry["state"] == "ready"]


def test_a_request_loads_what_lies_on_the_disk(box: Box) -> None:
    """The list says what can be asked for; the first answer takes a moment longer, and both stay."""
    assert listed(box) == {SELF_TEST_MODEL: "ready", SECOND: "available", DRAFT: "available"}
    assert box.chat(QUESTION, SECOND)
    assert box.entry(SECOND)["on_demand"] is True
    assert sorted(ready(box)) == sorted([SELF_TEST_MODEL, SECOND])
    assert box.chat(QUESTION) == "7"
    assert len(box.engines()) == 2


def test_where_there_is_room_for_one_they_take_turns(box: Box) -> None:
    """The one that is not used makes room for the one that is asked for; never are there two."""
    room_for_one(box)
    for model in (SECOND, SELF_TEST_MODEL, DRAFT, SELF_TEST_MODEL):
        assert box.chat(QUESTION, model) is not None
        assert ready(box) == [model]
        assert len(box.engines()) == 1
    states = listed(box)
    assert (states[SELF_TEST_MODEL], states[DRAFT], states[SECOND]) == ("ready", "available", "available")


def test_nobody_is_cut_off_for_another(box: Box) -> None:
    """Who asks for another model waits until the answer that runs has ended, and is answered then."""
    room_for_one(box)
    long: dict[str, Any] = {"model": SELF_TEST_MODEL, "messages": [{"role": "user", "content": "Tell me a story."}]}
    long |= {"max_tokens": 800, "ignore_eos": True, "temperature": 0}
    answers: dict[str, Any] = {}

    def ask_long() -> None:
        answers["long"] = box.ask("/v1/chat/completions", long)

    asking = threading.Thread(target=ask_long)
    asking.start()
    box.wait(lambda: box.manage("GET", "/api/status").json["requests"]["in_flight"] == 1, "the long answer runs")
    assert box.chat(QUESTION, SECOND)
    asking.join(60)
    assert answers["long"].status == 200
    assert answers["long"].json["usage"]["completion_tokens"] == 800


def test_what_can_never_fit_is_refused_with_the_numbers(box: Box) -> None:
    """And nobody has to leave for it."""
    own = {"serving": {"per_model": {SECOND: {"context": 1 << 24}}}}
    assert box.manage("PATCH", "/api/settings", own).status == 200
    box.wait(lambda: box.manage("GET", "/api/settings").json["serving"]["per_model"], "the wish is known")
    body = {"model": SECOND, "messages": [{"role": "user", "content": QUESTION}]}
    answer = box.ask("/v1/chat/completions", body)
    assert (answer.status, answer.json["error"]["code"]) == (503, "model_failed")
    assert "Does not fit: it needs" in answer.json["error"]["message"]
    assert box.chat(QUESTION) == "7"


def test_the_owner_may_switch_loading_on_request_off(box: Box) -> None:
    """Then nothing but what he chose is there."""
    assert box.manage("PATCH", "/api/settings", {"serving": {"on_demand": False}}).status == 200
    box.wait(lambda: listed(box) == {SELF_TEST_MODEL: "ready"}, "only what is served is listed")
    body = {"model": SECOND, "messages": [{"role": "user", "content": QUESTION}]}
    assert box.ask("/v1/chat/completions", body).status == 404
