"""Differences of settings, in the words of the page."""

from __future__ import annotations

from appliance.settings.difference import Change
from webui.views.settings_changes import ChangeRow, change_rows


def test_a_change_is_called_as_its_field_is() -> None:
    """With the part of the page, and the entry it lies in."""
    rows = change_rows(
        [
            Change(("web", "public_metrics"), True, False),
            Change(("serving", "models"), ["a"], []),
            Change(("serving", "per_model", "m.x", "context"), None, 512),
            Change(("serving", "per_model", "empty"), None, {}),
            Change(("hardware", "memory_caps", "pci:0"), 5, None),
            Change(("no", "such"), 1, 2),
        ]
    )
    assert rows == (
        ChangeRow("Web page: Metrics without a login", "on", "off"),
        ChangeRow("Serving: Loaded models", "a", "none"),
        ChangeRow("Serving: m.x, Context length", "not set", "512"),
        ChangeRow("Serving: empty", "not set", "none"),
        ChangeRow("Hardware: pci:0, Value", "5", "not set"),
        ChangeRow("no.such", "1", "2"),
    )
