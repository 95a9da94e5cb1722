"""Listings on real relays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.mesh.discovery.directory import Directory, DirectoryError
from appliance.mesh.discovery.listing import KIND, LABEL, Offer
from appliance.storage.identity import node_id
from tests.app.mesh.relays import HERE, foreign_relay, free_port, own_relay
from tests.unit.mesh.discovery.published import MESH, offer_of, token_of

sdk = pytest.importorskip("nostr_sdk")

from appliance.mesh.discovery.nostr import NostrDirectory  # noqa: E402

ANNA, BERT = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def offer(key: Ed25519PrivateKey = ANNA, **changes: object) -> Offer:
    mesh = str(changes.get("mesh", MESH))
    return offer_of(key, token=token_of(key, mesh, expires=time.time() + 3600), **changes)


@pytest.fixture(params=["own", "foreign"])
async def relay(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    made = own_relay() if request.param == "own" else foreign_relay(tmp_path, free_port())
    async with made as address:
        yield address


@pytest.fixture
async def anna(relay: str) -> AsyncIterator[Directory]:
    directory = NostrDirectory([relay], ANNA)
    yield directory
    await directory.close()


@pytest.fixture
async def bert(relay: str) -> AsyncIterator[Directory]:
    directory = NostrDirectory([relay], BERT)
    yield directory
    await directory.close()


async def test_what_one_publishes_another_discovers(anna: Directory, bert: Directory) -> None:
    """All of it, with who published it."""
    said = offer(name="H\u00f6me", region="eu", serving=("a", "b"), nodes=3, max_clients=4)
    await anna.publish(said)
    (found,) = await bert.discover()
    assert (found.offer, found.node) == (said, node_id(ANNA))


async def test_meshes_are_found_by_name_and_by_id(anna: Directory, bert: Directory) -> None:
    """As people read names."""
    await anna.publish(offer(name="Living Room"))
    await anna.publish(offer(name="Lab", mesh="b" * 16))
    assert [each.offer.mesh for each in await bert.discover(name="living  ROOM")] == [MESH]
    assert [each.offer.name for each in await bert.discover(mesh="b" * 16)] == ["Lab"]
    assert await bert.discover(name="attic") == ()
    assert len(await bert.discover()) == 2


async def test_a_renewal_replaces_the_listing(anna: Directory, bert: Directory, relay: str) -> None:
    """Also in the same second, and after a restart."""
    for nodes in (1, 2, 3):
        await anna.publish(offer(nodes=nodes))
    assert [each.offer.nodes for each in await bert.discover()] == [3]
    restarted = NostrDirectory([relay], ANNA, lambda: time.time() + 10)
    await restarted.publish(offer(nodes=4))
    await restarted.close()
    assert [each.offer.nodes for each in await bert.discover()] == [4]


async def test_members_publish_beside_each_other(anna: Directory, bert: Directory) -> None:
    """One mesh, two authors: the directory keeps both, and each can take away its own."""
    await anna.publish(offer(ANNA))
    await bert.publish(offer(BERT))
    assert {each.node for each in await anna.discover(mesh=MESH)} == {node_id(ANNA), node_id(BERT)}
    await anna.delete(MESH)
    assert {each.node for each in await anna.discover(mesh=MESH)} == {node_id(BERT)}


async def test_a_deleted_mesh_can_be_published_again(anna: Directory, bert: Directory) -> None:
    """At once."""
    await anna.publish(offer())
    await anna.delete(MESH)
    assert await bert.discover() == ()
    await anna.publish(offer(nodes=2))
    assert [each.offer.nodes for each in await bert.discover()] == [2]


async def test_what_others_leave_there_is_passed_over(anna: Directory, bert: Directory, relay: str) -> None:
    """Other programs use this kind of entry, and somebody writes rubbish under our label."""
    keys = sdk.Keys.generate()
    client = sdk.ClientBuilder().build()
    await client.add_relay(sdk.RelayUrl.parse(relay))
    await client.connect()
    for number, content in enumerate(["", "{}", "[" * 5000, "\u0000", '{"mesh": 1}']):
        tags = [sdk.Tag.identifier(f"{number}"), sdk.Tag.hashtag(LABEL), sdk.Tag.parse(["expiration", "soon"])]
        await client.send_event(sdk.EventBuilder(sdk.Kind(KIND), content).tags(tags).finalize(keys))
    await client.shutdown()
    await anna.publish(offer())
    assert [each.node for each in await bert.discover()] == [node_id(ANNA)]


async def test_one_directory_of_several_is_enough(relay: str) -> None:
    """What is down is left out."""
    directory = NostrDirectory([f"ws://{HERE}:{free_port()}", relay], ANNA)
    await directory.publish(offer())
    assert len(await directory.discover()) == 1
    await directory.close()


async def test_a_directory_that_is_down_is_said() -> None:
    """For writing and for reading."""
    directory = NostrDirectory([f"ws://{HERE}:{free_port()}"], ANNA)
    with pytest.raises(DirectoryError, match="can be reached"):
        await directory.publish(offer())
    with pytest.raises(DirectoryError, match="can be reached"):
        await directory.discover()
    await directory.close()


async def test_a_directory_that_comes_back_is_used_again(tmp_path: Path) -> None:
    """Without a restart of the box."""
    port = free_port()
    directory = NostrDirectory([f"ws://{HERE}:{port}"], ANNA)
    async with foreign_relay(tmp_path, port):
        await directory.publish(offer())
    with pytest.raises(DirectoryError):
        await directory.publish(offer())
    async with foreign_relay(tmp_path, port):
        await directory.publish(offer(nodes=2))
        assert [each.offer.nodes for each in await directory.discover()] == [2]
    await directory.close()


async def test_a_refusal_is_told_in_the_words_of_the_directory() -> None:
    """Made plain."""
    async with own_relay(work=30) as relay:
        directory = NostrDirectory([relay], ANNA)
        with pytest.raises(DirectoryError, match="pow"):
            await directory.publish(offer())
        await directory.close()


async def test_nothing_is_contacted_before_the_first_call() -> None:
    """Making one is no act of a person."""
    async with _silent_server() as (address, contacted):
        directory = NostrDirectory([address], ANNA)
        await directory.close()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await contacted.wait()


@pytest.mark.parametrize("address", ["", "relay", "http://relay.example.org", "wss://", "wss://a b"])
def test_an_address_that_is_none_is_said(address: str) -> None:
    """With what one looks like."""
    with pytest.raises(DirectoryError, match="wss://relay"):
        NostrDirectory([address], ANNA)


async def test_no_directory_is_said() -> None:
    """Where to add one."""
    with pytest.raises(DirectoryError, match="settings"):
        await NostrDirectory([], ANNA).discover()


async def test_a_silent_directory_does_not_hold_up() -> None:
    """It accepts the connection and says nothing."""
    async with _silent_server() as (address, contacted):
        directory = NostrDirectory([address], ANNA)
        async with asyncio.timeout(30):
            with pytest.raises(DirectoryError, match="can be reached"):
                await directory.discover()
        assert contacted.is_set()
        await directory.close()


@asynccontextmanager
async def _silent_server() -> AsyncIterator[tuple[str, asyncio.Event]]:
    contacted, writers = asyncio.Event(), []

    def keep(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        contacted.set()

    server = await asyncio.start_server(keep, HERE, 0)
    try:
        yield f"ws://{HERE}:{server.sockets[0].getsockname()[1]}", contacted
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await server.wait_closed()
