"""The node key: made once, kept, private."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from appliance.storage.identity import ID_LENGTH, IdentityDamaged, load_or_create, node_id


def test_the_identity_stays_the_same(tmp_path: Path) -> None:
    """A restart does not make a stranger of the box."""
    path = tmp_path / "node.key"
    assert node_id(load_or_create(path)) == node_id(load_or_create(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_boxes_have_two_ids(tmp_path: Path) -> None:
    """Ids are short but do not meet."""
    ids = {node_id(load_or_create(tmp_path / str(n))) for n in range(20)}
    assert len(ids) == 20
    assert {len(i) for i in ids} == {ID_LENGTH}


def test_a_damaged_key_is_not_replaced(tmp_path: Path) -> None:
    """Silently making a new identity would cut the box off from its mesh."""
    path = tmp_path / "node.key"
    path.write_text("nonsense")
    with pytest.raises(IdentityDamaged, match="cannot be read as a key"):
        load_or_create(path)
    assert path.read_text() == "nonsense"
