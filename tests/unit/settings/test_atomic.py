"""Writing so that a crash leaves the old or the new file, whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.settings.atomic import write_atomically
from appliance.storage.errors import StorageFailed


def test_the_former_file_is_kept_where_links_are_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network shares and memory cards know no second name for a file."""

    def no_links(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    path, kept = tmp_path / "a.json", tmp_path / "a.json.bak"
    write_atomically(path, "old", kept)
    write_atomically(path, "new", kept)
    assert (path.read_text(), kept.read_text()) == ("new", "old")


def test_a_failed_write_leaves_the_former_file(tmp_path: Path) -> None:
    """And nothing half-written beside it."""
    path = tmp_path / "a.json"
    write_atomically(path, "old")
    with pytest.raises(StorageFailed):
        write_atomically(path, "new", tmp_path)  # what shall be kept cannot be: a folder is in its place
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]
