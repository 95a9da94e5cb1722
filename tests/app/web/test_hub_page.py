"""The owner's account on the hub, and the search in the page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.app.web.harness import Web, running_web
from tests.fakes.hub import SECOND, TOKEN, FakeHub, running_hub


@pytest.fixture
async def hub() -> AsyncIterator[FakeHub]:
    async with running_hub() as one:
        yield one


@pytest.fixture
async def web(tmp_path: Path, hub: FakeHub) -> AsyncIterator[Web]:
    async with running_web(tmp_path, hub=hub.url) as one:
        await one.claim()
        yield one


async def text(web: Web, path: str) -> str:
    return await (await web.call("GET", path)).text()


async def test_a_token_is_stored_and_never_shown(web: Web) -> None:
    """The page says that there is one; it can be taken away again."""
    assert 'chip">none<' in await text(web, "/hub")
    answer = await web.call("POST", "/hub", data={"token": TOKEN})
    assert (answer.status, answer.headers["Location"]) == (303, "/hub?done=token_stored")
    page = await text(web, "/hub?done=token_stored")
    assert "stored</span>" in page
    assert TOKEN not in page
    await web.call("POST", "/hub/forget")
    assert not await web.models.hub.token.known()


async def test_what_is_no_token_is_told_beside_its_field(web: Web) -> None:
    """And it is not shown either."""
    answer = await web.call("POST", "/hub", data={"token": "a b"})
    page = await answer.text()
    assert answer.status == 422
    assert 'aria-invalid="true"' in page
    assert "a b" not in page


async def test_who_is_refused_is_shown_where_a_token_is_stored(web: Web, hub: FakeHub) -> None:
    """Where one looked, and at the download that failed."""
    hub.repos[SECOND].gated = True
    hub.answer_with(403)
    assert '<a href="/hub">Store a token</a>' in await text(web, f"/models?q={SECOND}")
    await web.call("POST", "/models/fetch", data={"ref": SECOND})
    async for outlook in web.loop.watch():
        if any(job.error and job.error.code == "gated" for job in outlook.snapshot.jobs.values()):
            break
    assert '<a class="button quiet" href="/hub">Store a token</a>' in await text(web, "/models")


async def test_a_search_says_what_fits(web: Web) -> None:
    """Of each repository whose size the hub knows; the same in the API."""
    page = await text(web, "/models?q=tiny")
    assert page.count('<span class="chip good" title="Fits') == 2
    found = await (await web.call("GET", "/api/models/search?q=tiny")).json()
    assert [(one["fit"]["fits"], one["fit"]["code"]) for one in found["models"]] == [(True, "fits")] * 2


async def test_what_was_looked_at_is_what_is_fetched(web: Web, hub: FakeHub) -> None:
    """The form that was shown is named, so that no other comes when the memory has changed meanwhile."""
    assert f'name="ref" value="{SECOND}:Q8_0"' in await text(web, f"/models?q={SECOND}")


async def test_a_path_is_not_told_to_the_hub(web: Web, hub: FakeHub, tmp_path: Path) -> None:
    """What lies on the box is nobody's business; what is wrong with the path is said."""
    assert "is not a .gguf file" in await text(web, "/models?q=/etc/passwd")
    assert "There is no file" in await text(web, "/models?q=/mnt/x.gguf")
    assert hub.requests == []


async def test_an_ended_job_is_taken_off_the_list(web: Web) -> None:
    """One that runs is not ended by it."""
    await web.call("POST", "/models/fetch", data={"ref": "/mnt/none.gguf"})
    async for outlook in web.loop.watch():
        (job,) = outlook.snapshot.jobs.values()
        if job.ended:
            break
    assert "Take off the list" in await text(web, "/models")
    answer = await web.call("POST", f"/models/jobs/{job.id}/dismiss", data={"back": "/models"})
    assert answer.headers["Location"] == "/models?done=dismissed"
    assert web.models.downloads.jobs() == {}


async def test_a_search_says_what_a_model_may_be_able_to_do(web: Web, hub: FakeHub) -> None:
    """As the hub tells it: likely, until the file itself is here."""
    hub.repos[SECOND].task = "image-text-to-text"
    assert "perhaps: sees pictures" in await text(web, "/models?q=tiny")
    found = await (await web.call("GET", "/api/models/search?q=tiny")).json()
    (one,) = [one for one in found["models"] if one["repo"] == SECOND]
    assert one["traits"] == {"vision": {"level": "likely", "source": "what the hub says of it"}}
