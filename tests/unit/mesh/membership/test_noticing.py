"""What is worth telling, and what others have to know at once."""

from __future__ import annotations

from typing import Any

import msgspec

from appliance.mesh.membership.facts import DemandFact, Facts, LoadFact, MemoryFact, ModelFact
from appliance.mesh.membership.noticing import news_in


def changed(facts: Facts, **fields: Any) -> Facts:
    return msgspec.structs.replace(facts, **fields)


def test_models_and_addresses_are_important() -> None:
    """Others decide by them, so they are told at once."""
    before = Facts(models=(ModelFact("tiny", "loading"),))
    assert news_in(before, changed(before, models=(ModelFact("tiny", "ready"),))) == (True, True)
    assert news_in(before, changed(before, addresses=("10.0.0.1:9338",))) == (True, True)


def test_load_is_worth_telling_and_not_important() -> None:
    """It waits for its turn."""
    before = Facts(models=(ModelFact("tiny", "ready"),), memory=MemoryFact(1000, 100))
    assert news_in(before, changed(before, load=LoadFact(running=1))) == (False, True)
    assert news_in(before, changed(before, models=(ModelFact("tiny", "ready", busy=2),))) == (False, True)
    assert news_in(before, changed(before, memory=MemoryFact(1000, 200))) == (False, True)
    assert news_in(before, changed(before, demand=(DemandFact("tiny", 0, ((1, 1),)),))) == (False, True)


def test_flicker_is_worth_nothing() -> None:
    """Neither a little memory, nor a little speed, nor time that passes."""
    before = Facts(memory=MemoryFact(1000, 100), load=LoadFact(tokens_s=50.0), demand=(DemandFact("tiny", 5, ()),))
    after = changed(before, memory=MemoryFact(1000, 101), load=LoadFact(tokens_s=51.0), demand=(DemandFact("tiny", 9),))
    assert news_in(before, after) == (False, False)
    assert news_in(before, before) == (False, False)


def test_that_nothing_comes_any_more_is_important() -> None:
    """A box that is alive and wedged is told from one that works."""
    before = Facts(load=LoadFact(running=1))
    assert news_in(before, changed(before, load=LoadFact(running=1, stalled=40)))[0]
