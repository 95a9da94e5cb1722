"""`docker compose up` as the README says it, and with the Compose of older systems."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator

import pytest
import yaml  # type: ignore[import-untyped]

from tests.image.conftest import Image
from tests.image.docker import PASSWORD, ROOT, Container, docker
from tests.live.box import free_ports

pytestmark = [pytest.mark.image, pytest.mark.timeout(1500)]

FILES = ("-f", "compose.yaml", "-f", "tests/image/compose.test.yaml")


def config_of(*command: str) -> dict[str, object]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MESHBOX_")}
    done = subprocess.run([*command, "config"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    service: dict[str, object] = yaml.safe_load(done.stdout)["services"]["meshbox"]
    return service


@pytest.mark.parametrize("command", [("docker", "compose"), ("docker-compose",)])
def test_the_file_is_accepted(docker_engine: None, command: tuple[str, ...]) -> None:
    """Compose v2 and v1 read the same hardened service out of it."""
    if (
        shutil.which(command[0]) is None
        or subprocess.run([*command, "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip(f"{' '.join(command)} is not on this machine")
    service = config_of(*command)
    assert (service["read_only"], service["cap_drop"], service["stop_grace_period"]) in [
        (True, ["ALL"], "1m0s"),
        (True, ["ALL"], "60s"),
    ]


@pytest.fixture
def project(image: Image) -> Iterator[dict[str, str]]:
    """The environment of a compose project of its own, taken down at the end with its volumes."""
    web, api, mesh = free_ports(3)
    environment = {
        "COMPOSE_PROJECT_NAME": f"meshbox-test-{uuid.uuid4().hex[:8]}",
        "MESHBOX_IMAGE_ENGINE": "prebuilt",
        "MESHBOX_WEB_PORT": f"127.0.0.1:{web}",
        "MESHBOX_API_PORT": f"127.0.0.1:{api}",
        "MESHBOX_MESH_PORT": f"127.0.0.1:{mesh}",
        "MESHBOX_ADMIN_PASSWORD": PASSWORD,
    }
    yield environment
    docker("compose", *FILES, "down", "--volumes", "--rmi=all", environment=environment)


def test_compose_builds_and_starts_a_healthy_box(project: dict[str, str]) -> None:
    """One command; when it comes back the box is healthy, and it answers."""
    docker("compose", *FILES, "up", "--build", "--detach", "--wait", patience=1200, environment=project)
    box = Container("")
    box.name = docker("compose", *FILES, "ps", "--quiet", environment=project).strip()
    box.wait_ready()
    assert (box.get("/login")[0], "7" in box.answer()) == (200, True)
    assert {uid for uid, _ in box.processes()} == {1000}
