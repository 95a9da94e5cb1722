"""A small model drafts for a large one: the answers stay the same, and some of the drafts are taken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.box import ROOT, SELF_TEST_MODEL, Box

pytestmark = pytest.mark.live

DRAFT = ROOT / "tests" / "fixtures" / "models" / "mesh-tiny-draft-Q8_0.gguf"
QUESTIONS = ("Tell me a story.", "What is the capital of France?", "Count from 1 to 9.")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    (tmp_path / "models").mkdir()
    shutil.copyfile(DRAFT, tmp_path / "models" / DRAFT.name)
    with Box(tmp_path, MESHBOX_SETTINGS=json.dumps({"serving": {"models": [SELF_TEST_MODEL]}})) as one:
        one.wait_ready()
        yield one


def ask(box: Box, question: str) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": question}], "temperature": 0, "max_tokens": 64}
    answer = box.ask("/v1/chat/completions", body | {"model": SELF_TEST_MODEL, "timings_per_token": True})
    return dict(answer.json)


def said(answer: dict[str, Any]) -> str:
    return str(answer["choices"][0]["message"]["content"])


def test_answers_stay_the_same_and_drafts_are_taken(box: Box) -> None:
    """Greedily, with and without; what was drafted shows in the engine's own count."""
    alone = [ask(box, question) for question in QUESTIONS]
    assert all("draft_n" not in answer["timings"] for answer in alone)
    answer = box.manage("PATCH", "/api/settings", {"serving": {"speculation": "auto"}})
    assert answer.status == 200, answer.body

    def drafts() -> bool:
        found = ask(box, "What is 3 + 4?")
        return "draft_n" in found.get("timings", {})

    box.wait(drafts, "the engine drafts", 60)
    together = [ask(box, question) for question in QUESTIONS]
    assert [said(answer) for answer in together] == [said(answer) for answer in alone]
    assert sum(answer["timings"].get("draft_n_accepted", 0) for answer in together) > 0
