"""A file that is not whole yet."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from appliance.models.part_file import LONGEST_MARK, PartFile


def opened(folder: Path, **options: bool) -> PartFile:
    part = PartFile(folder / "parts", "key", **options)
    part.open()
    return part


def test_it_grows_and_knows_its_hash_over_a_restart(tmp_path: Path) -> None:
    """As if all had come at once."""
    first = opened(tmp_path)
    first.restart("mark")
    first.append(b"one")
    first.close()
    second = opened(tmp_path)
    assert (second.size, second.mark) == (3, "mark")
    second.append(b"two")
    assert second.sha256 == hashlib.sha256(b"onetwo").hexdigest()
    second.seal()
    second.close()
    assert second.whole.read_bytes() == b"onetwo"
    assert list(second.whole.parent.iterdir()) == [second.whole]


def test_from_the_first_byte_again(tmp_path: Path) -> None:
    """Nothing of before remains, neither bytes nor hash nor mark."""
    part = opened(tmp_path)
    part.restart("mark")
    part.append(b"old")
    part.restart()
    part.append(b"n")
    assert (part.size, part.mark, part.sha256) == (1, None, hashlib.sha256(b"n").hexdigest())
    part.close()
    assert opened(tmp_path).size == 1


def test_a_closed_one_takes_nothing_more(tmp_path: Path) -> None:
    """A thread that was given up may still come by."""
    part = opened(tmp_path)
    part.append(b"x")
    part.close()
    part.append(b"late")
    part.restart()
    part.seal()
    assert part.path.read_bytes() == b"x"
    part.close()


def test_discarded_nothing_is_left(tmp_path: Path) -> None:
    """Not even its mark."""
    part = opened(tmp_path)
    part.restart("mark")
    assert part.present() == 0
    part.append(b"x")
    assert part.present() == 1
    part.discard()
    assert (list(part.path.parent.iterdir()), part.present()) == ([], 0)


def test_without_a_hash_it_goes_on_at_the_end(tmp_path: Path) -> None:
    """For files nobody knows the hash of: nothing is read again."""
    part = opened(tmp_path, hashed=False)
    part.append(b"one")
    part.close()
    again = opened(tmp_path, hashed=False)
    again.append(b"two")
    again.close()
    assert again.path.read_bytes() == b"onetwo"


def test_an_endless_mark_is_no_mark(tmp_path: Path) -> None:
    """It comes from a stranger."""
    part = opened(tmp_path)
    part.restart("x" * (LONGEST_MARK + 1))
    assert part.mark is None
    part.close()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    """Somebody who may write to the models folder must not make the box write elsewhere."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "other").write_bytes(b"mine")
    (tmp_path / "parts" / "key.part").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic"):
        opened(tmp_path)
    assert (tmp_path / "other").read_bytes() == b"mine"
