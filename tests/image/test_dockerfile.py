"""The Dockerfile keeps the rules that let it build anywhere, and agrees with what lies beside it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tests.image.docker import ROOT

TEXT = (ROOT / "Dockerfile").read_text()
STAGES = re.findall(r"^FROM \S+ AS (\S+)$", TEXT, re.MULTILINE)
FLAVORS = sorted(p.parent.name for p in ROOT.glob("flavors/*/flavor.toml"))


def test_hadolint_finds_nothing() -> None:
    """The linter's rules, less those that .hadolint.yaml explains."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "hadolint"), "Dockerfile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    "newer", [r"^#\s*syntax=", r"<<", r"--link\b", r"sharing=locked", r"^(?:COPY|ADD) .*--(?:parents|exclude)\b"]
)
def test_nothing_newer_than_docker_20_10_is_used(newer: str) -> None:
    """No frontend is pulled from a registry, and an old NAS builds it."""
    assert re.findall(newer, TEXT, re.MULTILINE) == []


def test_every_download_honours_the_secret_authority() -> None:
    """A RUN that calls pip or the engine's build works behind an inspecting proxy."""
    runs = re.findall(r"^RUN (?:.*\\\n)*.*$", TEXT, re.MULTILINE)
    downloads = [run for run in runs if "pip install" in run or "native.build" in run]
    assert len(downloads) == 2
    assert [run for run in downloads if "id=ca" not in run or "export PIP_CERT=/run/secrets/ca" not in run] == []


def test_the_version_is_that_of_the_project() -> None:
    """The label says what is inside."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.findall(r"^ARG VERSION=(\S+)$", TEXT, re.MULTILINE) == [version]


@pytest.mark.parametrize("flavor", FLAVORS)
def test_a_flavour_is_complete(flavor: str) -> None:
    """Each folder of flavors/ has its stages, its preset and its service, and nothing has them without a folder."""
    about = tomllib.loads((ROOT / "flavors" / flavor / "flavor.toml").read_text())
    presets = json.loads((ROOT / "native" / "CMakePresets.json").read_text())["configurePresets"]
    assert about["name"] == flavor
    assert about["preset"] in [p["name"] for p in presets if not p.get("hidden")]
    assert {
        f"{stage}-{flavor}" for stage in ("toolchain", "native", "engine-compiled", "engine-prebuilt", "runtime")
    } <= {*STAGES}


def test_every_service_is_a_flavour() -> None:
    """MESHBOX_FLAVOR can name exactly what there is."""
    services = yaml.safe_load((ROOT / "flavors" / "compose.devices.yaml").read_text())["services"]
    runtimes = [stage.removeprefix("runtime-") for stage in STAGES if stage.startswith("runtime-")]
    assert sorted(services) == sorted(runtimes) == FLAVORS
