"""The engine's own tests of its server, on the engine and through the box: what passes there passes here."""

from __future__ import annotations

import pytest

from tests.conformance.differences import compare, read_differences
from tests.conformance.front import promised
from tests.conformance.nursery import PLANES
from tests.conformance.suite import Outcome, Suite

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]
FEWEST = {  # tests that ask for what we promise and pass on the engine: fewer, and something here is broken
    "basic": 3,
    "chat_completion": 40,
    "compat_anthropic": 30,
    "compat_oai_responses": 4,
    "completion": 2,
    "embedding": 10,
    "infill": 5,
    "rerank": 2,
    "security": 5,
    "template": 30,
    "tokenize": 2,
    "tool_call": 10,
    "vision_api": 2,
}


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    return Suite.unpacked(tmp_path_factory.mktemp("engine-tests"))


@pytest.fixture(scope="session")
def judged(suite: Suite) -> list[Outcome]:
    """What passes on the engine and asks for something that we promise."""
    return [outcome for outcome in suite.direct() if outcome.passed and any(map(promised, outcome.paths))]


def test_much_of_it_counts(judged: list[Outcome]) -> None:
    """No file of it falls silent because our models or stand-ins do not fit it any more."""
    counted = {name: sum(o.test.startswith(f"unit/test_{name}.py") for o in judged) for name in FEWEST}
    assert {name: count for name, count in counted.items() if count < FEWEST[name]} == {}


@pytest.mark.parametrize("plane", PLANES)
def test_what_passes_on_the_engine_passes_through_the_box(suite: Suite, judged: list[Outcome], plane: str) -> None:
    """But for what is different on purpose; and what is called different has to be."""
    direct = {outcome.test for outcome in judged}
    failed = {outcome.test: outcome.why for outcome in suite.through(plane, direct) if not outcome.passed}
    verdict = compare(direct, failed, read_differences())
    assert verdict.unexplained == {}
    assert verdict.needless == frozenset()
