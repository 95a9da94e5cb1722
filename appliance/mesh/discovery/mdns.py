"""Shows this box on its network and listens for others (mDNS, DNS-SD), by zeroconf. Nothing is sent before `start`.

A session lasts as long as the addresses to speak from stay the same. Every half minute the cache of zeroconf, which
repairs itself, is compared with the list, so that a missed event heals. zeroconf keeps the pointer to a box for twenty
minutes whatever the box asked for: whether it is still there is told by its other records.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from zeroconf import Error as ZeroconfError
from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from appliance.mesh.discovery.clashes import SameIdentity, same_identities
from appliance.mesh.discovery.interfaces import own_interfaces
from appliance.mesh.discovery.nearby import MOST_INSTANCES, TTL_S, Neighbourhood, expired, gone, heard
from appliance.mesh.discovery.reach import Reach, reach_of
from appliance.mesh.discovery.record import MOST_ADDRESSES, Heard, Nearby, properties
from appliance.mesh.lanes.candidates import Interface
from appliance.tasks import TaskGroup

log = logging.getLogger(__name__)

SERVICE = "_meshbox._tcp.local."
LOOK_S = 30.0
FIRST_LOOK_S = 3.0  # by then what we announced has come back
_ANSWER_MS = 3000.0
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Said:
    """What this box shows of itself."""

    node: str
    name: str
    version: str
    mesh: str | None  # the id; only its mark is shown
    port: int
    addresses: tuple[str, ...] = ()  # set by a person: shown before those of the interfaces


@dataclass(frozen=True, slots=True)
class View:
    """All that is known of this network."""

    reach: Reach = Reach.OFF
    boxes: tuple[Nearby, ...] = ()
    crowded: bool = False
    same_identity: tuple[SameIdentity, ...] = ()


class Mdns:
    """`changed` is called with each view that differs from the one before."""

    def __init__(
        self,
        said: Said,
        changed: Callable[[View], None],
        *,
        contained: bool = False,
        interfaces: Callable[[], tuple[Interface, ...]] = own_interfaces,
        clock: Callable[[], float] = time.monotonic,
        look: float = LOOK_S,
    ) -> None:
        self._said, self._changed, self._contained = said, changed, contained
        self._interfaces, self._clock, self._every = interfaces, clock, look
        self._tasks = TaskGroup()
        self._news = asyncio.Event()
        self._instance = f"{said.node}-{secrets.token_hex(3)}"  # of this start: a copied identity has another one
        self._known = Neighbourhood()
        self._silent: set[str] = set()  # not asked again before the next regular look: it would keep the news waiting
        self.view = View()

    def start(self) -> None:
        logging.getLogger("zeroconf").setLevel(logging.CRITICAL)  # a machine without network would fill the log
        self._tasks.start("mdns", self._run())

    async def close(self) -> None:
        """Says goodbye."""
        await self._tasks.close()
        self._known = Neighbourhood()
        self._show(Reach.OFF)

    def update(self, said: Said) -> None:
        """The name or the mesh changed; the id never does."""
        self._said = said
        self._news.set()

    async def _run(self) -> None:
        while True:
            own = await asyncio.to_thread(self._interfaces)
            try:
                await self._session(own)
            except (OSError, ZeroconfError) as error:
                log.debug("looking around ended: %s", error)
                taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
                self._show(Reach.PORT_TAKEN if taken else Reach.NO_MULTICAST)
                await asyncio.sleep(self._every)

    async def _session(self, own: tuple[Interface, ...]) -> None:
        """Until the addresses to speak from are others."""
        if not own:
            self._show(Reach.NO_NETWORK)
            await asyncio.sleep(self._every)
            return
        if self.view.reach in {Reach.OFF, Reach.NO_NETWORK}:  # a trouble stays until it is seen to be over
            self._show(Reach.STARTING)
        async with self._open(own) as zero:
            shown = (self._said, own)
            await (await zero.async_register_service(self._info(own)))
            wait = min(FIRST_LOOK_S, self._every)
            while True:
                hurried = await self._news_within(wait)
                if not hurried:
                    self._silent.clear()
                    wait, own = self._every, await asyncio.to_thread(self._interfaces)
                    if _speaking(own) != _speaking(shown[1]):
                        return
                if (self._said, own) != shown:
                    shown = (self._said, own)
                    await (await zero.async_update_service(self._info(own)))
                around = await self._look(zero.zeroconf)
                if not hurried or self._instance in around:
                    self._show(reach_of(own, contained=self._contained, heard_itself=self._instance in around))

    @asynccontextmanager
    async def _open(self, own: Sequence[Interface]) -> AsyncIterator[AsyncZeroconf]:
        zero = AsyncZeroconf(interfaces=_speaking(own))
        try:
            await zero.zeroconf.async_wait_for_start()
            browser = AsyncServiceBrowser(zero.zeroconf, SERVICE, handlers=[self._heard_of])
            try:
                yield zero
            finally:
                await browser.async_cancel()
        finally:
            await zero.async_close()

    async def _news_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True

    def _heard_of(self, *, name: str, state_change: ServiceStateChange, **_: object) -> None:
        """Called by zeroconf, on the event loop."""
        self._silent.discard(_instance_of(name))
        if state_change is ServiceStateChange.Removed:
            self._known = gone(self._known, _instance_of(name))
        self._news.set()

    async def _look(self, zero: Zeroconf) -> frozenset[str]:
        """Takes over what zeroconf knows now, and asks for what it does not. Says who is around."""
        aliases = (getattr(record, "alias", "") for record in zero.cache.entries_with_name(SERVICE))
        names = {_instance_of(alias): alias for alias in aliases if alias.endswith(f".{SERVICE}")}
        for instance in self._known.sightings.keys() - names.keys():
            self._known = gone(self._known, instance)
        asked = sorted(names.keys() - self._silent, key=lambda instance: instance not in self._known.sightings)
        bounded = [names[instance] for instance in asked[:MOST_INSTANCES]]
        for first in range(0, len(bounded), _AT_ONCE):
            await asyncio.gather(*(self._ask(zero, name) for name in bounded[first : first + _AT_ONCE]))
        self._known = expired(self._known, self._clock())
        return frozenset(names)

    async def _ask(self, zero: Zeroconf, name: str) -> None:
        """Answered from the cache while its records live; a box that does not answer afterwards is gone."""
        info, instance = AsyncServiceInfo(SERVICE, name), _instance_of(name)
        if await info.async_request(zero, _ANSWER_MS):
            record = Heard(instance, info.properties, tuple(info.parsed_scoped_addresses()), info.port)
            self._known = heard(self._known, record, self._clock())
        else:
            self._known = gone(self._known, instance)
            self._silent.add(instance)

    def _info(self, own: Sequence[Interface]) -> AsyncServiceInfo:
        said = self._said
        hosts = list(dict.fromkeys([*said.addresses, *(each.host for each in own)]))
        return AsyncServiceInfo(
            SERVICE,
            f"{self._instance}.{SERVICE}",
            port=said.port,
            properties=properties(said.node, said.name, said.version, said.mesh, said.port),
            server=f"meshbox-{self._instance}.local.",
            parsed_addresses=hosts[:MOST_ADDRESSES],
            host_ttl=int(TTL_S),
            other_ttl=int(TTL_S),
        )

    def _show(self, reach: Reach) -> None:
        own = self._said.node
        clash = same_identities(self._known, own, self._instance)
        view = View(reach, self._known.boxes(own), self._known.crowded, clash)
        if view != self.view:
            if view.reach is not self.view.reach:
                log.info("boxes nearby: %s", reach.value)
            self.view = view
            self._changed(view)


def _speaking(own: Sequence[Interface]) -> list[str]:
    """The addresses to send from: one IPv4 address an interface, or an IPv6 one where there is no other."""
    once: dict[str, str] = {}
    for each in sorted(own, key=lambda interface: ":" in interface.host):
        once.setdefault(each.name, each.host)
    return list(once.values())


def _instance_of(name: str) -> str:
    return name.removesuffix(f".{SERVICE}")[:64]
