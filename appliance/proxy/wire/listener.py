"""The port of the API: takes connections, keeps the limits, and ends in order."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from dataclasses import replace

from appliance.ports import check_port, port_taken
from appliance.proxy.asgi import Message
from appliance.proxy.wire.connection import ClientConnection
from appliance.proxy.wire.desk import Application, Desk, Limits
from appliance.tasks import TaskGroup

log = logging.getLogger("meshbox.serve")

BACKLOG = 4096
MOST_FILES = 65_536
KEPT_FILES = 0.2  # of all that may be open: for engines, models and the page


class WireListener:
    """One application on one port, as `appliance.serve.Listener` offers it."""

    def __init__(self, name: str, app: Application, address: str, port: int, limits: Limits | None = None) -> None:
        self._name, self._app, self._address, self._port = name, app, address, port
        self._limits = limits
        self._tasks = TaskGroup()
        self._server: asyncio.Server | None = None
        self._desk: Desk | None = None
        self._lifespan: Lifespan | None = None

    async def start(self) -> None:
        """Listens and returns once connections are taken; raises PortTaken."""
        check_port(self._address, self._port)
        loop = asyncio.get_running_loop()
        desk = self._desk = Desk(self._app, self._limits or limits_here())
        self._lifespan = Lifespan(self._app)
        self._tasks.start(f"life of {self._name}", self._lifespan.run())
        await self._lifespan.started.wait()
        self._tasks.start(f"watch connections of {self._name}", desk.watch())
        self._server = await loop.create_server(
            lambda: ClientConnection(desk, loop), sock=_listening_socket(self._address, self._port), backlog=BACKLOG
        )
        log.info("%s listens on %s port %d", self._name, self._address, self._port)

    def part(self) -> None:
        """The box is about to end: answers say so, and clients move on."""
        if self._desk is not None:
            self._desk.part()

    async def stop(self, patience: float) -> None:
        """Takes no more connections and lets the open ones end, for `patience` seconds at most."""
        if self._server is None or self._desk is None or self._lifespan is None:
            return
        self._server.close()
        await self._desk.close(patience)
        self._lifespan.end.set()
        await self._lifespan.ended.wait()
        await self._tasks.close()
        self._server = self._desk = self._lifespan = None


class Lifespan:
    """Tells the application that it begins and ends."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self.started, self.end, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._asked = False

    async def run(self) -> None:
        try:
            await self._app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, self._receive, self._send)
        finally:  # an application need not know about it
            self.started.set()
            self.ended.set()

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "lifespan.startup"}
        await self.end.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        if message["type"].startswith("lifespan.startup"):
            self.started.set()


def limits_here() -> Limits:
    """As many connections as this process may have files, with some kept for the rest of the box."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    usual, most = Limits(), int(wanted * (1 - KEPT_FILES))
    return replace(
        usual,
        connections=min(usual.connections, most),
        connections_of_one=min(usual.connections_of_one, most * 7 // 8),
    )


def _listening_socket(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    taking = socket.socket(family, socket.SOCK_STREAM)
    try:
        taking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taking.setblocking(False)  # noqa: FBT003 - its only argument
        taking.bind((address, port))
    except OSError as error:
        taking.close()
        raise port_taken(address, port, error) from error
    return taking
