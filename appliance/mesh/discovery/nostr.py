"""Nostr relays as a directory, by nostr-sdk. Importable only where that library is installed.

A connection is made by the first call and kept until `close`; one that broke is made again by the next call. The
library is given no more than the relays that a person chose; it looks for no others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nostr_sdk import (
    Client,
    ClientBuilder,
    Event,
    EventBuilder,
    Filter,
    Keys,
    Kind,
    NostrSdkError,
    RelayLimits,
    RelayOptions,
    RelayStatus,
    RelayUrl,
    ReqTarget,
    SecretKey,
    SendEventTarget,
    SingleLetterTag,
    Tag,
    Timestamp,
)

from appliance.mesh.discovery.authorship import secret_of
from appliance.mesh.discovery.directory import DirectoryError
from appliance.mesh.discovery.listing import (
    KIND,
    LABEL,
    LONGEST_CONTENT,
    TTL_S,
    Listing,
    Offer,
    Posted,
    content_of,
    read_all,
)
from appliance.mesh.discovery.names import as_read

MOST_RELAYS = 8
MOST_EVENTS = 500
_NAME = "n"
_TIMEOUT = timedelta(seconds=10)
_CONNECT = timedelta(seconds=5)
_LONGEST_EVENT = 2 * LONGEST_CONTENT


class NostrDirectory:
    """The relays are web socket addresses, as the person chose them."""

    def __init__(self, relays: Sequence[str], key: Ed25519PrivateKey, clock: Callable[[], float] = time.time) -> None:
        self._relays = [_relay(each) for each in relays[:MOST_RELAYS]]
        self._key, self._clock = key, clock
        self._client: Client | None = None
        self._last = 0

    async def publish(self, offer: Offer) -> None:
        now = self._later()
        keys = self._keys(offer.mesh)
        tags = [
            Tag.identifier(offer.mesh),
            Tag.expiration(Timestamp.from_secs(now + TTL_S)),
            Tag.hashtag(LABEL),
            Tag.parse([_NAME, as_read(offer.name)]),
        ]
        content = content_of(offer, self._key, keys.public_key().to_hex())
        await self._send(_event(content, tags, now, keys))

    async def delete(self, mesh: str) -> None:
        """By an empty entry in its place, which ends by itself: not every relay knows of deletions."""
        now, keys = self._later(), self._keys(mesh)
        tags = [Tag.identifier(mesh), Tag.expiration(Timestamp.from_secs(now + TTL_S))]
        await self._send(_event("", tags, now, keys))

    async def discover(self, *, name: str = "", mesh: str = "") -> tuple[Listing, ...]:
        wanted = Filter().kind(Kind(KIND)).hashtag(LABEL).limit(MOST_EVENTS)
        if name:
            wanted = wanted.custom_tag(SingleLetterTag.from_byte(ord(_NAME)), as_read(name))
        if mesh:
            wanted = wanted.identifier(mesh)
        client, relays = await self._connected()
        try:
            where = ReqTarget.manual({relay: [wanted] for relay in relays})
            events = await client.fetch_events(where, timeout=_TIMEOUT, max_events=MOST_EVENTS)
        except NostrSdkError as error:
            raise DirectoryError(f"The directory did not answer: {error}") from error
        return read_all((_posted(event) for event in events if event.verify()), self._clock())

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.shutdown()

    async def _send(self, event: Event) -> None:
        client, relays = await self._connected()
        try:
            output = await client.send_event(event, SendEventTarget.to(relays), ok_timeout=_TIMEOUT)
        except NostrSdkError as error:
            raise DirectoryError(f"No directory took the listing: {error}") from error
        if not output.success:
            reason = next(iter(output.failed.values()), "none answered")
            raise DirectoryError(f"No directory took the listing. One of them said: {reason}")

    async def _connected(self) -> tuple[Client, list[RelayUrl]]:
        """And the relays that can be reached now: one that cannot would only be waited for."""
        if not self._relays:
            raise DirectoryError("No directory is set. Add the address of a Nostr relay in the settings.")
        if self._client is None:
            self._client = await _client_of(self._relays)
        await self._client.try_connect(_CONNECT)
        known = await self._client.relays()
        reached = [address for address, relay in known.items() if relay.status() is RelayStatus.CONNECTED]
        if not reached:
            raise DirectoryError(
                "None of the directories can be reached. Check their addresses and this box's network."
            )
        return self._client, reached

    def _later(self) -> int:
        """A second of its own for each event: of two in one second it is chance which one counts."""
        self._last = max(int(self._clock()), self._last + 1)
        return self._last

    def _keys(self, mesh: str) -> Keys:
        return Keys(SecretKey.from_bytes(secret_of(self._key, mesh)))


async def _client_of(relays: Sequence[RelayUrl]) -> Client:
    limits = RelayLimits().event_max_size(_LONGEST_EVENT).message_max_size(2 * _LONGEST_EVENT)
    client = ClientBuilder().relay_limits(limits).build()
    for relay in relays:
        await client.add_relay(relay, opts=RelayOptions().reconnect(reconnect=False).limits(limits))
    return client


def _relay(text: str) -> RelayUrl:
    try:
        return RelayUrl.parse(text)
    except NostrSdkError as error:
        raise DirectoryError(
            f"“{text}” is no address of a Nostr relay. One looks like wss://relay.example.org"
        ) from error


def _event(content: str, tags: list[Tag], now: int, keys: Keys) -> Event:
    return EventBuilder(Kind(KIND), content).tags(tags).custom_created_at(Timestamp.from_secs(now)).finalize(keys)


def _posted(event: Event) -> Posted:
    tags = [tag.to_vec() for tag in event.tags()]
    return Posted(
        author=event.author().to_hex(),
        identifier=_first(tags, "d"),
        content=event.content(),
        created=event.created_at().as_secs(),
        expires=int(text) if (text := _first(tags, "expiration")).isdecimal() and len(text) <= 12 else None,
    )


def _first(tags: list[list[str]], name: str) -> str:
    return next((tag[1] for tag in tags if len(tag) > 1 and tag[0] == name), "")
