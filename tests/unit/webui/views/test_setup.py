"""The steps of the first set-up."""

from __future__ import annotations

from webui.views.setup import steps


def test_one_may_go_back_but_not_ahead() -> None:
    """Earlier steps are links, the claim is done for good."""
    assert [(step.label, step.path, step.current) for step in steps("model")] == [
        ("Password", None, False),
        ("Name", "/setup/box", False),
        ("Hardware", "/setup/hardware", False),
        ("Model", None, True),
        ("Done", None, False),
    ]
