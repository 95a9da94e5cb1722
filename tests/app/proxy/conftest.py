"""One real engine for all tests here, and the API in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.app.proxy.harness import ROOMY, Api, Engine, UnderTest, ready, running_api, running_engine
from tests.planes import PLANES


@pytest.fixture(autouse=True, params=PLANES)
def plane(request: pytest.FixtureRequest) -> str:
    """Everything here is promised on every data plane."""
    UnderTest.plane = request.param
    return UnderTest.plane


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("engine") / "engine.log", *ROOMY) as engine:
        yield engine


@pytest.fixture
async def api(engine: Engine, plane: str) -> AsyncIterator[Api]:
    async with running_api() as api:
        await engine.until_idle()  # whatever the test before has left
        api.serve(ready(engine.endpoint))
        yield api
