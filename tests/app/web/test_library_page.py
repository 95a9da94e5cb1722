"""The library on the models page: whose each model is, and making room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import FormData

from appliance.jobs.shelf import UPLOADED, ManagedFile
from appliance.models.library import Scanner
from appliance.node.events import LibraryScanned
from tests.app.web.harness import Web, running_web
from tests.builders import make_snapshot
from tests.fakes.hub import FIXTURES
from tests.stores import OllamaStore

HTML = {"Accept": "text/html"}
OLD, ALSO_OLD, OF_OLLAMA = "mesh-tiny-second-Q8_0", "mesh-tiny-draft-Q8_0", "tiny:1b"


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    """A box with two models that were fetched long ago and one that Ollama keeps."""
    async with running_web(tmp_path, make_snapshot(wanted=(), models=())) as one:
        await one.claim()
        folder = one.models.models_folder
        await asyncio.to_thread(_fill, folder)
        for name in (OLD, ALSO_OLD):
            await one.models.shelf.add([ManagedFile(f"{name}.gguf", 1, None, UPLOADED, None, 0.0)])
        library = await asyncio.to_thread(Scanner(folder, folder).scan)
        one.post(LibraryScanned(replace(library, broken=())))
        async for outlook in one.loop.watch():
            if outlook.snapshot.library is not None and len(outlook.snapshot.library.models) == 3:
                break
        yield one


def _fill(folder: Path) -> None:
    store = OllamaStore(folder / "ollama")
    store.add(OF_OLLAMA, model=FIXTURES / "mesh-tiny-moe-Q8_0.gguf")
    for name in (OLD, ALSO_OLD):
        (folder / f"{name}.gguf").write_bytes((FIXTURES / f"{name}.gguf").read_bytes())


async def page(web: Web, path: str = "/models") -> str:
    answer = await web.call("GET", path, headers=HTML)
    assert answer.status == 200
    return await answer.text()


def section(html: str, element: str) -> str:
    return html.partition(f'id="{element}"')[2].partition("</section>")[0]


async def clean(web: Web, days: str, *models: str) -> int:
    form = FormData({"days": days, "models": "\r\n".join(models)})
    answer = await web.call("POST", "/models/cleanup", data=form, headers=HTML)
    return answer.status


async def test_the_page_says_whose_a_model_is(web: Web) -> None:
    """What another program keeps has no button that deletes it."""
    library = section(await page(web), "library")
    assert "kept by Ollama" in library
    assert library.count("Delete…") == 2
    assert library.count("<dd>an upload</dd>") == 2


async def test_a_model_of_ollama_has_its_page(web: Web) -> None:
    """Its name stands in the address as it is."""
    assert OF_OLLAMA in await page(web, f"/models/{OF_OLLAMA}")


async def test_nothing_is_proposed_before_somebody_asked(web: Web) -> None:
    """The card explains itself."""
    card = section(await page(web), "cleanup")
    assert "Show them" in card
    assert OLD not in card


async def test_a_clean_up_is_shown_first(web: Web) -> None:
    """With what each takes, and nothing of others."""
    card = section(await page(web, "/models?unused=30"), "cleanup")
    assert OLD in card
    assert ALSO_OLD in card
    assert OF_OLLAMA not in card
    assert "never used" in card


async def test_only_what_was_shown_is_removed(web: Web) -> None:
    """What became unused since then stays."""
    assert await clean(web, "30", OLD, OF_OLLAMA, "nothing") == 303
    left = {path.name for path in web.models.models_folder.glob("*.gguf")}
    assert left == {f"{ALSO_OLD}.gguf"}
    assert (web.models.models_folder / "ollama").is_dir()


async def test_what_was_used_since_stays(web: Web) -> None:
    """Also when it was shown before."""
    for name in (OLD, ALSO_OLD):
        shelf, path = web.models.shelf, f"{name}.gguf"
        known = shelf.managed(path)
        assert known is not None
        await shelf.add([replace(known, fetched_at=4e9)])
    assert await clean(web, "30", OLD, ALSO_OLD) == 303
    assert len(list(web.models.models_folder.glob("*.gguf"))) == 2
    assert "There is none" in section(await page(web, "/models?unused=30"), "cleanup")


@pytest.mark.parametrize("days", ["", "0", "-1", "x", "99999", "1e3", "²"])
async def test_an_age_that_is_none_is_refused(web: Web, days: str) -> None:
    """Nothing is removed."""
    assert await clean(web, days, OLD) == 422
    assert (web.models.models_folder / f"{OLD}.gguf").exists()
