"""Third-party browser files are what VENDOR.toml says."""

from __future__ import annotations

import hashlib
import tomllib

import pytest

from webui.render import STATIC

VENDOR = STATIC / "vendor"
FILES = tomllib.loads((VENDOR / "VENDOR.toml").read_text())["file"]


@pytest.mark.parametrize("entry", FILES, ids=lambda e: str(e["path"]))
def test_a_vendored_file_is_unchanged(entry: dict[str, str]) -> None:
    """Name, version, licence and source are stated, and the hash fits."""
    assert {"path", "name", "version", "licence", "source", "sha256"} <= entry.keys()
    assert hashlib.sha256((VENDOR / entry["path"]).read_bytes()).hexdigest() == entry["sha256"]


def test_nothing_is_vendored_unlisted() -> None:
    """Every script and stylesheet in the folder has its entry."""
    present = {p.relative_to(VENDOR).as_posix() for p in VENDOR.rglob("*") if p.suffix in {".js", ".css"}}
    assert present == {entry["path"] for entry in FILES}
