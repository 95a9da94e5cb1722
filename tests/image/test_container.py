"""The container does what the README promises, hardened, and leaves no trace of root."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from tests.image.conftest import Image
from tests.image.docker import HARDENED, LEAVES_ROOT, PASSWORD, QUESTION, Container, docker

pytestmark = [pytest.mark.image, pytest.mark.timeout(1500)]

CLAIMED = f"--env=MESHBOX_ADMIN_PASSWORD={PASSWORD}"
LARGEST_MB = 350
GRACE_SECONDS = 60


@pytest.fixture(scope="module")
def box(image: Image) -> Iterator[Container]:
    """As hardened as can be: no root at any time, no capability, nothing writable but what must be."""
    with Container(image.name, *HARDENED, "--user=1000:1000", CLAIMED) as one:
        one.wait_ready()
        yield one


def test_the_page_answers(box: Container) -> None:
    """A browser finds the login page."""
    assert box.get("/login")[0] == 200


def test_the_bundled_model_answers(box: Container) -> None:
    """Without a download and without a network."""
    assert "7" in box.answer()


def test_it_becomes_healthy(box: Container) -> None:
    """The health check of the image passes inside the hardened container."""
    box.wait(lambda: box.state()["Health"]["Status"] == "healthy", "it is healthy")


def test_no_process_can_become_more_than_it_is(box: Container) -> None:
    """No capability is left and none can be gained."""
    status = box.run("cat", "/proc/1/status")
    found = dict(line.split(":\t", 1) for line in status.splitlines())
    assert (found["CapEff"], found["CapBnd"], found["NoNewPrivs"]) == ("0" * 16, "0" * 16, "1")


def test_the_inventory_works_inside(box: Container) -> None:
    """What the page shows of the hardware can be asked for in the container too."""
    assert json.loads(box.run("python", "-m", "appliance", "inventory", "--json"))


def test_root_is_left_for_puid_and_pgid(image: Image, volumes: tuple[str, str]) -> None:
    """Every process runs as the user asked for, and fresh volumes are his."""
    options = (*HARDENED, *LEAVES_ROOT, *volumes, "--env=PUID=1234", "--env=PGID=4321", CLAIMED)
    with Container(image.name, *options) as box:
        box.wait_ready()
        assert "7" in box.answer()
        processes = box.processes()
        assert {uid for uid, _ in processes} == {1234}
        assert [name for name in ("tini", "appliance", "llama-server") if name not in str(processes)] == []
        assert box.run("stat", "-c", "%u:%g", "/data", "/models", "/data/secrets").split() == ["1234:4321"] * 3


def test_another_puid_takes_the_data_over(image: Image, volumes: tuple[str, str]) -> None:
    """The owner changes his mind; his box is still his box."""
    options = (*HARDENED, *LEAVES_ROOT, *volumes)
    with Container(image.name, *options, CLAIMED) as first:
        first.wait_ready()
        docker("stop", first.name)
    with Container(image.name, *options, "--env=PUID=2000", "--env=PGID=2000") as second:
        second.wait_ready()
        assert second.login() == 200


def test_a_password_can_be_reset_from_outside(image: Image, volumes: tuple[str, str]) -> None:
    """`docker exec` comes in as root; what it writes can still be read by the box."""
    with Container(image.name, *HARDENED, *LEAVES_ROOT, *volumes, CLAIMED) as box:
        box.wait_ready()
        box.run("python", "-m", "appliance", "reset-password", stdin="another good password\n")
        assert (box.login(), box.login("another good password")) == (401, 200)
        assert set(box.run("find", "/data", "-printf", "%u\n").split()) == {"meshbox"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--env=PUID=me",), "PUID and PGID must be numbers above 0"),
        (("--env=PGID=0",), "PUID and PGID must be numbers above 0"),
        (("--cap-drop=ALL",), "start it with 'user: 1000:1000'"),
        (("--user=1000:1000", "--env=MESHBOX_WEB_PORT=many"), "MESHBOX_WEB_PORT"),
    ],
)
def test_a_bad_start_says_what_would_be_right(image: Image, options: tuple[str, ...], said: str) -> None:
    """Exit code 2 and one clear message."""
    done = subprocess.run(["docker", "run", "--rm", *options, image.name], capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stdout + done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("options", [("--user=1000:1000", "--cap-drop=ALL"), LEAVES_ROOT])
def test_stopping_with_an_open_stream_ends_clean(image: Image, options: tuple[str, ...]) -> None:
    """The answer gets its time, then everything ends: exit code 0, well within the grace of compose.yaml."""
    settings = '--env=MESHBOX_SETTINGS={"api": {"drain_s": 2}}'
    with Container(image.name, *HARDENED, *options, settings, CLAIMED) as box:
        box.wait_ready()
        stream = http.client.HTTPConnection(box.address(9337), timeout=GRACE_SECONDS)
        endless = QUESTION | {"stream": True, "max_tokens": 1_000_000, "ignore_eos": True}
        stream.request("POST", "/v1/chat/completions", json.dumps(endless), {"Content-Type": "application/json"})
        answer = stream.getresponse()
        assert answer.readline().startswith(b"data: ")
        rest: list[bytes] = []
        reader = threading.Thread(target=lambda: rest.extend(iter(answer.readline, b"")))
        reader.start()
        began = time.monotonic()
        docker("stop", f"--time={GRACE_SECONDS}", box.name)
        took = time.monotonic() - began
        reader.join(GRACE_SECONDS)
        stream.close()
        assert (box.state()["ExitCode"], box.state()["OOMKilled"], took < GRACE_SECONDS / 4) == (0, False, True), took
        assert "stopped" in box.log().splitlines()[-1]


def test_no_secret_is_in_the_image(image: Image) -> None:
    """Neither what the build was given nor any key: not in a layer, not in the environment."""
    known = b"Root is left before anything else happens"
    wanted = re.compile(b"%s|%s|%s" % (known, image.secret.encode(), rb"PRIVATE KEY-----\r?\n[A-Za-z0-9+/=]{40,}"))
    found, tail = set(), b""
    with subprocess.Popen(["docker", "save", image.name], stdout=subprocess.PIPE) as saved:
        assert saved.stdout is not None
        while piece := saved.stdout.read(1 << 20):
            found |= set(wanted.findall(tail + piece))
            tail = piece[-200:]
    assert found == {known}, "(the known text says that the search can see into the layers)"
    assert "PASSWORD" not in docker("image", "inspect", image.name)


def test_the_labels_tell_what_it_is(image: Image) -> None:
    """Flavour, version and licence can be read without starting it; the licences of the engine are inside."""
    labels = json.loads(docker("image", "inspect", "--format={{json .Config.Labels}}", image.name))
    assert (labels["io.meshbox.flavor"], labels["org.opencontainers.image.licenses"]) == ("cpu", "Apache-2.0")
    listed = docker("run", "--rm", "--entrypoint=ls", image.name, "/opt/meshbox/engine", "/opt/meshbox/app")
    assert {"LICENSE", "LICENSE.llama.cpp"} <= set(listed.split())


def test_it_stays_small(image: Image) -> None:
    """A cpu image is pulled in a minute."""
    assert int(docker("image", "inspect", "--format={{.Size}}", image.name)) / 1e6 < LARGEST_MB
