"""The web servers: granian embedded in our own event loop, so that signals and the order of the end stay ours."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from appliance.ports import PortTaken, check_port
from appliance.tasks import TaskGroup

__all__ = ["Listener", "PortTaken"]

log = logging.getLogger("meshbox.serve")

MANY = 8192  # open requests at once: every stream of a page or an answer is one
HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 15


class Listener:
    """One application on one port."""

    def __init__(self, name: str, app: Any, address: str, port: int) -> None:  # noqa: ANN401 - any ASGI application
        self._name, self._app, self._address, self._port = name, app, address, port
        self._server: Server | None = None
        self._tasks = TaskGroup()
        self._serving: asyncio.Task[Any] | None = None

    async def start(self) -> None:
        """Listens and returns once connections are taken; raises PortTaken."""
        check_port(self._address, self._port)
        self._server = Server(
            self._app,
            address=self._address,
            port=self._port,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            websockets=False,
            backlog=MANY,
            backpressure=MANY,
            http1_settings=HTTP1Settings(header_read_timeout=HEAD_SECONDS * 1000, max_buffer_size=HEAD_BYTES),
            log_enabled=False,
        )
        self._serving = self._tasks.start(f"serve {self._name}", self._server.serve())
        await self._until_reachable()
        log.info("%s listens on %s port %d", self._name, self._address, self._port)

    async def _until_reachable(self) -> None:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._address, self._address)  # noqa: S104 - compared, not bound
        while self._serving is not None and not self._serving.done():
            try:
                _, writer = await asyncio.open_connection(host, self._port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return
        raise PortTaken(f"{self._name} could not listen on {self._address} port {self._port}")

    def part(self) -> None:
        """Says nothing here: this server has no word for clients before it ends."""

    async def stop(self, patience: float) -> None:
        """Takes no more connections and lets the open ones end, for `patience` seconds at most."""
        if self._server is None or self._serving is None:
            return
        self._server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait({self._serving}, timeout=patience)
        await self._tasks.close()
        self._server = self._serving = None
