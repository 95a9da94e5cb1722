"""A fresh page, and one that is claimed and logged in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from argon2 import PasswordHasher
from blockbuster import blockbuster_ctx

from appliance.storage import passwords
from tests.app.web.harness import Web, running_web


@pytest.fixture(autouse=True)
def quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as always, with less work."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def nothing_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever address is made up, no other machine is called."""
    connect = aiohttp.TCPConnector._create_direct_connection

    async def only_here(self: aiohttp.TCPConnector, req: Any, *more: Any, **named: Any) -> Any:
        if req.url.host not in ("127.0.0.1", "localhost"):
            raise aiohttp.ClientConnectionError(f"{req.url.host} lies outside of this test")
        return await connect(self, req, *more, **named)

    monkeypatch.setattr(aiohttp.TCPConnector, "_create_direct_connection", only_here)


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Web]:
    async with running_web(tmp_path) as web:
        with blockbuster_ctx(
            ["appliance", "webui"]
        ) as blockbuster:  # what blocks the loop for a request fails its test
            blockbuster.functions["os.stat"].can_block_in("litestar/response/file.py", "__init__")  # one look at a file
            yield web


@pytest.fixture
async def web(fresh: Web) -> Web:
    await fresh.claim()
    return fresh
