"""The activity page, its stream, and its JSON."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from appliance.node.events import HardwareProbed, LoadMeasured, SettingsChanged
from appliance.node.snapshot import RequestLoad
from appliance.settings.schema import ActivitySettings
from tests.app.proxy.harness import until
from tests.app.web.harness import Web
from tests.builders import INVENTORY
from tests.unit.activity.builders import ended, gpu, reading

HTML = {"Accept": "text/html"}
HOSTILE = "<img src=x onerror=alert(1)>"


def asked(web: Web, **fields: Any) -> None:
    usual = {"tokens_in": 18, "tokens_out": 40, "first_token": 0.25, "speed": 20.0, "generating": 2.0, "sent": 500}
    web.activity.request_ended(ended(time.time(), **{**usual, **fields}))


async def with_gpu(web: Web) -> None:
    web.post(HardwareProbed(replace(INVENTORY, gpus=(gpu(0, name=HOSTILE),))))
    await until(lambda: bool(web.loop.outlook.snapshot.inventory and web.loop.outlook.snapshot.inventory.gpus))


async def look(web: Web) -> None:
    async with aiohttp.ClientSession() as session:
        await web.activity.look(session)


async def page(web: Web, path: str = "/activity") -> str:
    answer = await web.call("GET", path, headers=HTML)
    assert answer.status == 200
    return await answer.text()


async def document(web: Web, path: str) -> Any:
    answer = await web.call("GET", path)
    assert answer.status == 200
    return await answer.json()


async def next_event(answer: aiohttp.ClientResponse) -> str:
    return (await answer.content.readuntil(b"\n\n")).decode()


async def test_an_unused_box_says_so(web: Web) -> None:
    """In words, with the way to a first question."""
    html = await page(web)
    assert re.search(r'id="nothing_asked" class="alert">Nothing was asked yet\. <a href="/chat">', html)
    assert "No request has ended" in html
    assert 'id="chart_gpu_use" class="chart-body" hidden' in html


async def test_a_used_box_shows_what_was_asked(web: Web) -> None:
    """Figures, charts with their tables, models, and the latest requests; names are text."""
    await with_gpu(web)
    asked(web, model=HOSTILE, id="my-request")
    asked(web, status=503)
    await look(web)
    html = await page(web)
    assert 'id="nothing_asked" class="alert" hidden' in html
    assert html.count('<svg class="chart"') == 10
    assert html.count("Show as a table") == 10
    assert "my-request" in html
    assert HOSTILE not in html


@pytest.mark.parametrize("key", ["1h", "6h", "24h", "14d"])
async def test_each_range_has_its_address(web: Web, key: str) -> None:
    """So it can be reloaded and sent to somebody."""
    html = await page(web, f"/activity?range={key}")
    assert f'href="/activity?range={key}" aria-current="true"' in html
    assert f"/events/activity?range={key}" in html


async def test_an_unknown_range_is_refused(web: Web) -> None:
    """By page, stream and JSON alike, with what there is."""
    answers = [await web.call("GET", p + "?range=2y") for p in ("/activity", "/events/activity", "/api/activity")]
    assert [answer.status for answer in answers] == [422] * 3
    assert "1h, 6h, 24h, 14d." in (await answers[2].json())["detail"]


async def test_more_days_can_be_kept_and_seen(web: Web) -> None:
    """By a setting, at once."""
    settings = web.loop.outlook.snapshot.settings
    web.post(SettingsChanged(settings.model_copy(update={"activity": ActivitySettings(keep_days=60)})))
    await until(lambda: web.loop.outlook.snapshot.settings.activity.keep_days == 60)
    assert "60 days</a>" in await page(web)
    assert len((await document(web, "/api/activity?range=all"))["points"]) == 240


async def test_the_page_follows_the_box(web: Web) -> None:
    """After each look what changed is sent, and nothing else."""
    await look(web)
    async with web.session.get(web.url + "/events/activity?range=1h", headers=web.headers) as answer:
        first = await next_event(answer)
        asked(web, id="while-you-look")
        await look(web)
        second = await next_event(answer)
    assert 'hx-target="#chart_memory"' in first
    assert "while-you-look" not in first
    assert "while-you-look" in second
    assert 'hx-target="#chart_requests"' in second
    assert 'hx-target="#repairs_count"' not in second


async def test_charts_of_long_ranges_are_drawn_less_often(web: Web) -> None:
    """Their figures and requests follow at once."""
    async with web.session.get(web.url + "/events/activity?range=14d", headers=web.headers) as answer:
        await next_event(answer)
        asked(web, id="while-you-look")
        await look(web)
        second = await next_event(answer)
        for _ in range(11):
            await look(web)
        assert ("while-you-look" in second, "chart_requests" in second) == (True, False)
        async with asyncio.timeout(10):
            while "chart_requests" not in await next_event(answer):
                pass


async def test_strangers_see_nothing(web: Web) -> None:
    """The page sends them to the login; the stream and the JSON refuse."""
    web.headers = {}
    shown = await web.call("GET", "/activity", headers=HTML)
    refused = [await web.call("GET", p) for p in ("/events/activity", "/api/activity", "/api/activity/requests")]
    assert (shown.status, [answer.status for answer in refused]) == (303, [401] * 3)


async def test_the_series_as_json(web: Web) -> None:
    """Now, today, and a point for each step; null where nothing was recorded."""
    await with_gpu(web)
    web.post(LoadMeasured(RequestLoad(in_flight=2, queued=1)))
    await until(lambda: web.loop.outlook.snapshot.requests.queued == 1)
    asked(web)
    asked(web, status=404, tokens_in=None, tokens_out=None, first_token=None)
    web.activity.history.add_reading(time.time(), reading(in_flight=2, gpus=(gpu(power=360.0),), memory=4.0))
    said = await document(web, "/api/activity?range=1h")
    known = [point for point in said["points"] if point]
    assert (said["now"]["in_flight"], said["now"]["queued"], said["step_s"], len(said["points"])) == (2, 1, 20, 180)
    assert (said["today"]["requests"]["answered"], said["total"]["tokens"]) == (1, {"in": 18, "out": 40})
    assert sum(point["requests"]["refused"] for point in known) == 1
    assert {point["first_token_s"]["worst"] for point in known} - {None} == {0.25}
    assert said["total"]["energy_wh"] == pytest.approx(0.5)
    assert said["total"]["models"][0] == {"model": "m", "requests": 2, "errors": 1, "tokens": {"in": 18, "out": 40}}
    assert said["gpus"] == [{"id": "pci:0", "name": HOSTILE}]
    (reading_of_gpu,) = (point["gpus"]["pci:0"] for point in known if point["gpus"])
    assert reading_of_gpu == {"utilisation": 0.5, "memory_used": 8 << 30, "temperature": None, "power": 360}


async def test_the_latest_requests_as_json(web: Web) -> None:
    """The newest first, as many as asked for."""
    for number in range(5):
        asked(web, id=f"req-{number}", address="10.0.0.7")
    said = (await document(web, "/api/activity/requests?limit=2"))["requests"]
    wrong = await web.call("GET", "/api/activity/requests?limit=0")
    assert ([one["id"] for one in said], wrong.status) == (["req-4", "req-3"], 422)
    assert said[0] | {"at": None} == {
        "at": None,
        "id": "req-4",
        "model": "m",
        "endpoint": "/v1/chat/completions",
        "route": "solo",
        "client": "10.0.0.7",
        "key": None,
        "status": 200,
        "outcome": "answered",
        "stream": True,
        "duration_s": 1.0,
        "first_token_s": 0.25,
        "tokens": {"in": 18, "out": 40, "per_second": 20.0},
        "bytes": 500,
    }


async def test_tokens_and_first_tokens_are_metrics(web: Web) -> None:
    """For each model, by direction, and as a histogram."""
    asked(web)
    text = await (await web.call("GET", "/metrics")).text()
    assert 'meshbox_tokens_total{direction="in",model="m"} 18.0' in text
    assert 'meshbox_tokens_total{direction="out",model="m"} 40.0' in text
    assert 'meshbox_time_to_first_token_seconds_bucket{le="0.1",model="m"} 0.0' in text
    assert 'meshbox_time_to_first_token_seconds_bucket{le="0.25",model="m"} 1.0' in text
    assert 'meshbox_time_to_first_token_seconds_count{model="m"} 1.0' in text
