"""Files that belong together."""

from __future__ import annotations

import pytest

from appliance.models.shards import Shard, missing_names, shard_of


def test_reads_the_number_from_the_name() -> None:
    """The splitting tool's names are known."""
    assert shard_of("big-Q4_K_M-00002-of-00003") == Shard("big-Q4_K_M", 2, 3)


def test_a_shard_knows_its_name() -> None:
    """Reading and writing a name agree."""
    assert Shard("big", 2, 12).name == "big-00002-of-00012"


@pytest.mark.parametrize(
    "name", ["big", "big-2-of-3", "big-00000-of-00003", "big-00004-of-00003", "-00001-of-00002", "big-00001-of-00002-x"]
)
def test_other_names_stand_alone(name: str) -> None:
    """What only resembles a shard, or counts wrongly, is a model of its own."""
    assert shard_of(name) is None


def test_says_which_are_missing() -> None:
    """Each file that is not there is named."""
    assert missing_names(Shard("big", 1, 4), [1, 3]) == ["big-00002-of-00004", "big-00004-of-00004"]
