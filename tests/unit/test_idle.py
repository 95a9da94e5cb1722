"""Which models may sleep."""

from __future__ import annotations

from dataclasses import replace

from appliance.node.decide import decide
from appliance.node.snapshot import Snapshot
from appliance.run_loop import Outlook
from appliance.settings.schema import ModelSettings, ServingSettings, Settings
from appliance.watchers import idle_models
from tests.builders import MODEL_ID, make_child, make_snapshot, with_child


def ready(**serving: object) -> Outlook:
    snapshot: Snapshot = make_snapshot()
    settings = Settings(serving=ServingSettings.model_validate({"models": [MODEL_ID], **serving}))
    snapshot = replace(snapshot, settings=settings)
    snapshot = with_child(snapshot, make_child(snapshot, since=0.0))
    return Outlook(1, snapshot, decide(snapshot, 0.0))


def test_a_model_nobody_asks_for_sleeps_after_its_time() -> None:
    """Neither before, nor while it is asked."""
    outlook = ready(sleep_after_min=2)
    assert idle_models(outlook, lambda _: None, 119.0) == []
    assert idle_models(outlook, lambda _: None, 120.0) == [MODEL_ID]
    assert idle_models(outlook, lambda _: 119.0, 500.0) == []
    assert idle_models(outlook, lambda _: 120.0, 500.0) == [MODEL_ID]


def test_no_model_sleeps_unless_it_is_set() -> None:
    """Nothing sleeps by default."""
    assert idle_models(ready(), lambda _: None, 1e9) == []


def test_one_model_may_have_a_time_of_its_own() -> None:
    """Its own setting goes before the one for all, also when it says never."""
    own = {MODEL_ID: ModelSettings(sleep_after_min=1)}
    assert idle_models(ready(sleep_after_min=60, per_model=own), lambda _: None, 60.0) == [MODEL_ID]
    never = {MODEL_ID: ModelSettings(sleep_after_min=0)}
    assert idle_models(ready(sleep_after_min=1, per_model=never), lambda _: None, 1e9) == []
