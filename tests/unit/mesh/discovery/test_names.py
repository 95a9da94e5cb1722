"""Names as people read them."""

from __future__ import annotations

from appliance.mesh.discovery.names import as_read, free_name


def test_look_alikes_are_one_name() -> None:
    """Case, width and spaces do not tell two boxes apart."""
    assert as_read(" Living  ROOM ") == as_read("living room") == as_read("\uff2civing room")


def test_a_free_name_is_kept() -> None:
    """Nobody is renamed without need."""
    assert free_name("kitchen", ["attic"]) == "kitchen"


def test_a_taken_name_gets_the_first_free_number() -> None:
    """Counting like a person does."""
    assert free_name("Kitchen", ["kitchen", "KITCHEN 2", "kitchen 4"]) == "Kitchen 3"


def test_a_long_name_stays_within_bounds() -> None:
    """And is still another one."""
    assert len(free_name("x" * 64, ["x" * 64])) <= 64
