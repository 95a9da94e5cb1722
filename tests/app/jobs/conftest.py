"""A hub on this machine for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.hub import FakeHub, running_hub


@pytest.fixture
async def hub() -> AsyncIterator[FakeHub]:
    async with running_hub() as one:
        yield one
