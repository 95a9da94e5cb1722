"""Room for what is to be fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.models.disk import MARGIN, NoRoom, check_room, free_bytes, in_units


def test_some_room_stays_free() -> None:
    """To the byte."""
    check_room(Path("/"), 100, lambda _: MARGIN + 100)
    with pytest.raises(NoRoom, match=r"4\.7 GiB are to be written, 4\.8 GiB are free"):
        check_room(Path("/"), 5_000_000_000, lambda _: 5_200_000_000)


def test_a_real_disk_has_some(tmp_path: Path) -> None:
    """What the system says is understood."""
    assert free_bytes(tmp_path) > 0


def test_sizes_in_words() -> None:
    """As the pages write them."""
    assert (in_units(3 << 29), in_units(12_345_678)) == ("1.5 GiB", "12 MiB")
