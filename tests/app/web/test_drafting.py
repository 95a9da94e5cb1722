"""Whether a small model drafts: as a wish that is sent with a load, and on the page of a model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from appliance.hardware.engine_devices import EngineDevices
from appliance.models.draft_trials import DraftTrial, Speed
from appliance.models.types import Library
from appliance.node.drafting import machine_of, pair_of, wanted_helper
from appliance.node.events import DraftTried, EngineDevicesListed, LibraryScanned
from appliance.node.snapshot import Snapshot
from tests.app.web.harness import Web
from tests.builders import MODEL_ID
from tests.unit.node.test_drafting import DRAFT, TARGET

HTML = {"Accept": "text/html"}


async def test_a_draft_may_be_named_when_a_model_is_loaded(web: Web) -> None:
    """The wish stands in the settings of that model."""
    answer = await web.call("POST", "/api/serving", json={"model": MODEL_ID, "draft": "auto"})
    assert answer.status == 202
    assert web.settings.current.serving.per_model[MODEL_ID].draft == "auto"


async def test_the_page_of_a_model_sets_it_too(web: Web) -> None:
    """A choice; empty takes it back."""
    page = await (await web.call("GET", f"/models/{MODEL_ID}", headers=HTML)).text()
    assert '<label for="draft">Drafting</label>' in page
    for sent, stored in (("off", "off"), ("", None)):
        answer = await web.call("POST", f"/models/{MODEL_ID}/own", data={"draft": sent}, headers=HTML)
        assert answer.status in (200, 303)
        own = web.settings.current.serving.per_model.get(MODEL_ID)
        assert (own.draft if own else None) == stored


async def test_the_page_of_a_model_says_what_drafts_for_it(web: Web) -> None:
    """Once somebody wants it; programs read the same."""

    async def told() -> tuple[bool, Any]:
        page = await (await web.call("GET", f"/models/{MODEL_ID}", headers=HTML)).text()
        document = await (await web.call("GET", "/api/serving")).json()
        return "What drafts for it" in page, document["serving"][0]["drafting"]

    assert await told() == (False, None)
    change = {"serving": {"per_model": {MODEL_ID: {"draft": "ngram"}}}}
    assert (await web.call("PATCH", "/api/settings", json=change)).status == 200
    await until(web, lambda snapshot: bool(snapshot.settings.serving.per_model))
    _, drafting = await told()
    assert (drafting["state"], drafting["way"], drafting["alone_tokens_per_second"]) == ("used", "ngram", None)


async def test_it_is_measured_again_when_somebody_asks(web: Web) -> None:
    """From the page and as a route; not before anything was measured."""
    assert (await web.call("POST", f"/api/serving/{MODEL_ID}/measure")).status == 409
    web.post(LibraryScanned(Library((TARGET, DRAFT))))
    web.post(EngineDevicesListed(EngineDevices("engine")))
    wish = {"serving": {"models": [TARGET.id], "per_model": {TARGET.id: {"draft": DRAFT.id}}}}
    assert (await web.call("PATCH", "/api/settings", json=wish)).status == 200
    for path in (f"/api/serving/{TARGET.id}/measure", f"/models/{TARGET.id}/measure"):
        snapshot = web.loop.outlook.snapshot
        helper, machine = wanted_helper(TARGET, snapshot), machine_of(TARGET, snapshot)
        assert helper is not None
        assert machine is not None
        web.post(DraftTried(TARGET.id, DraftTrial(pair_of(TARGET, helper), machine, Speed(1.0), Speed(2.0))))
        await until(web, lambda s: TARGET.id in s.draft_trials)
        headers = {} if path.startswith("/api") else HTML
        assert (await web.call("POST", path, headers=headers)).status in (200, 202, 303)
        await until(web, lambda s: TARGET.id not in s.draft_trials)


async def until(web: Web, there: Callable[[Snapshot], bool]) -> None:
    async with asyncio.timeout(10):
        async for outlook in web.loop.watch():
            if there(outlook.snapshot):
                return
