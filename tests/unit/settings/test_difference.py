"""What differs between two documents, down to single fields."""

from __future__ import annotations

from appliance.settings.difference import Change, differences
from appliance.settings.schema import ModelSettings, NodeSettings, ServingSettings, Settings


def test_only_fields_that_differ_are_named() -> None:
    """Bookkeeping is no difference."""
    old, new = Settings(revision=1), Settings(revision=2, setup="model", node=NodeSettings(name="den"))
    assert differences(old, new) == (Change(("node", "name"), "meshbox", "den"),)
    assert differences(new, new) == ()


def test_an_entry_of_a_mapping_is_told_field_by_field() -> None:
    """What comes, what goes, and an entry in which nothing is set."""
    old = Settings(serving=ServingSettings(per_model={"a": ModelSettings(slots=2)}))
    new = Settings(serving=ServingSettings(per_model={"b": ModelSettings(context=512), "c": ModelSettings()}))
    told = {change.path[2:]: (change.old, change.new) for change in differences(old, new)}
    assert told[("a", "slots")] == (2, None)
    assert told[("b", "context")] == (None, 512)
    assert {name for name, *_ in told} == {"a", "b", "c"}
    assert len(told) == 3, "a list that is empty is no news"


def test_a_list_is_told_as_a_whole() -> None:
    """As it was and as it is."""
    (change,) = differences(Settings(), Settings(serving=ServingSettings(models=())))
    assert (change.name, change.old, change.new) == ("serving.models", ["mesh-tiny-dense"], [])
