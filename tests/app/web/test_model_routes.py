"""Finding, fetching, sending and removing models by JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from blockbuster import blockbuster_ctx

from appliance.models.library import Scanner
from appliance.node.events import JobReported, LibraryScanned
from appliance.node.jobs import Job, JobKind, JobState
from tests.app.web.harness import Web, running_web
from tests.builders import make_snapshot
from tests.fakes.hub import FIXTURES, SECOND, TOKEN, FakeHub, running_hub

MODEL = "mesh-tiny-second-Q8_0"
DRAFT = "mesh-tiny-draft-Q8_0.gguf"


@pytest.fixture
async def hub() -> AsyncIterator[FakeHub]:
    async with running_hub() as one:
        yield one


@pytest.fixture
async def web(tmp_path: Path, hub: FakeHub) -> AsyncIterator[Web]:
    """A box that wants nothing served, with a hub of its own."""
    async with running_web(tmp_path, make_snapshot(wanted=(), models=()), hub=hub.url) as one:
        await one.claim()
        with blockbuster_ctx(["appliance", "webui"]):
            yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Web]:
    """One box for all the input that changes nothing."""
    async with running_hub() as hub, running_web(tmp_path_factory.mktemp("box"), hub=hub.url) as one:
        await one.claim()
        yield one


async def call(web: Web, method: str, path: str, body: object = None, **options: Any) -> tuple[int, Any]:
    answer = await web.call(method, path, json=body, **options)
    return answer.status, json.loads(await answer.text())


async def ended(web: Web, job_id: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        async for outlook in web.loop.watch():
            job = outlook.snapshot.jobs.get(job_id)
            if job is not None and job.ended:
                break
    return dict((await call(web, "GET", f"/api/jobs/{job_id}"))[1])


async def fetched(web: Web, ref: str = SECOND) -> dict[str, Any]:
    status, job = await call(web, "POST", "/api/models", {"ref": ref})
    assert status == 202
    done = await ended(web, job["id"])
    await scan(web)
    return done


async def scan(web: Web) -> None:
    """What the watcher of the library does."""
    folder = web.models.models_folder
    library = await asyncio.to_thread(Scanner(folder, folder / "none").scan)
    library = replace(library, broken=())
    web.post(LibraryScanned(library))
    async for outlook in web.loop.watch():
        if outlook.snapshot.library == library:
            return


async def test_a_model_is_fetched_and_listed(web: Web) -> None:
    """The answer is a job; afterwards the list says where the model came from."""
    job = await fetched(web)
    assert (job["state"], job["result"], job["progress"], job["kind"]) == ("done", MODEL, 1.0, "download")
    (model,) = (await call(web, "GET", "/api/models"))[1]["models"]
    assert (model["id"], model["managed"], model["source"], model["last_used"]) == (MODEL, True, SECOND, None)


async def test_a_job_is_there_from_the_moment_it_was_asked_for(web: Web, hub: FakeHub) -> None:
    """In the list, by its id, and in the status."""
    hub.pause()
    job = (await call(web, "POST", "/api/models", {"ref": SECOND}))[1]
    assert (await call(web, "GET", f"/api/jobs/{job['id']}"))[0] == 200
    assert [j["id"] for j in (await call(web, "GET", "/api/jobs"))[1]["jobs"]] == [job["id"]]
    assert [j["id"] for j in (await call(web, "GET", "/api/status"))[1]["jobs"]] == [job["id"]]
    again = (await call(web, "POST", "/api/models", {"ref": SECOND}))[1]
    assert again["id"] == job["id"]


async def test_jobs_are_cancelled_retried_and_taken_off_the_list(web: Web, hub: FakeHub) -> None:
    """DELETE ends what runs and forgets what is over."""
    hub.pause()
    path = f"/api/jobs/{(await call(web, 'POST', '/api/models', {'ref': SECOND}))[1]['id']}"
    assert (await call(web, "DELETE", path))[1]["state"] == "cancelled"
    hub.resume()
    assert (await call(web, "POST", f"{path}/retry"))[0] == 202
    assert (await ended(web, path.rpartition("/")[2]))["state"] == "done"
    assert (await call(web, "POST", f"{path}/retry"))[1]["code"] == "not_failed"
    assert (await call(web, "DELETE", path))[0] == 200
    assert (await call(web, "GET", path))[1]["code"] == "unknown_job"


async def test_loads_are_listed_beside_downloads(web: Web) -> None:
    """Trying again is for downloads: a model is loaded again by asking for it."""
    web.post(JobReported(Job("load", JobKind.LOAD, "m", JobState.RUNNING, 0.0)))
    async for outlook in web.loop.watch():
        if outlook.snapshot.jobs:
            break
    assert (await call(web, "GET", "/api/jobs/load"))[1]["kind"] == "load"
    assert (await call(web, "POST", "/api/jobs/load/retry"))[1]["code"] == "not_failed"


async def test_a_search_lists_what_the_hub_has(web: Web) -> None:
    """With what a person chooses by."""
    status, answer = await call(web, "GET", "/api/models/search?q=tiny&sort=likes&limit=1")
    assert (status, [found["repo"] for found in answer["models"]]) == (200, [SECOND])
    assert answer["models"][0]["updated"] == "2023-11-14T22:13:20Z"


async def test_resolving_tells_what_would_be_fetched(web: Web, hub: FakeHub) -> None:
    """Files, bytes, and what the first bytes of the model say; nothing is written."""
    status, answer = await call(web, "GET", f"/api/models/resolve?ref={SECOND}")
    assert (status, answer["model"], answer["quant"], answer["bytes"]) == (200, MODEL, "Q8_0", 2673632)
    assert [(f["path"], f["companion"]) for f in answer["files"]] == [
        (f"mesh--tiny-second-GGUF/{MODEL}.gguf", False),
        ("mesh--tiny-second-GGUF/mmproj-mesh-tiny-second-F16.gguf", True),
    ]
    assert (answer["gguf"]["architecture"], answer["gguf"]["context_length"]) == ("llama", 1024)
    assert answer["variants"] == [{"name": MODEL, "quant": "Q8_0", "bytes": 2368640, "files": 1}]
    assert all(seen.range == "bytes=0-262143" for seen in hub.asked("/blob/"))
    assert list((await call(web, "GET", "/api/jobs"))[1]["jobs"]) == []


async def test_a_gated_model_is_told_before_it_is_fetched(web: Web, hub: FakeHub) -> None:
    """What it is called and how large it is, is known all the same."""
    hub.repos[SECOND].gated = True
    status, answer = await call(web, "GET", f"/api/models/resolve?ref={SECOND}")
    assert (status, answer["gated"], answer["bytes"]) == (200, True, 2673632)
    assert (answer["gguf"]["servable"], answer["gguf"]["reason"]["code"]) == (None, "gated")


async def test_a_companion_is_told_to_be_none(web: Web) -> None:
    """It can be fetched, not served."""
    file = f"{SECOND}/mmproj-mesh-tiny-second-F16.gguf"
    answer = (await call(web, "GET", f"/api/models/resolve?ref={file}"))[1]
    assert (answer["gguf"]["servable"], answer["gguf"]["reason"]["code"]) == (False, "companion")


async def test_a_model_is_removed(web: Web) -> None:
    """With its files; a second time there is nothing to remove."""
    await fetched(web)
    status, answer = await call(web, "DELETE", f"/api/models/{MODEL}")
    assert (status, answer["removed"], answer["bytes"], len(answer["files"])) == (200, True, 2673632, 2)
    await scan(web)
    assert (await call(web, "DELETE", f"/api/models/{MODEL}"))[1]["code"] == "unknown_model"


async def test_clean_up_shows_first_and_removes_then(web: Web) -> None:
    """Only after it was confirmed."""
    await fetched(web)
    body = {"unused_since": "2999-01-01T00:00:00Z"}
    status, preview = await call(web, "POST", "/api/models/cleanup", body)
    assert (status, preview["removed"], preview["models"], preview["bytes"]) == (200, False, [MODEL], 2673632)
    confirmed = (await call(web, "POST", "/api/models/cleanup", body | {"confirm": True}))[1]
    assert confirmed == preview | {"removed": True}
    assert (await call(web, "POST", "/api/models/cleanup", body))[1]["models"] == []


async def test_a_file_is_sent_in_parts(web: Web) -> None:
    """Far larger than what other routes take, with its place in the file."""
    data, path = (FIXTURES / DRAFT).read_bytes(), f"/api/models/upload?name={DRAFT}"
    first = {"Content-Range": f"bytes 0-299999/{len(data)}", "Content-Type": "application/octet-stream"}
    answer = await web.call("POST", path, data=BytesIO(data[:300_000]), headers=first)
    assert (answer.status, json.loads(await answer.text())["received"]) == (202, 300_000)
    assert (await call(web, "GET", path))[1] == {"name": DRAFT, "received": 300_000, "total": None, "model": None}
    rest = {"Content-Range": f"bytes 300000-{len(data) - 1}/{len(data)}"}
    answer = await web.call("POST", path, data=BytesIO(data[300_000:]), headers=rest)
    assert (answer.status, json.loads(await answer.text())["model"]) == (201, "mesh-tiny-draft-Q8_0")


async def test_a_large_file_is_sent_at_once(web: Web) -> None:
    """Beyond the limit of a JSON body."""
    data = (FIXTURES / f"{MODEL}.gguf").read_bytes()
    answer = await web.call("POST", f"/api/models/upload?name={MODEL}.gguf", data=BytesIO(data))
    assert answer.status == 201, await answer.text()
    await scan(web)
    assert (await call(web, "GET", "/api/models"))[1]["models"][0]["source"] == "upload"


async def test_the_token_of_the_hub_is_never_shown(web: Web) -> None:
    """It can be set, cleared and asked for its presence."""
    assert (await call(web, "GET", "/api/hub/token"))[1] == {"known": False}
    answer = await web.call("PUT", "/api/hub/token", json={"token": TOKEN})
    assert (answer.status, TOKEN in await answer.text()) == (200, False)
    assert (await call(web, "GET", "/api/hub/token"))[1] == {"known": True}
    assert TOKEN not in "".join(line.text for line in web.logs.lines())
    assert (await call(web, "DELETE", "/api/hub/token"))[1] == {"known": False}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/api/models", {}, 422, "invalid_fields"),
        ("POST", "/api/models", {"ref": 3}, 422, "invalid_fields"),
        ("POST", "/api/models", {"ref": ""}, 422, "bad_ref"),
        ("POST", "/api/models", {"ref": "x"}, 422, "bad_ref"),
        ("DELETE", "/api/models/nothing", None, 404, "unknown_model"),
        ("DELETE", "/api/models/../../etc/passwd", None, 404, "not_found"),
        ("GET", "/api/models/search?sort=x", None, 422, "invalid_fields"),
        ("GET", "/api/models/search?limit=0", None, 422, "invalid_fields"),
        ("GET", "/api/models/search?limit=x", None, 422, "invalid_fields"),
        ("GET", "/api/models/resolve", None, 422, "invalid_fields"),
        ("GET", "/api/models/resolve?ref=x", None, 422, "bad_ref"),
        ("GET", "/api/models/resolve?ref=mesh/nothing", None, 404, "not_found"),
        ("GET", f"/api/models/resolve?ref={SECOND}:Q2_K", None, 404, "no_such_quant"),
        ("GET", "/api/models/resolve?ref=https://127.0.0.1/x.gguf", None, 422, "address_refused"),
        ("POST", "/api/models/cleanup", {}, 422, "invalid_fields"),
        ("POST", "/api/models/cleanup", {"unused_since": "yesterday"}, 422, "invalid_fields"),
        ("POST", "/api/models/cleanup", {"unused_since": "2020-01-01T00:00:00"}, 422, "invalid_fields"),
        ("POST", "/api/models/upload", None, 422, "invalid_fields"),
        ("POST", "/api/models/upload?name=x.txt", None, 422, "bad_name"),
        ("POST", "/api/models/upload?name=x.gguf", None, 422, "not_gguf"),
        ("POST", "/api/models/upload?name=x.gguf&offset=5", None, 409, "wrong_offset"),
        ("POST", "/api/models/upload?name=x.gguf&offset=-5", None, 422, "invalid_fields"),
        ("GET", "/api/models/upload?name=..", None, 422, "bad_name"),
        ("PUT", "/api/hub/token", {"token": "x"}, 422, "no_token"),
        ("GET", "/api/jobs/nothing", None, 404, "unknown_job"),
        ("DELETE", "/api/jobs/nothing", None, 404, "unknown_job"),
        ("POST", "/api/jobs/nothing/retry", None, 404, "unknown_job"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_bad_input_is_named(shared: Web, method: str, path: str, body: object, status: int, code: str) -> None:
    """A problem document with a stable code, never a 500."""
    answered, problem = await call(shared, method, path, body)
    assert (answered, problem["code"]) == (status, code), problem


async def test_a_senseless_range_is_named(web: Web) -> None:
    """Of an upload in parts."""
    answer = await web.call("POST", "/api/models/upload?name=x.gguf", headers={"Content-Range": "bytes x"})
    assert (answer.status, json.loads(await answer.text())["code"]) == (400, "bad_range")


async def test_a_hub_that_is_down_is_a_clear_problem(tmp_path: Path) -> None:
    """Which hub, and where to look."""
    async with running_web(tmp_path) as web:
        await web.claim()
        for path in ("/api/models/search?q=x", "/api/models/resolve?ref=a/b"):
            status, problem = await call(web, "GET", path)
            assert (status, problem["code"]) == (502, "hub_unreachable")
            assert "http://127.0.0.1:9" in problem["detail"]


async def test_a_hub_that_wants_a_pause_says_how_long(web: Web, hub: FakeHub) -> None:
    """As the header that programs know."""
    hub.answer_with(429, Retry_After="17")
    answer = await web.call("GET", "/api/models/search?q=x")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "17")


@pytest.mark.parametrize("path", ["/api/models", "/api/jobs", "/api/models/search?q=x", "/api/hub/token"])
async def test_strangers_learn_nothing(web: Web, hub: FakeHub, path: str) -> None:
    """And make the box ask nothing."""
    web.headers = {}
    assert (await web.call("GET", path)).status == 401
    assert hub.requests == []
