"""A fresh page, and one that is claimed and logged in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from tests.app.web.harness import Web, running_web


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
