"""The settings document survives what people and disks do to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from appliance.settings.exchange import exported
from appliance.settings.merging import merge
from appliance.settings.schema import NodeSettings, Settings
from appliance.settings.store import (
    LockedField,
    SettingsStore,
    StaleRevision,
    first_document,
    load,
    write_document,
)
from appliance.storage.errors import StorageFailed


def make_store(folder: Path, locked: dict[str, object] | None = None) -> tuple[SettingsStore, list[Settings]]:
    changes: list[Settings] = []
    return SettingsStore(folder / "settings.json", Settings(), locked or {}, changes.append, lambda _: None), changes


async def test_a_change_is_stored_and_told(tmp_path: Path) -> None:
    """What is set is in force, on disk, and known to the box."""
    store, changes = make_store(tmp_path)
    after = await store.change({"node": {"name": "den"}}, revision=0)
    assert after == Settings(revision=1, node=NodeSettings(name="den"))
    assert load(tmp_path / "settings.json", Settings()).settings == after
    assert changes == [after]


async def test_a_change_told_ahead_is_in_force_only_when_it_is_stored(tmp_path: Path) -> None:
    """Who carries it out begins at once; who asks the store hears of nothing that could be lost."""
    told: list[tuple[Settings, Settings]] = []
    path = tmp_path / "settings.json"
    store = SettingsStore(path, Settings(), {}, lambda new: told.append((new, store.current)), lambda _: None)
    after = await store.change({"node": {"name": "den"}}, None, ahead=True)
    assert told == [(after, Settings()), (after, after)]


async def test_a_change_told_ahead_is_taken_back_when_it_cannot_be_stored(tmp_path: Path) -> None:
    """A full disk leaves everything as it was."""
    (tmp_path / "no-folder").write_text("")
    changes: list[Settings] = []
    store = SettingsStore(tmp_path / "no-folder" / "s.json", Settings(), {}, changes.append, lambda _: None)
    with pytest.raises(StorageFailed):
        await store.change({"node": {"name": "den"}}, None, ahead=True)
    assert [change.node.name for change in changes] == ["den", Settings().node.name]
    assert store.current == Settings()


async def test_a_stale_revision_changes_nothing(tmp_path: Path) -> None:
    """Two tabs cannot overwrite each other unseen."""
    store, changes = make_store(tmp_path)
    await store.change({"node": {"name": "a"}}, revision=0)
    with pytest.raises(StaleRevision):
        await store.change({"node": {"name": "b"}}, revision=0)
    assert store.current.node.name == "a"
    assert len(changes) == 1


@pytest.mark.parametrize(
    "patch", [{"nonsense": 1}, {"serving": {"slots": 0}}, {"node": {"name": "a\nb"}}, {"node": 5}, {"version": 99}]
)
async def test_an_invalid_change_is_refused_whole(tmp_path: Path, patch: dict[str, object]) -> None:
    """A wrong field leaves everything as it was."""
    store, changes = make_store(tmp_path)
    with pytest.raises(ValidationError):
        await store.change(patch, None)
    assert (store.current, changes) == (Settings(), [])
    assert not (tmp_path / "settings.json").exists()


async def test_a_field_fixed_by_the_environment_is_in_force_but_not_stored(tmp_path: Path) -> None:
    """Taking the variable away brings the stored value back."""
    store, _ = make_store(tmp_path, {"node.name": "env"})
    assert (store.current.node.name, store.locked) == ("env", frozenset({"node.name"}))
    await store.change({"serving": {"slots": 2}, "node": {"name": "env"}}, None)
    assert load(tmp_path / "settings.json", Settings()).settings.node.name == "meshbox"


async def test_a_fixed_field_cannot_be_changed(tmp_path: Path) -> None:
    """The refusal names the field."""
    store, _ = make_store(tmp_path, {"node.name": "env"})
    with pytest.raises(LockedField, match=r"node\.name"):
        await store.change({"node": {"name": "other"}}, None)


async def test_a_folder_that_refuses_writes_loses_nothing(tmp_path: Path) -> None:
    """A failed write is told and the former settings stay."""
    (tmp_path / "settings.json.new").mkdir()  # opening it for writing fails for everybody, root too
    outcomes: list[StorageFailed | None] = []
    changes: list[Settings] = []
    store = SettingsStore(tmp_path / "settings.json", Settings(), {}, changes.append, outcomes.append)
    with pytest.raises(StorageFailed) as caught:
        await store.change({"node": {"name": "den"}}, None)
    assert (store.current, changes, outcomes) == (Settings(), [], [caught.value])


def test_no_document_means_the_first_one(tmp_path: Path) -> None:
    """A new box starts with what it was given."""
    first = Settings(node=NodeSettings(name="first"))
    assert load(tmp_path / "settings.json", first).settings == first


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[]", b'{"version": 99}', b'{"node": {"name": ""}}', b""])
def test_a_damaged_document_is_kept_aside_and_the_backup_used(tmp_path: Path, content: bytes) -> None:
    """Whatever happened to the file, the box starts and the file can still be looked at."""
    path = tmp_path / "settings.json"
    good = Settings(revision=4, node=NodeSettings(name="good"))
    write_document(path, good)
    write_document(path, Settings(revision=5))
    path.write_bytes(content)
    loaded = load(path, Settings())
    assert loaded.settings == good
    assert loaded.trouble is not None
    assert [p.read_bytes() for p in tmp_path.glob("settings.broken-*.json")] == [content]


def test_without_a_backup_the_defaults_are_used(tmp_path: Path) -> None:
    """The trouble says so."""
    path = tmp_path / "settings.json"
    path.write_text("{")
    loaded = load(path, Settings())
    assert loaded.settings == Settings()
    assert loaded.trouble is not None
    assert "defaults" in loaded.trouble


def test_a_first_document_may_be_json_or_a_file(tmp_path: Path) -> None:
    """Both ways of MESHBOX_SETTINGS give the same, and its revision starts at 0."""
    text = json.dumps({"node": {"name": "given"}, "revision": 7})
    file = tmp_path / "first.json"
    file.write_text(text)
    expected = Settings(node=NodeSettings(name="given"))
    assert (first_document(text), first_document(str(file)), first_document(None)) == (expected, expected, Settings())


def test_a_first_document_may_be_a_file_of_settings() -> None:
    """As another box gave it out."""
    given = Settings(revision=7, node=NodeSettings(name="given"))
    assert first_document(json.dumps(exported(given, 0.0))) == Settings(node=NodeSettings(name="given"))


async def test_the_first_change_keeps_what_was_before_it(tmp_path: Path) -> None:
    """So that the very first state can be brought back; steps of the set-up alone are no state of their own."""
    store, _ = make_store(tmp_path)
    await store.change({"setup": "model"}, None)
    await store.change({"node": {"name": "den"}}, None)
    assert [backup.settings.node.name for backup in store.backups.all()] == ["den", "meshbox"]


def test_merge_goes_into_objects_and_replaces_lists() -> None:
    """A patch names only what it changes."""
    assert merge({"a": {"b": 1, "c": [1]}, "d": 2}, {"a": {"c": []}}) == {"a": {"b": 1, "c": []}, "d": 2}
