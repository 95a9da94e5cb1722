"""Opens the port for Ollama's programs, moves it and closes it, as the setting says while the box runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from appliance.node.events import TroubleEnded, TroubleFound
from appliance.node.snapshot import TroubleKind
from appliance.ports import PortTaken
from appliance.run_loop import RunLoop
from appliance.settings.schema import ApiSettings
from appliance.tasks import TaskGroup

log = logging.getLogger("meshbox.serve")

RETRY_SECONDS = 3.0
TROUBLE = TroubleKind.OLLAMA_PORT_TAKEN


class Server(Protocol):
    async def start(self) -> None:
        """Raises PortTaken."""

    def part(self) -> None:
        """Lets clients move on: the box is about to end."""

    async def stop(self, patience: float) -> None:
        """Lets open connections end, for so many seconds at most."""


class Door:
    """`make` gives the server of a port."""

    def __init__(self, loop: RunLoop, make: Callable[[int], Server], retry: float = RETRY_SECONDS) -> None:
        self._loop, self._make, self._retry = loop, make, retry
        self._tasks = TaskGroup()
        self._server: Server | None = None
        self._port = 0  # 0: closed

    def open(self) -> None:
        self._tasks.start("follow the port for Ollama's programs", self._follow())

    def part(self) -> None:
        if self._server is not None:
            self._server.part()

    async def close(self, patience: float) -> None:
        await self._tasks.close()
        await self._shut(patience)

    @property
    def _settings(self) -> ApiSettings:
        return self._loop.outlook.snapshot.settings.api

    async def _follow(self) -> None:
        async for _ in self._loop.watch():
            while (port := self._settings.ollama_port) != self._port:
                await self._shut(self._settings.drain_s)
                await self._open(port)

    async def _open(self, port: int) -> None:
        """Tries until it is open, or until it is to be elsewhere."""
        self._server, told = self._make(port) if port else None, ""
        while self._server is not None and self._settings.ollama_port == port:
            try:
                await self._server.start()
            except PortTaken as error:
                if told != str(error):
                    told = str(error)
                    log.error("%s Trying again every few seconds.", told)
                    self._loop.post(TroubleFound(TROUBLE, told))
                await asyncio.sleep(self._retry)
            else:
                break
        else:
            port = 0
        self._port = port
        if told:
            self._loop.post(TroubleEnded(TROUBLE))

    async def _shut(self, patience: float) -> None:
        if self._server is not None:
            await self._server.stop(patience)
        self._server, self._port = None, 0
