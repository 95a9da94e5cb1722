"""A file of settings laid over what is set."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from appliance.settings.exchange import BadFile, exported, proposal, read_file
from appliance.settings.schema import ModelSettings, NodeSettings, ServingSettings, Settings


def test_an_exported_file_is_read_again() -> None:
    """With its time and its box."""
    settings = Settings(node=NodeSettings(name="den"))
    file = read_file(json.dumps(exported(settings, 1_700_000_000.0)).encode())
    assert (file.made_at, file.node_name) == (1_700_000_000.0, "den")
    assert proposal(Settings(revision=3), file.settings, ()).settings == settings.model_copy(update={"revision": 3})


def test_fields_that_are_fixed_stay() -> None:
    """And are told, when the file says otherwise."""
    proposed = proposal(Settings(), {"node": {"name": "den"}, "serving": {"slots": 2}}, ("node.name",))
    assert (proposed.settings.node.name, proposed.settings.serving.slots) == ("meshbox", 2)
    assert proposed.kept == ("node.name",)
    assert [change.name for change in proposed.changes] == ["serving.slots"]


def test_a_mapping_is_replaced_whole() -> None:
    """Entries that were added since go."""
    current = Settings(serving=ServingSettings(per_model={"added": ModelSettings(slots=2)}))
    assert proposal(current, {"serving": {"per_model": {}}}, ()).settings.serving.per_model == {}


def test_bookkeeping_of_a_file_is_checked_and_not_followed() -> None:
    """The revision goes on counting."""
    current = Settings(revision=7)
    assert proposal(current, {"revision": 99, "setup": "model"}, ()).settings == current
    with pytest.raises(ValidationError):
        proposal(current, {"revision": "x"}, ())


@pytest.mark.parametrize("made_at", ["yesterday", "", "9999999-01-01", "0001-01-01T00:00:00+23:59"])
def test_a_strange_time_is_no_time(made_at: str) -> None:
    """The settings count, not when they were written."""
    document = exported(Settings(), 0.0) | {"made_at": made_at}
    read_file(json.dumps(document).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_words(raw: bytes) -> None:
    """Nothing that is uploaded is a fault of the box."""
    with pytest.raises(BadFile):
        read_file(raw)


def test_many_names_are_looked_at_quickly() -> None:
    """A file of countless names does not hold the box up."""
    text = "{" + ",".join(f'"n{number}":1' for number in range(80_000)) + "}"
    with pytest.raises(BadFile) as caught:
        read_file(text.encode())
    assert caught.value.code == "unknown_format"
