"""Holds engines with the API before them, one for each stand-in: `python -m tests.conformance.nursery SOCKET PLANE`.

One process for all, since loading our own code takes longer than most of the tests do. It ends with its standard input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import uvloop

from appliance.routing.table import Endpoint
from tests.conformance.front import Front, Given, api_before
from tests.conformance.stand_in import ENGINE
from tests.planes import PLANES

LOOK_SECONDS = 0.02
START_SECONDS = 40.0
PATIENCE = 0.2  # for what is still open when a test has ended


class NoStart(Exception):
    """The engine ended before it was ready; its test may have wanted that."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a stand-in was started with."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str


async def main(path: str, plane: str) -> None:
    async with aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout()) as session:

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked = Asked(**json.loads(await reader.readline()))
            with contextlib.suppress(NoStart):
                async with box(plane, asked, session):
                    await reader.read()
            writer.close()

        async with await asyncio.start_unix_server(serve, path):
            await _until_input_ends()


async def _until_input_ends() -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), lambda: ended.set() if not os.read(0, 1) else None)
    await ended.wait()


@contextlib.asynccontextmanager
async def box(plane: str, asked: Asked, session: aiohttp.ClientSession) -> AsyncIterator[None]:
    given = Given.on(asked.arguments)
    engine = Endpoint("127.0.0.1", free_port(), given.key)
    async with running(asked, engine, session), contextlib.AsyncExitStack() as listening:
        front = Front(api_before(engine, given), engine, session)
        for host in reversed(given.hosts):  # the tests wait for the first one only: it opens last
            listener = PLANES[plane]("the API", front, host, given.port)
            await listener.start()
            listening.push_async_callback(listener.stop, PATIENCE)
        yield


@contextlib.asynccontextmanager
async def running(asked: Asked, endpoint: Endpoint, session: aiohttp.ClientSession) -> AsyncIterator[None]:
    """The engine, elsewhere than asked for."""
    place = ("--host", endpoint.host, "--port", str(endpoint.port))
    process = await asyncio.create_subprocess_exec(
        *("setpriv", "--pdeathsig", "KILL", "--", os.environ[ENGINE], *asked.arguments, *place),
        cwd=asked.folder,
        env={**os.environ, **asked.environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await _until_healthy(process, endpoint, session)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _until_healthy(
    process: asyncio.subprocess.Process, endpoint: Endpoint, session: aiohttp.ClientSession
) -> None:
    async with asyncio.timeout(START_SECONDS):
        while process.returncode is None:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://{endpoint.host}:{endpoint.port}/health") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(LOOK_SECONDS)
    raise NoStart


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
