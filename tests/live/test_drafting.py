"""A small model drafts for a large one: the answers stay the same, and it goes by itself when it is no good."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import gguf
import pytest

from tests.live.box import ROOT, SELF_TEST_MODEL, Box, request
from tests.tools.ahead_model import make_ahead_model

pytestmark = pytest.mark.live

FIXTURES = ROOT / "tests" / "fixtures" / "models"
DRAFT = FIXTURES / "mesh-tiny-draft-Q8_0.gguf"
SEES = "mesh-tiny-second-Q8_0"
QUESTIONS = ("Tell me a story.", "What is the capital of France?", "Count from 1 to 9.")


def ask(box: Box, question: str, model: str = SELF_TEST_MODEL) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": question}], "temperature": 0, "max_tokens": 64}
    answer = box.ask("/v1/chat/completions", body | {"model": model})
    return dict(answer.json)


def said(answer: dict[str, Any]) -> str:
    return str(answer["choices"][0]["message"]["content"])


def a_box(folder: Path, **serving: object) -> Box:
    (folder / "models").mkdir(exist_ok=True)
    return Box(folder, MESHBOX_SETTINGS=json.dumps({"serving": {"models": [SELF_TEST_MODEL]} | serving}))


def standing(box: Box, model: str = SELF_TEST_MODEL) -> tuple[str, str | None]:
    """Of the model and of what drafts for it."""
    entry = box.entry(model)
    return entry["state"], (entry["drafting"] or {}).get("state")


def test_answers_stay_the_same_and_drafts_are_taken(tmp_path: Path) -> None:
    """Greedily, with and without; both were measured before anybody was answered."""
    (tmp_path / "models").mkdir()
    shutil.copyfile(DRAFT, tmp_path / "models" / DRAFT.name)
    with a_box(tmp_path, speculation="off") as box:
        box.wait_ready()
        alone = [ask(box, question) for question in QUESTIONS]
        assert all("draft_n" not in answer["timings"] for answer in alone)
        own = {"serving": {"per_model": {SELF_TEST_MODEL: {"draft": DRAFT.stem}}}}
        assert box.manage("PATCH", "/api/settings", own).status == 200
        box.wait(lambda: standing(box) == ("ready", "used"), "it is used", 120)
        together = [ask(box, question) for question in QUESTIONS]
        assert [said(answer) for answer in together] == [said(answer) for answer in alone]
        assert sum(answer["timings"].get("draft_n_accepted", 0) for answer in together) > 0
        drafting = box.entry()["drafting"]
        assert drafting["alone_tokens_per_second"] > 0
        assert drafting["helped_tokens_per_second"] > 0
        assert drafting["share_taken"] > 0


def test_layers_of_a_model_itself_draft(tmp_path: Path) -> None:
    """Asked for by name they are used as long as they guess well, and the answers stay the same."""
    (tmp_path / "models").mkdir()
    make_ahead_model(tmp_path / "models" / "ahead.gguf")
    with a_box(tmp_path, models=["ahead"], per_model={"ahead": {"draft": "mtp"}}) as box:
        box.wait(lambda: standing(box, "ahead") == ("ready", "used"), "they are used", 120)
        answer = ask(box, QUESTIONS[0], "ahead")
        assert answer["timings"]["draft_n_accepted"] > 0
        assert box.entry("ahead")["drafting"]["way"] == "mtp"
        own = {"serving": {"per_model": {"ahead": {"draft": "off"}}}}
        assert box.manage("PATCH", "/api/settings", own).status == 200
        box.wait(lambda: standing(box, "ahead") == ("ready", None), "it is off", 60)
        assert said(ask(box, QUESTIONS[0], "ahead")) == said(answer)


def test_a_useless_draft_is_switched_off_for_good(tmp_path: Path) -> None:
    """It was tried once; after a restart of the box that is still known, and the model starts once."""
    (tmp_path / "models").mkdir()
    useless = tmp_path / "models" / DRAFT.name
    shutil.copyfile(DRAFT, useless)
    useless.chmod(0o644)
    for tensor in gguf.GGUFReader(useless, "r+").tensors:
        if tensor.name == "token_embd.weight":
            tensor.data[:] = tensor.data[::-1].copy()
    with a_box(tmp_path, speculation="auto") as box:
        box.wait(lambda: standing(box) == ("ready", "does_not_pay"), "it is off", 120)
        assert "draft_n" not in ask(box, QUESTIONS[2])["timings"]
    with a_box(tmp_path, speculation="auto") as box:
        box.wait(lambda: standing(box) == ("ready", "does_not_pay"), "it is still off", 60)
        assert sum("engine started as process" in line for line in box.lines) == 1


def test_a_model_whose_draft_does_not_load_runs_without(tmp_path: Path) -> None:
    """A card says what is missing; with a good file in its place "try again" brings it back."""
    (tmp_path / "models").mkdir()
    broken = tmp_path / "models" / DRAFT.name
    cut_short = bytearray(DRAFT.read_bytes())
    at = cut_short.index(b"blk.0.attn_k.weight")
    cut_short[at : at + 5] = b"blk.9"
    broken.write_bytes(cut_short)
    with a_box(tmp_path, per_model={SELF_TEST_MODEL: {"draft": DRAFT.stem}}) as box:
        box.wait(lambda: standing(box) == ("ready", "left_out"), "it runs without", 120)
        issue = f"helper_left_out:{SELF_TEST_MODEL}"
        box.wait(lambda: issue in box.issues(), "the card is there")
        shutil.copyfile(DRAFT, broken)
        assert box.manage("POST", f"/api/issues/{issue}/fix").status in (200, 202, 204)
        box.wait(lambda: standing(box) == ("ready", "used"), "everything is tried again", 120)
        assert issue not in box.issues()


def test_a_model_whose_projector_does_not_load_runs_without(tmp_path: Path) -> None:
    """It answers in text, and clients are not told that it takes pictures."""
    (tmp_path / "models").mkdir()
    shutil.copyfile(FIXTURES / f"{SEES}.gguf", tmp_path / "models" / f"{SEES}.gguf")
    projector = bytearray((FIXTURES / "mmproj-mesh-tiny-second-F16.gguf").read_bytes())
    at = projector.index(b"v.patch_embd.weight")
    projector[at : at + 7] = b"v.gone_"
    (tmp_path / "models" / "mmproj-mesh-tiny-second-F16.gguf").write_bytes(projector)
    with a_box(tmp_path, models=[SEES]) as box:
        box.wait_ready(SEES, 60)
        assert said(ask(box, "What is 3 + 4?", SEES))
        listed = {entry["id"]: entry for entry in request("GET", f"{box.api_url}/v1/models").json["data"]}
        assert listed[SEES]["meshbox"]["modalities"] == ["text"]
        assert f"helper_left_out:{SEES}" in box.issues()
