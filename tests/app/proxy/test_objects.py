"""Objects and addresses in requests, through the real API to a real model with eyes."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from appliance.keys.keyring import Keyring
from appliance.keys.store import KeyStore
from appliance.keys.types import Grant
from appliance.objects.store import ObjectStore
from appliance.objects.types import LARGEST, MIB
from appliance.proxy.gate import KeyGate
from appliance.settings.schema import ApiSettings, Settings
from appliance.storage.database import Database
from tests.app.proxy.harness import MODEL, QUESTION, ROOT, Answer, Api, Engine, ready, running_api, running_engine
from tests.pictures import BLUE, RED, png

MODELS = ROOT / "tests" / "fixtures" / "models"
SEES = "mesh-tiny-second-Q8_0"
PROJECTOR = MODELS / "mmproj-mesh-tiny-second-F16.gguf"
CHAT, RESPONSES, MESSAGES, OBJECTS = "/v1/chat/completions", "/v1/responses", "/v1/messages", "/api/objects"
ASKED = "What is in the picture?"
ROOM = 100 * MIB
NO_SUCH = "meshbox://objects/AAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    log = tmp_path_factory.mktemp("eyes") / "engine.log"
    with running_engine(log, "--mmproj", str(PROJECTOR), file=MODELS / f"{SEES}.gguf") as engine:
        yield engine


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ObjectStore]:
    store = ObjectStore(tmp_path / "objects", lambda: ROOM)
    yield store
    assert store.filled <= ROOM
    store.close()


@pytest.fixture
async def seeing(eyes: Engine, store: ObjectStore) -> AsyncIterator[Api]:
    async with running_api(objects=store) as api:
        await eyes.until_idle()
        api.serve(ready(eyes.endpoint, SEES, modalities=("text", "image")))
        yield api


async def sent(api: Api, data: bytes, **headers: str) -> str:
    """The address of what went up."""
    said = await api.post(OBJECTS, data, **headers)
    assert said.status == 201, said.body
    url: str = said.json["url"]
    return url


def asking(url: str, **more: Any) -> dict[str, Any]:
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": ASKED}]
    return {"messages": [{"role": "user", "content": parts}], "temperature": 0, "max_tokens": 24, **more}


def fitting(path: str, url: str) -> dict[str, Any]:
    """The same question on another route, and as a file."""
    parts: list[dict[str, Any]]
    sample = {"temperature": 0}
    match path:
        case "responses":
            parts = [{"type": "input_image", "image_url": url}, {"type": "input_text", "text": ASKED}]
            return {"input": [{"role": "user", "content": parts}], **sample}
        case "messages":
            parts = [{"type": "image", "source": {"type": "url", "url": url}}, {"type": "text", "text": ASKED}]
            return {"messages": [{"role": "user", "content": parts}], "max_tokens": 24, **sample}
        case "file":
            parts = [{"type": "file", "file": {"file_data": url}}, {"type": "text", "text": ASKED}]
            return {"messages": [{"role": "user", "content": parts}], "max_tokens": 24, **sample}
        case _:
            return asking(url)


@pytest.mark.parametrize(
    ("path", "kind"), [(CHAT, "chat"), (CHAT, "file"), (RESPONSES, "responses"), (MESSAGES, "messages")]
)
async def test_a_picture_that_went_up_before(seeing: Api, path: str, kind: str) -> None:
    """The model says what is in it, on every route."""
    for colour, name in ((RED, "red square"), (BLUE, "blue square")):
        said = await seeing.post(path, fitting(kind, await sent(seeing, png(colour, "square"))))
        assert (said.status, name in said.body.decode().lower()) == (200, True), said.body


async def test_a_stream_about_a_picture(seeing: Api) -> None:
    """The same word by word."""
    said = await seeing.post(CHAT, asking(await sent(seeing, png(RED, "square")), stream=True))
    words = [json.loads(line[6:]) for line in said.body.decode().splitlines() if line.startswith("data: {")]
    text = "".join(word["choices"][0]["delta"].get("content") or "" for word in words if word["choices"])
    assert "red square" in text.lower()


async def test_what_an_upload_is_told(seeing: Api) -> None:
    """Its address, what it is by its bytes, how long and how often it can be used."""
    said = await seeing.post(OBJECTS, png(RED, "square"), Content_Type="text/html")
    about = said.json
    assert (about["type"], about["size"], about["uses_left"]) == ("image/png", len(png(RED, "square")), 3)
    assert about["url"] == f"meshbox://objects/{about['id']}"
    assert about["expires_at"].endswith("Z")


async def test_an_upload_in_a_form(seeing: Api) -> None:
    """As browsers and curl send files."""
    form = aiohttp.FormData()
    form.add_field("purpose", "vision")
    form.add_field("file", png(RED, "square"), filename="../../x.png", content_type="image/png")
    async with seeing.session.post(seeing.url + OBJECTS, data=form) as response:
        about = await response.json()
    assert (response.status, about["size"]) == (201, len(png(RED, "square")))


def refusal(said: Answer) -> tuple[int, str]:
    return said.status, said.code


async def test_three_uses(seeing: Api, store: ObjectStore) -> None:
    """The fourth is refused, in the shape of its route, and nothing is left."""
    url = await sent(seeing, png(RED, "square"))
    for _ in range(3):
        assert (await seeing.post(CHAT, asking(url))).status == 200
    assert refusal(await seeing.post(CHAT, asking(url))) == (400, "object_not_found")
    refused = await seeing.post(MESSAGES, fitting("messages", url))
    assert (refused.status, refused.json["type"], refused.code) == (400, "error", "object_not_found")
    assert store.filled == 0


async def test_a_request_that_reached_no_engine_used_nothing(seeing: Api, store: ObjectStore) -> None:
    """A wrong name, a wrong header, a stopped box: the object can still be used three times."""
    url = await sent(seeing, png(RED, "square"))
    assert (await seeing.post(CHAT, asking(url, model="nobody"))).status == 404
    assert (await seeing.post(CHAT, asking(url), X_Meshbox_Priority="nonsense")).status == 400
    blind = asking(url, model="blind")
    seeing.serve(*seeing.routes.values(), ready(seeing.routes[SEES].endpoint, "blind"))  # type: ignore[arg-type]
    assert (await seeing.post(CHAT, blind)).code == "unsupported_input"
    for _ in range(3):
        assert (await seeing.post(CHAT, asking(url, model=SEES))).status == 200
    assert store.count == 0


async def test_removed_before_its_time(seeing: Api) -> None:
    """Once, then it is not there any more."""
    url = await sent(seeing, png(RED, "square"))
    path = f"{OBJECTS}/{url.rpartition('/')[2]}"
    assert (await seeing.ask("DELETE", path)).json["deleted"] is True
    assert refusal(await seeing.ask("DELETE", path)) == (404, "object_not_found")
    assert refusal(await seeing.post(CHAT, asking(url))) == (400, "object_not_found")


@pytest.mark.parametrize("url", [NO_SUCH, "meshbox://objects/", "meshbox://objects/../../../etc/passwd"])
async def test_what_never_was(seeing: Api, url: str) -> None:
    """A clear word."""
    said = await seeing.post(CHAT, asking(url))
    assert (refusal(said), said.json["error"]["param"]) == ((400, "object_not_found"), "messages")


async def test_an_object_of_another_kind(seeing: Api) -> None:
    """It says what it is, whatever the client calls it."""
    said = await seeing.post(CHAT, asking(await sent(seeing, b"No picture at all", Content_Type="image/png")))
    assert (refusal(said), "text/plain" in said.json["error"]["message"]) == ((400, "object_unusable"), True)


async def test_a_picture_that_is_broken(seeing: Api) -> None:
    """The engine's word, as a fault of the request."""
    said = await seeing.post(CHAT, asking(await sent(seeing, b"\x89PNG\r\n\x1a\n" + bytes(100))))
    assert said.status == 400


