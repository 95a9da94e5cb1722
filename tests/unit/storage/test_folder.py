"""The data folder: made, proved writable, and locked."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from appliance.storage.folder import DataFolder, FolderTrouble


def test_taking_makes_the_folder_with_private_secrets(tmp_path: Path) -> None:
    """Nobody but the owner reads the secrets."""
    folder = DataFolder(tmp_path / "deep" / "data")
    folder.take()
    assert stat.S_IMODE(folder.secrets.stat().st_mode) == 0o700
    folder.release()


def test_a_second_box_is_kept_out_and_told_why(tmp_path: Path) -> None:
    """Two boxes on one folder would overwrite each other."""
    first, second = DataFolder(tmp_path), DataFolder(tmp_path)
    first.take()
    with pytest.raises(FolderTrouble, match="Another Meshbox"):
        second.take()
    first.release()
    second.take()
    second.release()


def test_a_path_that_cannot_be_a_folder_is_told_in_words(tmp_path: Path) -> None:
    """The message names the folder and the user that needs it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderTrouble, match=rf"cannot be written.*user {os.geteuid()}"):
        DataFolder(tmp_path / "file" / "data").take()
