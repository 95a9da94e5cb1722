"""Objects on their way into a request."""

from __future__ import annotations

import base64
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.objects.store import ObjectStore
from appliance.objects.types import MIB, Party
from appliance.proxy.attachments import LONGEST_TEXT, STEP, Attachments, refuse_links
from appliance.proxy.endpoints import Shape
from appliance.proxy.errors import ApiError

ME = Party(share="here")
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    store = ObjectStore(tmp_path / "objects", lambda: 400 * MIB)
    yield store
    store.close()


async def kept(store: ObjectStore, data: bytes) -> str:
    async def pieces() -> AsyncIterator[bytes]:
        yield data

    return (await store.take_in(pieces(), ME)).url


def asking(*parts: dict[str, Any]) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": list(parts)}]}).encode()


def picture(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def of(store: ObjectStore) -> Attachments:
    return Attachments(store, ME, Shape.OPENAI)


@pytest.mark.parametrize("size", [8, 9, 10, STEP - 1, STEP, STEP + 1, 3 * STEP + 2])
async def test_every_byte_arrives(store: ObjectStore, size: int) -> None:
    """Whatever the size is, also where it is read in several steps."""
    data = (PNG + bytes(range(256)) * (size // 256 + 1))[:size]
    attachments = of(store)
    body = await attachments.find(asking(picture(await kept(store, data)), {"type": "text", "text": "é"}))
    whole = json.loads(await attachments.fill(body))
    attachments.close()
    url = whole["messages"][0]["content"][0]["image_url"]["url"]
    assert (url.startswith("data:image/png;base64,"), base64.b64decode(url[22:])) == (True, data)
    assert whole["messages"][0]["content"][1]["text"] == "é"


async def test_one_use_for_all_places(store: ObjectStore) -> None:
    """And as many tries as it takes."""
    url = await kept(store, PNG)
    for _ in range(3):
        attachments = of(store)
        body = await attachments.find(asking(picture(url), picture(url)))
        assert await attachments.fill(body) == await attachments.fill(body)
        attachments.close()
    assert store.count == 0


async def test_without_an_engine_no_use(store: ObjectStore) -> None:
    """As often as that happens."""
    url = await kept(store, PNG)
    for _ in range(5):
        attachments = of(store)
        await attachments.find(asking(picture(url)))
        attachments.close()
    assert store.count == 1


async def test_what_waits_takes_little_memory(store: ObjectStore) -> None:
    """Marks while it waits, one copy when it goes."""
    url = await kept(store, PNG + bytes(20 * MIB))
    attachments = of(store)
    tracemalloc.start()
    try:
        body = await attachments.find(asking(picture(url)))
        waiting = tracemalloc.get_traced_memory()[1]
        whole = await attachments.fill(body)
        going = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        attachments.close()
    assert (waiting < MIB, going < len(whole) + 6 * MIB) == (True, True), (waiting, going)


async def test_a_body_that_only_speaks_of_objects(store: ObjectStore) -> None:
    """It is passed on as it came."""
    body = b'{ "messages": "Read meshbox://objects/abcdefgh" }'
    assert await of(store).find(body) is body


async def refused(store: ObjectStore, body: bytes) -> tuple[int, str]:
    attachments = of(store)
    with pytest.raises(ApiError) as caught:
        await attachments.find(body)
    attachments.close()
    return caught.value.status, caught.value.code


async def test_more_than_engines_take(store: ObjectStore) -> None:
    """Refused before anything is put in; the object may be used in another way."""
    url = await kept(store, PNG + bytes(40 * MIB))
    assert await refused(store, asking(picture(url), picture(url))) == (413, "request_too_large")
    assert store.count == 1


@pytest.mark.parametrize("data", [b"a" * (LONGEST_TEXT + 1), b"a" * 5000 + b"\xff"], ids=["too long", "no text"])
async def test_texts_that_are_none(store: ObjectStore, data: bytes) -> None:
    """It is told before the request waits."""
    url = await kept(store, data)
    assert await refused(store, asking({"type": "file", "file": {"file_data": url}})) == (400, "object_unusable")


async def test_letters_that_are_none(store: ObjectStore) -> None:
    """Half a letter in a name is a fault of the request."""
    assert await refused(store, b'{"messages": [{"type": "\\ud800", "x": "meshbox:"}]}') == (400, "malformed_json")


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "\\q", "x": [{"type": "image", "url": "http://x"}]}',
        b'{"x": [{"type": "image", "url": "http://x"}], "a": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
    ids=["a letter that is none", "nested"],
)
def test_links_in_what_cannot_be_read(body: bytes) -> None:
    """A fault of the request, none of the box."""
    with pytest.raises(ApiError) as caught:
        refuse_links(body)
    assert (caught.value.status, caught.value.code) == (400, "malformed_json")
