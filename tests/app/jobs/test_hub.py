"""Questions to the hub: what is asked, what comes back, and every way in which it does not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest

from appliance.models.hub import Hub, HubFailed
from appliance.models.hub_token import BadToken, HubToken
from appliance.tasks import TaskGroup
from tests.fakes.hub import SECOND, TOKEN, FakeHub

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def client(hub: FakeHub, tmp_path: Path) -> Hub:
    return Hub(hub.url, HubToken(tmp_path))


async def failed(question: object) -> HubFailed:
    with pytest.raises(HubFailed) as caught:
        await question  # type: ignore[misc]
    assert caught.value.detail
    return caught.value


async def test_a_search_finds_repositories_with_gguf_files(hub: FakeHub, client: Hub) -> None:
    """With what a person chooses by; asked once and without a token."""
    hub.add("mesh/tiny-without-gguf", {"model.safetensors": b""})
    await client.token.set(TOKEN)
    found = await client.search("tiny")
    assert [(f.repo, f.downloads, f.likes) for f in found] == [("mesh/tiny-draft-GGUF", 20, 1), (SECOND, 10, 3)]
    assert (found[1].architecture, found[1].context_length, found[1].gated) == ("llama", 1024, False)
    assert found[1].updated == 1_700_000_000.0
    assert [seen.token for seen in hub.requests] == [None]


@pytest.mark.parametrize(
    ("sort", "first"), [("downloads", "mesh/tiny-draft-GGUF"), ("likes", SECOND), ("updated", SECOND)]
)
async def test_a_search_is_sorted_and_limited(client: Hub, sort: str, first: str) -> None:
    """As asked."""
    assert [f.repo for f in await client.search("", sort, 1)] == [first]  # type: ignore[arg-type]


async def test_facts_name_every_file(hub: FakeHub, client: Hub) -> None:
    """With length and checksum, at a commit; with the token, when there is one."""
    await client.token.set(TOKEN)
    facts = await client.facts(SECOND, "main")
    told = {file.path: (file.size, file.sha256) for file in facts.files}
    assert told["README.md"] == (16, None)
    assert told["mesh-tiny-second-Q8_0.gguf"][0] == 2368640
    assert facts.revision == hub.repos[SECOND].commit
    assert hub.requests[-1].token == f"Bearer {TOKEN}"


async def test_what_the_hub_does_not_know_is_told(client: Hub) -> None:
    """A repository, a revision."""
    assert (await failed(client.facts("mesh/nothing"))).code == "not_found"
    assert (await failed(client.facts(SECOND, "nothing"))).code == "not_found"


async def test_a_hub_that_is_down_is_told_at_once(tmp_path: Path) -> None:
    """Not after five tries: a person waits."""
    hub = Hub("http://127.0.0.1:9", HubToken(tmp_path))
    async with asyncio.timeout(5):
        problem = await failed(hub.search("x"))
    assert (problem.code, problem.temporary) == ("hub_unreachable", True)
    assert "http://127.0.0.1:9" in problem.detail


async def test_a_hub_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library would wait for ever. As long as many questions wait no further one is asked, and none holds up
    the end of the box.
    """
    gone = asyncio.Event()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    hub = Hub(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", HubToken(tmp_path))
    await failed(Hub("http://127.0.0.1:9", HubToken(tmp_path)).search("x"))  # the library is there now
    monkeypatch.setattr("appliance.models.hub_client.TIMEOUT", httpx2.Timeout(0.2))
    assert (await failed(hub.search("x"))).code == "hub_unreachable"
    monkeypatch.setattr("appliance.models.hub_client.TIMEOUT", httpx2.Timeout(20))
    monkeypatch.setattr("appliance.models.hub.MOST_ASKED", 1)
    asked = TaskGroup().start("ask", hub.search("x"))
    await asyncio.sleep(0)
    assert [thread.daemon for thread in threading.enumerate() if thread.name == "hub"] == [True]
    assert "has not answered earlier questions" in (await failed(hub.search("x"))).detail
    gone.set()
    assert (await failed(asked)).code == "hub_unreachable"
    server.close()


@pytest.mark.parametrize(("status", "code"), [(429, "rate_limited"), (500, "hub_error"), (503, "hub_error")])
async def test_a_hub_in_trouble_is_asked_once(hub: FakeHub, client: Hub, status: int, code: str) -> None:
    """And says when to come again, if it does."""
    hub.answer_with(status, Retry_After="17")
    problem = await failed(client.search("x"))
    assert (problem.code, len(hub.requests)) == (code, 1)
    assert problem.retry_after == (17 if status == 429 else None)


@pytest.mark.parametrize(
    ("status", "code"), [(401, "bad_token"), (403, "gated"), (404, "not_found"), (418, "bad_answer")]
)
async def test_refusals_have_words(hub: FakeHub, client: Hub, status: int, code: str) -> None:
    """Each says what to do."""
    hub.answer_with(status)
    assert (await failed(client.search("x"))).code == code


@pytest.mark.parametrize(
    "answer",
    [
        "[1, 2]",
        "{",
        '[{"id": 3}]',
        '[{"modelId": "x"}]',
        '"text"',
        '[{"id": "a/b", "gguf": 3, "likes": "x"}]',
        "[" * 200_000,
    ],
)
async def test_a_senseless_answer_is_one_problem(hub: FakeHub, client: Hub, answer: str) -> None:
    """Whatever a mirror says."""
    hub.say = answer
    try:
        found = await client.search("x")
    except HubFailed as problem:
        assert problem.code == "bad_answer"  # noqa: PT017 - some of them can be read
    else:
        assert [f.likes for f in found] == [0]


async def test_a_packed_answer_is_not_unpacked(hub: FakeHub, client: Hub) -> None:
    """A little of it may become more than the memory holds; it is asked for as it is."""
    hub.say, hub.packs = "[" + " " * 1_000_000 + "]", True
    assert (await failed(client.search("x"))).code == "bad_answer"
    assert [seen.headers["Accept-Encoding"] for seen in hub.requests] == ["identity"]


@pytest.mark.parametrize("to", ["/circle", "http://169.254.169.254/x", "https://10.0.0.1/x", "http://[", "//"])
async def test_a_hub_that_sends_one_elsewhere(hub: FakeHub, client: Hub, to: str) -> None:
    """In a circle, into a private network, to an address that is none: it is one problem."""
    hub.answer_with(302, times=40, Location=to)
    assert (await failed(client.search("x"))).code in {"bad_answer", "not_found"}


async def test_an_endless_answer_is_given_up(hub: FakeHub, client: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is kept than any sensible answer has."""
    await client.search("x")  # the library is there now
    monkeypatch.setattr("appliance.models.hub_client.LARGEST_ANSWER", 1000)
    hub.say = "[" + " " * 100_000 + "]"
    assert (await failed(client.search("x"))).code == "bad_answer"


def modes(folder: Path) -> list[int]:
    return [path.stat().st_mode & 0o777 for path in folder.iterdir()]


async def test_the_token_is_a_file_of_its_own(tmp_path: Path) -> None:
    """Readable by its owner alone; set, known, cleared."""
    token = HubToken(tmp_path)
    assert not await token.known()
    await token.set(f" {TOKEN}\n")
    assert (modes(tmp_path), await token.read()) == ([0o600], TOKEN)
    await token.clear()
    await token.clear()
    assert not await token.known()


@pytest.mark.parametrize("text", ["", "short", "with a blank", "x" * 600, "line\nbreak-in-it", "umlaut-ä-ö-ü"])
async def test_what_is_no_token_is_refused(tmp_path: Path, text: str) -> None:
    """It would stand in a header."""
    with pytest.raises(BadToken):
        await HubToken(tmp_path).set(text)


def test_start_up_does_not_load_the_library_of_the_hub() -> None:
    """It takes its time and much memory; most starts never need it."""
    code = "import sys, appliance.main; sys.exit('huggingface_hub' in sys.modules or 'httpx2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0