async def test_a_text_that_went_up(seeing: Api) -> None:
    """It is read as if it had been typed, quotes and all."""
    url = await sent(seeing, b'What is "3" + 4?\n\x1b')
    body = {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": url}}]}], "max_tokens": 1}
    typed = {"messages": [{"role": "user", "content": 'What is "3" + 4?\n\x1b'}], "max_tokens": 1}
    counts = [(await seeing.post(CHAT, one)).json["usage"]["prompt_tokens"] for one in (body, typed)]
    assert counts[0] == counts[1]


async def test_the_limit_of_a_body_is_for_what_is_typed(seeing: Api) -> None:
    """A large object goes with a small body; both together may not be more than engines take."""
    seeing.settings = Settings(api=ApiSettings(max_body_mib=1))
    padded = png(RED, "square") + bytes(4 * MIB)
    assert (await seeing.post(CHAT, asking(await sent(seeing, padded)))).status == 200
    large = await sent(seeing, b"\x89PNG\r\n\x1a\n" + bytes(40 * MIB))
    twice = asking(large)
    twice["messages"] *= 2
    assert refusal(await seeing.post(CHAT, twice)) == (413, "request_too_large")


@pytest.fixture
async def keyed(eyes: Engine, store: ObjectStore, tmp_path: Path) -> AsyncIterator[tuple[Api, list[str]]]:
    """The API closed, and two keys for it."""
    database = Database(tmp_path / "state.db")
    await database.open()
    keys = Keyring(KeyStore(database))
    await keys.open()
    secrets = [(await keys.create(Grant(name)))[1] for name in ("Laptop", "Phone")]
    async with running_api(gate=KeyGate(keys, lambda: True), objects=store) as api:
        await eyes.until_idle()
        api.serve(ready(eyes.endpoint, SEES, modalities=("text", "image")))
        yield api, [f"Bearer {secret}" for secret in secrets]
    await database.close()


async def test_each_key_has_its_own(keyed: tuple[Api, list[str]]) -> None:
    """Another key neither uses nor removes them; without a key nothing goes up."""
    api, (laptop, phone) = keyed
    url = await sent(api, png(RED, "square"), Authorization=laptop)
    path = f"{OBJECTS}/{url.rpartition('/')[2]}"
    others = await api.post(CHAT, asking(url), Authorization=phone)
    gone = await api.ask("DELETE", path, headers={"Authorization": phone})
    assert (refusal(others), refusal(gone)) == ((400, "object_not_found"), (404, "object_not_found"))
    assert (await api.post(CHAT, asking(url), Authorization=laptop)).status == 200
    assert refusal(await api.post(OBJECTS, b"x")) == (401, "missing_api_key")
    assert refusal(await api.ask("DELETE", path)) == (401, "missing_api_key")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", OBJECTS, 405),
        ("GET", OBJECTS + "/AAAAAAAAAAAA", 405),
        ("DELETE", OBJECTS, 405),
        ("POST", OBJECTS + "/AAAAAAAAAAAA", 405),
        ("DELETE", OBJECTS + "/..%2F..%2Fsecrets%2Fnode.key", 404),
        ("DELETE", OBJECTS + "/" + "x" * 2000, 404),
        ("DELETE", OBJECTS + "/%00", 404),
        ("POST", OBJECTS, 422),
    ],
)
async def test_strange_requests(seeing: Api, method: str, path: str, status: int) -> None:
    """Each has its word, and none leads to a file."""
    said = await seeing.ask(method, path)
    assert (said.status, bool(said.json["error"]["message"])) == (status, True)


