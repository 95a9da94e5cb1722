"""How a model shall run, by the settings in force."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.hardware.types import Memory
from appliance.node.wish import prompt_cache_mib
from appliance.settings.schema import ServingSettings
from tests.builders import INVENTORY

GIB = 1 << 30


@pytest.mark.parametrize(("memory", "expected"), [(1 * GIB, 102), (16 * GIB, 1638), (512 * GIB, 8192), (1, 1)])
def test_earlier_prompts_take_a_tenth_of_the_memory(memory: int, expected: int) -> None:
    """And never more than 8 GiB."""
    inventory = replace(INVENTORY, memory=Memory(memory, memory))
    assert prompt_cache_mib(ServingSettings(), inventory) == expected


def test_the_owner_may_say_how_much() -> None:
    """Whatever memory there is."""
    assert prompt_cache_mib(ServingSettings(prompt_cache_mib=3), INVENTORY) == 3
    assert prompt_cache_mib(ServingSettings(prompt_cache_mib=3), None) == 3


def test_without_knowing_the_memory_the_engine_decides() -> None:
    """For the moment until the hardware is known."""
    assert prompt_cache_mib(ServingSettings(), None) == -1
