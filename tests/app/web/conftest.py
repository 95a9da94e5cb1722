"""A fresh page, and one that is claimed and logged in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.app.web.harness import Web, running_web


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Web]:
    async with running_web(tmp_path) as web:
        yield web


@pytest.fixture
async def web(fresh: Web) -> Web:
    await fresh.claim()
    return fresh