async def test_one_that_is_too_large(seeing: Api, store: ObjectStore) -> None:
    """Told at once where its size was announced, else when it is too much; nothing of it stays."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(LARGEST // MIB + 1):
            yield bytes(MIB)

    for data in (pieces(), io.BytesIO(bytes(LARGEST + MIB))):
        async with seeing.session.post(seeing.url + OBJECTS, data=data) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (413, "too_large")
    assert store.filled == 0


async def test_when_the_room_is_full(seeing: Api, store: ObjectStore) -> None:
    """507, with what can be done; what is removed makes room."""
    first = await sent(seeing, bytes(30 * MIB))
    said = await seeing.post(OBJECTS, bytes(30 * MIB))
    assert (refusal(said), "15 minutes" in said.json["error"]["message"]) == ((507, "objects_full"), True)
    await seeing.ask("DELETE", f"{OBJECTS}/{first.rpartition('/')[2]}")
    assert (await seeing.post(OBJECTS, bytes(30 * MIB))).status == 201
    assert store.count == 1


async def test_an_upload_that_breaks_off(seeing: Api, store: ObjectStore) -> None:
    """Nothing of it stays."""
    _, writer = await asyncio.open_connection("127.0.0.1", seeing.port)
    writer.write(b"POST /api/objects HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n" + bytes(3 * MIB))
    await writer.drain()
    async with asyncio.timeout(5):
        while not store.filled:  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.01)
        writer.transport.abort()
        while store.filled:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert store.count == 0


async def test_objects_are_gone_once_a_box_stops(seeing: Api) -> None:
    """A stopping box takes none."""
    seeing.stopping.set()
    assert refusal(await seeing.post(OBJECTS, b"x")) == (503, "box_stopping")


class House:
    """A server of the house that nobody outside should reach."""

    def __init__(self) -> None:
        self.asked = 0
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        body = png(RED, "square")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    async with await asyncio.start_server(house.answer, "127.0.0.1", 0) as server:
        house.port = server.sockets[0].getsockname()[1]
        yield house


@pytest.mark.parametrize(
    ("path", "kind"), [(CHAT, "chat"), ("/apply-template", "chat"), (RESPONSES, "responses"), (MESSAGES, "messages")]
)
async def test_no_address_is_fetched(seeing: Api, house: House, path: str, kind: str) -> None:
    """The box is no way into the network of the house: a clear refusal, and the engine is not even asked."""
    said = await seeing.post(path, fitting(kind, f"http://127.0.0.1:{house.port}/"))
    assert (refusal(said), house.asked) == ((400, "link_not_fetched"), 0)


async def test_addresses_are_fetched_when_the_owner_says_so(seeing: Api, house: House) -> None:
    """By the engine; that is why it takes a setting."""
    seeing.settings = Settings(api=ApiSettings(fetch_links=True))
    said = await seeing.post(CHAT, asking(f"http://127.0.0.1:{house.port}/"))
    assert (said.status, house.asked, b"red square" in said.body.lower()) == (200, 1, True)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "HTTP://127.0.0.1/", "ftp://127.0.0.1/", "//127.0.0.1/"])
async def test_other_addresses(seeing: Api, url: str) -> None:
    """The engine refuses them."""
    assert (await seeing.post(CHAT, asking(url))).status == 400


async def test_words_about_addresses(api: Api) -> None:
    """Whoever writes of an address is answered."""
    body = {**QUESTION, "messages": [{"role": "user", "content": f"Read http://localhost/ and {NO_SUCH}"}]}
    assert (await api.post(CHAT, {**body, "model": MODEL})).status == 200
