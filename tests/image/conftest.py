"""A Docker engine, and the image under test, built once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.image.docker import ROOT, CommandFailed, docker

ENGINE_SCRIPT = ROOT / "tests" / "tools" / "docker-engine"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
REPORT = pytest.StashKey[list[str]]()


@dataclass(frozen=True)
class Image:
    name: str
    secret: str
    """A text that was in the build's secret and must not be in the image."""


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The engine that answers, or one of our own."""
    folder = tmp_path_factory.mktemp("docker")
    started = subprocess.run([str(ENGINE_SCRIPT), "up", str(folder)], stdout=subprocess.PIPE, text=True, check=False)
    if started.returncode != 0:
        reason = "no Docker engine answers and none could be started; the captured lines say why"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    exported = re.findall(r"(\w+)=(\S+)", started.stdout)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in exported:
            patch.setenv(name, value)
        yield
        subprocess.run([str(ENGINE_SCRIPT), "down", str(folder)], check=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def image(docker_engine: None, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Image:
    """The image, with the engine of `make setup`; IMAGE names one that was built before, to test that."""
    built = Image(os.environ.get("IMAGE") or "meshbox:test", "THE-SECRET-OF-THE-BUILD-4b1d")
    began = time.monotonic()
    if not os.environ.get("IMAGE"):
        secret = tmp_path_factory.mktemp("secret") / "ca.crt"
        secret.write_text(AUTHORITIES.read_text() + f"\n# {built.secret}\n")
        arguments = ("--build-arg=ENGINE=prebuilt", "--network=host", f"--secret=id=ca,src={secret}")
        docker("build", *arguments, f"--tag={built.name}", ".", patience=1200, environment={"DOCKER_BUILDKIT": "1"})
    size = int(docker("image", "inspect", "--format={{.Size}}", built.name)) / 1e6
    request.config.stash[REPORT] = [f"{built.name}: {size:.0f} MB, built in {time.monotonic() - began:.0f} s"]
    return built


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(REPORT, []):
        terminalreporter.write_line(line)


@pytest.fixture
def volumes(docker_engine: None, request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Options that mount two fresh named volumes as /data and /models."""
    names = [docker("volume", "create").strip() for _ in range(2)]
    yield (f"--volume={names[0]}:/data", f"--volume={names[1]}:/models")
    try:
        docker("volume", "rm", "--force", *names)
    except CommandFailed as error:
        pytest.fail(f"a container was left behind: {error}")
