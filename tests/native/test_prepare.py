"""The source tree holds what the pin and the series say, or nothing is made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from native.prepare import STAMP, apply, check_header, fetch, mirror, stamp, unpack, verify
from tests.native.builders import CHANGE, HEADER, make_archive, make_patch, make_pin, make_tree

LONG_AGO = 1_000_000_000


def contents(tree: Path) -> dict[str, str]:
    return {p.relative_to(tree).as_posix(): p.read_text() for p in tree.rglob("*") if p.is_file()}


def test_only_the_vendored_tree_is_unpacked(tmp_path: Path) -> None:
    """The Python package around the engine's source is left in the archive."""
    files = {
        "setup.py": "no",
        "vendor/llama.cpp/CMakeLists.txt": "yes",
        "vendor/llama.cpp/src/a.cpp": "a",
        "vendor/x": "no",
    }
    archive, pin = make_archive(tmp_path, files, make_pin())
    unpack(archive, pin, tmp_path / "tree")
    assert contents(tmp_path / "tree") == {"CMakeLists.txt": "yes", "src/a.cpp": "a"}


def test_a_file_that_climbs_out_is_refused(tmp_path: Path) -> None:
    """An archive cannot write beside the tree."""
    archive, pin = make_archive(tmp_path, {"vendor/llama.cpp/../../../evil": "x"}, make_pin())
    with pytest.raises(Exception, match="outside"):
        unpack(archive, pin, tmp_path / "tree")
    assert not (tmp_path / "evil").exists()


def test_an_archive_without_the_vendored_tree_is_refused(tmp_path: Path) -> None:
    """The message names the field of the pin to correct."""
    archive, pin = make_archive(tmp_path, {"setup.py": ""}, make_pin())
    with pytest.raises(SystemExit, match="'vendored'"):
        unpack(archive, pin, tmp_path / "tree")


def test_a_wrong_hash_is_refused(tmp_path: Path) -> None:
    """Both hashes are shown and nothing is unpacked."""
    archive, pin = make_archive(tmp_path, {"vendor/llama.cpp/a": ""}, make_pin())
    with pytest.raises(SystemExit, match=rf"{pin.sha256}, the pin says {'f' * 64}; nothing was unpacked"):
        verify(archive, make_pin(sha256="f" * 64))


def test_an_archive_that_is_there_is_not_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a network gets the file by hand."""
    archive, pin = make_archive(tmp_path, {"vendor/llama.cpp/a": ""}, make_pin())
    monkeypatch.setattr("native.prepare._pip_download", lambda *_: pytest.fail("it was downloaded"))
    assert fetch(pin, tmp_path) == archive


def test_a_download_that_fails_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pip runs for real, without an index to ask."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(SystemExit, match=r"put the file named in llama\.cpp\.lock into"):
        fetch(make_pin(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_patch_is_applied(tmp_path: Path) -> None:
    """The tree has the patched text and nothing else."""
    tree = make_tree(tmp_path / "tree")
    apply(make_patch(tmp_path), tree)
    assert contents(tree) == {"hello.txt": "one\nhello everybody\nthree\n"}


@pytest.mark.parametrize("text", ["nothing alike\n", "one\nhello everybody\nthree\n", "one\nhello\nfour\n"])
def test_a_patch_that_does_not_apply_is_refused(tmp_path: Path, text: str) -> None:
    """Another source, a patch applied twice, and a near miss: named, and where to read on."""
    tree = make_tree(tmp_path / "tree", **{"hello.txt": text})
    with pytest.raises(SystemExit, match=r"0001-hello\.patch does not apply .* native/README\.md"):
        apply(make_patch(tmp_path), tree)


@pytest.mark.parametrize("line", ["From", "Subject", "Forwarded"])
def test_a_patch_without_its_reason_is_refused(tmp_path: Path, line: str) -> None:
    """DEP-3: who wrote it, what it does, and whether it went upstream."""
    header = "".join(part for part in HEADER.splitlines(keepends=True) if not part.startswith(line))
    with pytest.raises(SystemExit, match=r"header of 0001-hello\.patch does not say"):
        check_header(make_patch(tmp_path, header=header))


def test_the_reason_must_stand_before_the_change(tmp_path: Path) -> None:
    """Text inside the changed lines is no header."""
    with pytest.raises(SystemExit):
        check_header(make_patch(tmp_path, header="", change=CHANGE + HEADER))


def test_a_mirrored_tree_is_equal(tmp_path: Path) -> None:
    """Files are added, replaced and removed; the stamp goes first, so that a broken-off run is seen."""
    fresh, tree = make_tree(tmp_path / "fresh", new="n", **{"d/same": "s"}), make_tree(tmp_path / "tree", old="o")
    (tree / STAMP).write_text("key")
    wanted = contents(fresh)
    mirror(fresh, tree)
    assert (contents(tree), stamp(tree)) == (wanted, None)


def test_an_equal_file_keeps_its_date_and_a_new_one_is_young(tmp_path: Path) -> None:
    """Ninja compiles again what changed, whatever date the archive gave it, and only that."""
    fresh, tree = make_tree(tmp_path / "fresh", changed="new"), make_tree(tmp_path / "tree", changed="old")
    for path in (fresh / "changed", fresh / "hello.txt", tree / "changed", tree / "hello.txt"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    mirror(fresh, tree)
    assert (tree / "hello.txt").stat().st_mtime == LONG_AGO
    assert (tree / "changed").stat().st_mtime > LONG_AGO


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """And a file that became a link is replaced."""
    fresh, tree = make_tree(tmp_path / "fresh"), make_tree(tmp_path / "tree", link="a file")
    (fresh / "link").symlink_to("hello.txt")
    mirror(fresh, tree)
    assert (tree / "link").readlink() == Path("hello.txt")
