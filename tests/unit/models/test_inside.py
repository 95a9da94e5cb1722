"""Where links lead."""

from __future__ import annotations

from pathlib import Path

from appliance.models.inside import Fence


def test_only_what_really_lies_in_the_folders_is_inside(tmp_path: Path) -> None:
    """Neither dots, nor links, nor a name that begins alike lead out unseen."""
    for name in ("in", "in-too", "out"):
        (tmp_path / name).mkdir()
    (tmp_path / "in" / "away").symlink_to(tmp_path / "out")
    (tmp_path / "in" / "back").symlink_to(tmp_path / "in")
    fence = Fence(tmp_path / "in")
    held = ("a", "back/a", "back/back/../in/a")
    assert all(fence.holds(tmp_path / "in" / name) for name in held)
    assert not any(fence.holds(tmp_path / "in" / name) for name in ("away/a", "../out/a", "../in-too/a", ".."))


def test_a_folder_that_is_a_link_itself_holds_what_lies_there(tmp_path: Path) -> None:
    """People link the folders of other programs into their models folder."""
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    assert Fence(tmp_path / "linked").holds(tmp_path / "linked" / "a")


def test_the_root_holds_everything() -> None:
    """Its name ends with a slash already."""
    assert Fence(Path("/")).holds(Path("/etc/hostname"))
