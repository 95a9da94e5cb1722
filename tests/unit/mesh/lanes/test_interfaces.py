"""The machine's own addresses."""

from __future__ import annotations

from appliance.mesh.lanes.candidates import Interface
from appliance.mesh.lanes.interfaces import interfaces, listening


def test_the_loopback_is_there() -> None:
    """Every machine has it, with its address."""
    assert Interface("lo", "127.0.0.1") in interfaces()


def test_a_narrow_address_stays_narrow() -> None:
    """Who binds to one address listens there and nowhere else."""
    assert listening("127.0.0.1") == ("127.0.0.1",)
    assert listening("0.0.0.0")[0] == "0.0.0.0"
