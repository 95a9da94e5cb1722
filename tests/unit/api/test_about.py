"""What the box says it is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.api.about import Folder, Premises, licence_text, look
from tests.live.box import ROOT

ENGINE = ROOT / "build" / "engine"
VENDOR = ROOT / "webui" / "static" / "vendor"


def premises(folder: Path, engine: Path | None = None) -> Premises:
    return Premises(folder, folder / "gone", engine or folder, VENDOR)


@pytest.mark.skipif(not (ENGINE / "llama-server").exists(), reason="the engine is not built")
def test_the_engine_tells_its_version(tmp_path: Path) -> None:
    """Asked once, with what it was built from and what it computes with; its licences can be read."""
    found = look(premises(tmp_path, ENGINE))
    assert found.engine.version
    assert (found.engine.commit or "?") in found.engine.version
    assert "cpu" in found.engine.backends
    assert {"llama.cpp", "htmx.org"} <= {part.name for part in found.parts}
    assert "MIT" in (licence_text(premises(tmp_path, ENGINE), "llama.cpp") or "")


def test_what_cannot_be_looked_at_is_said(tmp_path: Path) -> None:
    """A folder that is gone, an engine that does not start, one that is not there."""
    assert look(premises(tmp_path)).engine.version is None
    (tmp_path / "llama-server").write_text("#!/bin/false\n")
    (tmp_path / "llama-server").chmod(0o755)
    found = look(premises(tmp_path))
    assert (found.engine.version, found.engine.commit) == (None, None)
    assert found.models == Folder(str(tmp_path / "gone"), None, None)


def test_only_listed_licences_are_read(tmp_path: Path) -> None:
    """No path leads anywhere else."""
    (tmp_path / "secret").write_text("x")
    for name in ("secret", "../secret", "", "LICENSE.secret"):
        assert licence_text(premises(tmp_path), name) is None
