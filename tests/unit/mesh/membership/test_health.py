"""A slow box waits longer, and gets over it."""

from __future__ import annotations

from appliance.mesh.membership.health import WORST, Health


def test_it_is_patient_when_it_is_slow() -> None:
    """Up to four times."""
    health = Health()
    assert health.patience == 1.0
    health.worse(100)
    assert health.score == WORST
    assert health.patience == 4.0


def test_answers_make_it_well_again() -> None:
    """One after the other, and not better than well."""
    health = Health()
    health.worse()
    health.better()
    health.better()
    assert health.score == 0
