"""Small files, read again only when they changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.models.files import NotThere, NotUsable
from appliance.models.remembered import Remembered


def remembering() -> tuple[Remembered[bytes | None], list[bytes | None]]:
    read = list[bytes | None]()

    def note(data: bytes | None) -> bytes | None:
        read.append(data)
        return data

    return Remembered(note, most_bytes=10), read


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    """Its size, time and inode tell."""
    path, (files, read) = tmp_path / "a", remembering()
    path.write_bytes(b"one")
    assert [files.look(path) for _ in range(3)] == [b"one"] * 3
    path.write_bytes(b"three")
    assert files.look(path) == b"three"
    assert read == [b"one", b"three"]


def test_what_was_not_looked_at_in_a_round_is_forgotten(tmp_path: Path) -> None:
    """Files that went away leave nothing behind."""
    path, (files, read) = tmp_path / "a", remembering()
    path.write_bytes(b"one")
    files.look(path)
    files.forget_unseen()
    files.look(path)
    assert len(read) == 1
    files.forget_unseen()
    files.forget_unseen()
    files.look(path)
    assert len(read) == 2


def test_what_is_too_long_is_not_taken_in(tmp_path: Path) -> None:
    """No more than the limit is read."""
    path, (files, read) = tmp_path / "a", remembering()
    path.write_bytes(b"x" * 11)
    assert files.look(path) is None
    assert read == [None]


def test_a_link_is_not_read(tmp_path: Path) -> None:
    """It could lead anywhere."""
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "link").symlink_to("a")
    files, _ = remembering()
    assert files.look(tmp_path / "link") is None


def test_what_is_no_file_says_so(tmp_path: Path) -> None:
    """Nothing waits for the other end of a pipe."""
    os.mkfifo(tmp_path / "pipe")
    files, _ = remembering()
    with pytest.raises(NotUsable, match="not a regular file"):
        files.look(tmp_path / "pipe")
    with pytest.raises(NotThere):
        files.look(tmp_path / "none")
