"""`POST /api/plans`, and the verdicts beside the models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.hardware.types import Gpu
from appliance.placement.room import GIB
from tests.app.web.harness import Web, running_web
from tests.builders import INVENTORY, make_model, make_snapshot
from tests.unit.placement.values import published

PROFILE = published("Qwen3-4B")
MODEL = make_model("Qwen3-4B-Q8_0", profile=PROFILE, size=PROFILE.weights.total, context_length=131072)
CARD = Gpu("pci:0000:65:00.0", "Test card", "nvidia", 12 * GIB, GIB)


@pytest.fixture
async def planned(tmp_path: Path) -> AsyncIterator[Web]:
    snapshot = make_snapshot(wanted=(), models=(MODEL,), inventory=replace(INVENTORY, gpus=(CARD,)))
    async with running_web(tmp_path, snapshot) as web:
        await web.claim()
        yield web


async def plans(web: Web, **body: Any) -> Any:
    answer = await web.call("POST", "/api/plans", json={"model": MODEL.id, **body})
    assert answer.status == 200, await answer.text()
    return (await answer.json())["plans"]


async def test_every_way_is_answered_the_best_first(planned: Web) -> None:
    """With its place, what it takes and why not."""
    found = await plans(planned)
    assert [(plan["kind"], plan["place"], plan["fits"]) for plan in found] == [
        ("solo", "gpu", True),
        ("solo", "gpu+cpu", True),
        ("solo", "cpu", True),
        ("pipeline", None, False),
        ("experts", None, False),
    ]
    best = found[0]
    assert best["devices"] == [CARD.id]
    assert best["nodes"] == [{"id": "node", "share": 1.0, "reason": "All of it on Test card."}]
    assert best["verdict"]["code"] == "fits_shorter"
    assert best["bytes"]["total"] == sum(best["bytes"][part] for part in ("weights", "kv", "compute"))
    assert best["bytes"]["weights"] == PROFILE.weights.total
    assert (best["predicted"], best["why_not"]) == (None, None)


async def test_one_box_shares_nothing_out(planned: Web) -> None:
    """And says so, in the verdict too."""
    (plan,) = await plans(planned, kind="pipeline")
    assert plan["why_not"] == plan["verdict"]["text"] == "There is only one box in this mesh."


async def test_a_context_can_be_asked_for(planned: Web) -> None:
    """Then it is that one or none."""
    short, *_ = await plans(planned, kind="solo", ctx=4096)
    long, *_ = await plans(planned, kind="solo", ctx=65536)
    assert (short["context"], short["verdict"]["code"]) == (4096, "fits")
    assert (long["context"], long["place"]) == (65536, "gpu+cpu")


async def test_boxes_can_be_named(planned: Web) -> None:
    """This one is the only one there is."""
    assert await plans(planned, nodes=["node"]) == await plans(planned)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "Qwen3-4B-Q4"}, 404, "unknown_model"),
        ({"model": "org/repo:Q4_K_M"}, 409, "not_on_disk"),
        ({"model": "https://example.org/model.gguf"}, 409, "not_on_disk"),
        ({"model": MODEL.id, "nodes": ["elsewhere"]}, 404, "unknown_node"),
        ({"model": MODEL.id, "kind": "magic"}, 422, "invalid_fields"),
        ({"model": MODEL.id, "ctx": -1}, 422, "invalid_fields"),
        ({"model": MODEL.id, "more": 1}, 422, "invalid_fields"),
        ({"model": ""}, 422, "invalid_fields"),
        ({}, 422, "invalid_fields"),
    ],
)
async def test_what_cannot_be_planned_is_named(planned: Web, body: Any, status: int, code: str) -> None:
    """A problem document with a stable code, never a 500."""
    answer = await planned.call("POST", "/api/plans", json=body)
    assert (answer.status, (await answer.json())["code"]) == (status, code)


async def test_a_wrong_name_brings_near_ones(planned: Web) -> None:
    """For a page that asks back."""
    answer = await planned.call("POST", "/api/plans", json={"model": "Qwen3-4B-Q4"})
    assert (await answer.json())["nearest"] == [MODEL.id]


async def test_before_the_hardware_is_known_there_is_no_plan(tmp_path: Path) -> None:
    """Nothing is guessed."""
    async with running_web(tmp_path, make_snapshot(models=(MODEL,), inventory=None)) as web:
        await web.claim()
        answer = await web.call("POST", "/api/plans", json={"model": MODEL.id})
        assert (answer.status, (await answer.json())["code"]) == (409, "still_looking")


async def test_plans_need_a_login(planned: Web) -> None:
    """As everything that is not meant for all."""
    answer = await planned.call("POST", "/api/plans", json={"model": MODEL.id}, headers={"Authorization": ""})
    assert answer.status == 401


async def test_each_model_has_its_verdict(planned: Web) -> None:
    """In the list of models, in words and as a code."""
    answer = await planned.call("GET", "/api/models")
    (model,) = (await answer.json())["models"]
    assert (model["fit"]["code"], model["fit"]["tone"]) == ("fits_shorter", "warn")
    assert model["fit"]["text"].startswith("Fits with a shorter context: ")
    assert model["traits"]["tools"] == {"level": "none", "source": "it has no chat template"}
