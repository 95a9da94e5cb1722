"""What a box keeps of its mesh."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from unittest.mock import patch

import pytest

from appliance.mesh.identity import invites
from appliance.mesh.identity.anchor import founded
from appliance.mesh.identity.belonging import Belonging
from appliance.mesh.identity.roster import Roster
from appliance.mesh.identity.rotating import rotate
from appliance.mesh.identity.signing import public_of
from appliance.mesh.identity.store import MeshStateDamaged, MeshStore
from appliance.storage.errors import StorageFailed
from tests.unit.mesh.identity.people import ANCHOR, FOUNDER, MESH_KEY, NOW, key_of, member, removed, roster_of
from tests.unit.mesh.identity.test_invites import book

HOLDER = Belonging(ANCHOR, "home", member("anna", may_invite=True), MESH_KEY)
MEMBERS = roster_of(member("anna"), member("bert"), removed("dora", FOUNDER))


def kept(folder: Path) -> MeshStore:
    store = MeshStore(folder)
    store.save_invites(ANCHOR.mesh, book())
    store.save(HOLDER, MEMBERS)
    return store


def test_a_box_without_a_mesh_has_nothing(tmp_path: Path) -> None:
    """And that is no damage."""
    assert MeshStore(tmp_path).load() is None


def test_all_of_it_comes_back(tmp_path: Path) -> None:
    """After a restart, the mesh key too."""
    kept(tmp_path)
    found = MeshStore(tmp_path).load()
    assert found is not None
    belonging, members, invitations = found
    assert belonging.mesh_key is not None
    assert public_of(belonging.mesh_key) == public_of(MESH_KEY)
    assert (belonging.anchor, belonging.name, belonging.certificate) == (ANCHOR, "home", HOLDER.certificate)
    assert (members, invitations) == (MEMBERS, book())


def test_a_member_keeps_no_mesh_key(tmp_path: Path) -> None:
    """It has none."""
    MeshStore(tmp_path).save(Belonging(ANCHOR, "home", member("bert")), Roster())
    found = MeshStore(tmp_path).load()
    assert found is not None
    assert found[0].mesh_key is None
    assert found[2] == invites.Book()


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    """Whatever the umask says."""
    before = os.umask(0)
    try:
        kept(tmp_path)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_a_rotation_is_kept_as_a_whole(tmp_path: Path) -> None:
    """New key, its record and all certificates under it: all or nothing, wherever a crash comes."""
    turned = rotate(ANCHOR, MEMBERS, MESH_KEY, key_of("second"), NOW)
    after = Belonging(turned.anchor, "home", turned.certificates[0], key_of("second"))
    store = kept(tmp_path)
    for broken in ("os.fsync", "pathlib.Path.replace"):
        with patch(broken, side_effect=OSError(5, "Input/output error")), pytest.raises(StorageFailed):
            store.save(after, turned.roster)
        found = store.load()
        assert found is not None
        assert (found[0].anchor, found[1]) == (ANCHOR, MEMBERS)
    store.save(after, turned.roster)
    found = store.load()
    assert found is not None
    assert (found[0].anchor, found[1]) == (turned.anchor, turned.roster)


@pytest.mark.parametrize("name", ["mesh", "mesh.invites"])
@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "foreign"])
def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path, name: str, damage: str) -> None:
    """Beginning anew would bring back who was removed, or open a used invitation again."""
    kept(tmp_path)
    path = tmp_path / name
    data = path.read_bytes()
    spoiled = {
        "cut": data[:-1],
        "changed": data[:-1] + bytes([data[-1] ^ 1]),
        "empty": b"",
        "foreign": b"something else entirely",
    }[damage]
    path.write_bytes(spoiled)
    with pytest.raises(MeshStateDamaged, match=str(path)):
        MeshStore(tmp_path).load()
    assert path.read_bytes() == spoiled


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A folder in its place, for instance."""
    (tmp_path / "mesh").mkdir()
    with pytest.raises(MeshStateDamaged, match="directory"):
        MeshStore(tmp_path).load()


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    """And what was there stays."""
    store = kept(tmp_path)
    with patch("os.fsync", side_effect=OSError(28, "No space left on device")), pytest.raises(StorageFailed) as caught:
        store.save_invites(ANCHOR.mesh, invites.Book())
    assert caught.value.code == "disk_full"
    found = store.load()
    assert found is not None
    assert found[2] == book()


def test_after_leaving_nothing_is_left(tmp_path: Path) -> None:
    """The next mesh begins with none of the old one's invitations, even when leaving was interrupted."""
    store = kept(tmp_path)
    store.forget()
    assert list(tmp_path.iterdir()) == []
    store = kept(tmp_path)
    (tmp_path / "mesh").unlink()
    assert store.load() is None
    other = founded(public_of(key_of("other")))
    store.save(Belonging(other, "lab", member("bert")), Roster())
    found = store.load()
    assert found is not None
    assert found[2] == invites.Book()
    store.forget()
    store.forget()
