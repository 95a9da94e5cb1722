"""Nostr relays on loopback: one written by others, and the one that comes with the client library."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.app.mesh.harness import DEADLINE

HERE = "127.0.0.1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def foreign_relay(folder: Path, port: int) -> AsyncIterator[str]:
    """nostr-relay, as its own process; what it stored is kept in the folder."""
    program = shutil.which("nostr-relay", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip("nostr-relay is not installed")
    settings = {
        "relay_name": "test",
        "storage": {
            "sqlalchemy.url": f"sqlite+aiosqlite:///{folder}/events.sqlite3",
            "validators": ["nostr_relay.validators.is_signed", "nostr_relay.validators.is_recent"],
        },
        "gunicorn": {"bind": f"{HERE}:{port}", "workers": 1, "loglevel": "error"},
    }
    config = folder / "relay.yaml"
    config.write_text(json.dumps(settings))  # JSON is YAML
    with (folder / "relay.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program,
            "-c",
            str(config),
            "serve",
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "HOME": str(folder)},
        )
    try:
        await _listening(port)
        yield f"ws://{HERE}:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # it takes seconds to end by itself
        await process.wait()


@asynccontextmanager
async def own_relay(work: int = 0) -> AsyncIterator[str]:
    """The relay of nostr-sdk, in memory. It asks for so many bits of work in an entry."""
    sdk = pytest.importorskip("nostr_sdk")
    relay = sdk.LocalRelayBuilder().addr(HERE).min_pow(work).build()
    await relay.run()
    try:
        yield str(await relay.url())
    finally:
        relay.shutdown()


async def _listening(port: int) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                _, writer = await asyncio.open_connection(HERE, port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return
