"""What passes on the engine and not on the box, on purpose."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

WRITTEN = Path(__file__).with_name("differences.toml")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison finds wrong: both have to be empty."""

    unexplained: Mapping[str, str]  # test -> why it failed through the API
    needless: frozenset[str]  # differences of which nothing is left


def read_differences(path: Path = WRITTEN) -> dict[str, str]:
    """Test without its parameters -> why it differs."""
    entries = tomllib.loads(path.read_text())["difference"]
    return {test: entry["why"] for entry in entries for test in entry["tests"]}


def compare(direct: Collection[str], failed: Mapping[str, str], differences: Collection[str]) -> Verdict:
    """`direct` passed on the engine; `failed` of those did not on the box."""
    kept = {function_of(test) for test in direct if test in failed}
    return Verdict(
        unexplained={
            test: why for test, why in failed.items() if test in direct and function_of(test) not in differences
        },
        needless=frozenset(differences) - kept,
    )


def function_of(test: str) -> str:
    return test.partition("[")[0]
