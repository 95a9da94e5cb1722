"""What a person can set is written down where he looks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from appliance.node.issues import CHECKS
from appliance.node.snapshot import TroubleKind
from appliance.settings.bootstrap import PREFIX, Bootstrap
from appliance.settings.schema import Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", list(Bootstrap.model_fields))
def test_every_variable_stands_in_the_readme(name: str) -> None:
    """And says in its description what it is, for the message about a bad value."""
    assert f"`{PREFIX}{name.upper()}`" in README
    assert Bootstrap.model_fields[name].description


def test_the_readme_names_no_variable_that_is_none() -> None:
    """A renamed variable leaves no trace."""
    named = set(re.findall(r"`MESHBOX_([A-Z_]+)`", README))
    assert named <= {name.upper() for name in Bootstrap.model_fields}


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str | None]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from fields(kind, f"{prefix}{name}.")
        elif prefix:
            yield prefix + name, field.description


@pytest.mark.parametrize(("name", "description"), list(fields(Settings)), ids=lambda value: str(value)[:30])
def test_every_setting_says_what_it_does(name: str, description: str | None) -> None:
    """The page shows it beside the field."""
    assert description, name


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__module__.rpartition(".")[2])
def test_every_issue_check_says_when_it_shows(check: object) -> None:
    """One file a trouble, and the file says which."""
    module = __import__(check.__module__, fromlist=["__doc__"])
    assert module.__doc__


def test_every_reported_trouble_has_a_check_of_its_name() -> None:
    """An adapter cannot report what no page shows."""
    named = {check.__module__.rpartition(".")[2] for check in CHECKS}
    assert {kind.value for kind in TroubleKind} <= named
