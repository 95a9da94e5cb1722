"""The engine's own tests of its server, on the engine and through the box: what passes there passes here."""

from __future__ import annotations

import pytest

from tests.conformance.differences import Verdict, compare, function_of, read_differences
from tests.conformance.front import promised
from tests.conformance.suite import Outcome, Suite
from tests.planes import DEFAULT_PLANE, PLANES

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]
NOTHING_WRONG = Verdict({}, frozenset())
FEWEST = {  # tests that ask for what we promise and pass on the engine: fewer, and something here is broken
    "basic": 2,
    "chat_completion": 40,
    "compat_anthropic": 24,
    "compat_oai_responses": 2,
    "completion": 4,
    "embedding": 25,
    "infill": 6,
    "rerank": 12,
    "security": 5,
    "template": 30,
    "tokenize": 1,
    "tool_call": 5,
    "vision_api": 6,
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


def test_what_passes_on_the_engine_passes_through_the_box(suite: Suite, judged: list[Outcome]) -> None:
    """But for what is different on purpose; and what is called different has to be."""
    verdict = _verdict(suite, DEFAULT_PLANE, {outcome.test for outcome in judged})
    assert verdict == NOTHING_WRONG


@pytest.mark.parametrize("plane", sorted(set(PLANES) - {DEFAULT_PLANE}))
def test_the_other_web_server_changes_nothing(suite: Suite, judged: list[Outcome], plane: str) -> None:
    """One test of each function has to do: what its other parameters change is behind the web server."""
    verdict = _verdict(suite, plane, set({function_of(outcome.test): outcome.test for outcome in judged}.values()))
    assert verdict == NOTHING_WRONG


def _verdict(suite: Suite, plane: str, direct: set[str]) -> Verdict:
    failed = {outcome.test: outcome.why for outcome in suite.through(plane, direct) if not outcome.passed}
    return compare(direct, failed, read_differences())
