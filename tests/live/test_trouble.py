"""Bad input and faults: each has one clear message, a fitting status, and nothing is lost."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.box import PASSWORD, ROOT, SELF_TEST_MODEL, Box, request

pytestmark = pytest.mark.live

BUNDLED = ROOT / "appliance" / "models" / "bundled" / f"{SELF_TEST_MODEL}.gguf"
CHAT = {"model": SELF_TEST_MODEL, "messages": [{"role": "user", "content": "What is 3 + 4?"}], "max_tokens": 8}


def serve(*models: str) -> str:
    return json.dumps({"serving": {"models": list(models)}})


def test_a_taken_api_port_is_told_on_the_page_and_healed(tmp_path: Path) -> None:
    """The page works meanwhile; once the port is free the API opens by itself."""
    box = Box(tmp_path)
    with socket.create_server(("127.0.0.1", box.api_port)), box:
        box.wait(lambda: "api_port_taken" in box.issues(), "the issue is shown")
        assert str(box.api_port) in box.wait_for_line("cannot be used")
        box.stop()
    with box:
        box.wait_ready()
        assert "7" in box.chat("What is 3 + 4?")
        assert box.issues() == {}


def test_a_taken_page_port_ends_the_box_with_a_clear_message(tmp_path: Path) -> None:
    """Without a page there is nothing to run for; the log names the port and the variable."""
    box = Box(tmp_path)
    with socket.create_server(("127.0.0.1", box.web_port)):
        box.start()
        assert box.process.wait(30) == 1
    line = box.wait_for_line("cannot be used")
    assert str(box.web_port) in line
    assert "MESHBOX_WEB_PORT" in line


def test_a_bad_variable_ends_the_box_with_2(tmp_path: Path) -> None:
    """The message names it."""
    box = Box(tmp_path, MESHBOX_FLAVOR="quantum")
    box.start()
    assert box.process.wait(30) == 2
    assert "MESHBOX_FLAVOR" in box.wait_for_line("MESHBOX_FLAVOR")


def test_an_unusable_data_folder_is_shown_and_healed(tmp_path: Path) -> None:
    """The page says why; when the cause is gone the box goes on by itself."""
    (tmp_path / "data").write_text("in the way")
    box = Box(tmp_path).start()
    try:
        box.wait(lambda: box.get("/").status == 503, "the fault page is shown")
        answer = request("GET", box.web_url + "/", headers={"Accept": "text/html"})
        assert "cannot be written" in answer.body.decode()
        assert box.get("/healthz").status == 503
        (tmp_path / "data").unlink()
        box.wait(lambda: box.get("/readyz").status == 200, "a model answers")
    finally:
        assert box.stop() == 0


def test_a_missing_engine_is_shown_and_healed(tmp_path: Path) -> None:
    """Page and API are open; the model comes once the engine is there."""
    engine = tmp_path / "engine"
    engine.mkdir()
    with Box(tmp_path, MESHBOX_ENGINE=str(engine)) as box:
        box.wait(lambda: "engine_missing" in box.issues(), "the issue is shown")
        answer = box.ask("/v1/chat/completions", CHAT)
        assert (answer.status, answer.json["error"]["code"]) == (503, "model_failed")
        for file in (ROOT / "build" / "engine").iterdir():
            (engine / file.name).symlink_to(file)
        box.wait_ready()
        assert "engine_missing" not in box.issues()


def test_page_and_api_are_open_while_the_engine_hangs(tmp_path: Path) -> None:
    """Whatever the engine is doing: the page is there and requests are told when to come back."""
    engine = tmp_path / "engine"
    engine.mkdir()
    (engine / "llama-server").write_text('#!/bin/sh\n[ "$1" = --version ] && exit 0\nexec sleep 600\n')
    (engine / "llama-server").chmod(0o755)
    with Box(tmp_path, MESHBOX_ENGINE=str(engine)) as box:
        box.wait(lambda: box.entry()["state"] == "loading", "the model is loading")
        assert box.get("/healthz").status == 200
        assert box.get("/readyz").status == 503
        answer = box.ask("/v1/chat/completions", CHAT)
        assert (answer.status, "retry-after" in answer.headers) == (503, True)
        assert answer.json["error"]["code"] == "model_loading"


@pytest.mark.parametrize("content", [b"{", b'{"node": {"name": ""}}'])
def test_a_damaged_settings_file_is_told_and_kept(tmp_path: Path, content: bytes) -> None:
    """The box starts with what it has; the file can still be looked at."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "settings.json").write_bytes(content)
    with Box(tmp_path) as box:
        box.wait_ready()
        assert "settings_broken" in box.issues()
        assert [p.read_bytes() for p in data.glob("settings.broken-*")] == [content]


def test_a_truncated_model_is_told_and_not_served(tmp_path: Path) -> None:
    """The issue says what is wrong; the other model keeps answering."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "half-Q8_0.gguf").write_bytes(BUNDLED.read_bytes()[: BUNDLED.stat().st_size // 2])
    with Box(tmp_path, MESHBOX_SETTINGS=serve("half", "mesh-tiny-dense")) as box:
        box.wait_ready()
        box.wait(lambda: "broken_file:half-Q8_0" in box.issues(), "the issue is shown")
        answer = box.ask("/v1/chat/completions", CHAT | {"model": "half"})
        assert (answer.status, answer.json["error"]["code"]) == (503, "model_failed")
        assert "7" in box.chat("What is 3 + 4?")


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The issue names it, and the nearest that is there."""
    with Box(tmp_path, MESHBOX_SETTINGS=serve("mesh-tiny-dens")) as box:
        box.wait(lambda: "model_missing:mesh-tiny-dens" in box.issues(), "the issue is shown")
        assert SELF_TEST_MODEL in box.issues()["model_missing:mesh-tiny-dens"]["advice"]


def test_a_model_that_appears_is_served(tmp_path: Path) -> None:
    """Putting the file into the folder is enough."""
    with Box(tmp_path, MESHBOX_SETTINGS=serve("mesh-tiny-second")) as box:
        box.wait(lambda: "model_missing:mesh-tiny-second" in box.issues(), "the issue is shown")
        os.link(
            ROOT / "tests" / "fixtures" / "models" / "mesh-tiny-second-Q8_0.gguf",
            tmp_path / "models" / "mesh-tiny-second-Q8_0.gguf",
        )
        box.wait_ready("mesh-tiny-second-Q8_0")
        assert "second" in box.chat("Who are you?", "mesh-tiny-second-Q8_0").lower()


def test_two_models_answer_as_themselves(tmp_path: Path) -> None:
    """Each name reaches its own engine."""
    (tmp_path / "models").mkdir()
    os.link(
        ROOT / "tests" / "fixtures" / "models" / "mesh-tiny-second-Q8_0.gguf",
        tmp_path / "models" / "mesh-tiny-second-Q8_0.gguf",
    )
    with Box(tmp_path, MESHBOX_SETTINGS=serve("mesh-tiny-dense", "mesh-tiny-second")) as box:
        box.wait_ready()
        box.wait_ready("mesh-tiny-second-Q8_0")
        answers = {m: box.chat("Who are you?", m) for m in (SELF_TEST_MODEL, "mesh-tiny-second-Q8_0")}
        assert len(set(answers.values())) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"\xff\xfe", 400),
        (b"", 400),
        (b'{"model": 5}', 400),
        (b'{"model": "nobody"}', 404),
        (b"[" * 100_000, 400),
    ],
)
def test_bad_bodies_are_refused_in_the_shape_of_the_api(box: Box, body: bytes, status: int) -> None:
    """Never a 500, never a hang."""
    answer = box.ask("/v1/chat/completions", body)
    assert answer.status == status
    assert set(answer.json["error"]) >= {"message", "type", "param", "code"}


def test_a_body_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """413 with the limit in words; the setting takes effect at once."""
    with Box(tmp_path, MESHBOX_SETTINGS=json.dumps({"api": {"max_body_mib": 1}})) as box:
        box.wait_ready()
        answer = box.ask("/v1/chat/completions", CHAT | {"padding": "x" * (1 << 20)})
        assert answer.status == 413
        assert "1 MiB" in answer.json["error"]["message"]


def test_reset_password_works_while_the_box_runs(tmp_path: Path) -> None:
    """The owner who forgot his password gets back in; the old one and its logins end."""
    with Box(tmp_path) as box:
        assert box.manage("GET", "/api/status").status == 200
        assert box.command("reset-password", typed="short\n").returncode == 1
        assert box.command("reset-password", typed="another password\n").returncode == 0
        assert request("POST", box.web_url + "/api/login", {"password": PASSWORD}).status == 401
        assert request("POST", box.web_url + "/api/login", {"password": "another password"}).status == 200
        assert box.manage("GET", "/api/status").status == 401


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("box")) as one:
        one.wait_ready()
        yield one


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a megabyte, in memory."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """Writes until the disk is full."""
    try:
        with path.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
    except OSError as error:
        assert error.errno == errno.ENOSPC  # noqa: PT017 - any other trouble is not the one that is wanted


def test_a_full_disk_loses_nothing(tmp_path: Path, small_disk: Path) -> None:
    """The change is refused with 507 and an issue, the old settings stay, and all is well after space is made."""
    with Box(tmp_path, MESHBOX_DATA=str(small_disk / "data")) as box:
        box.wait_ready()
        assert box.manage("PATCH", "/api/settings", {"node": {"name": "before"}}).status == 200
        filler = small_disk / "filler"
        fill(filler)
        answer = box.manage("PATCH", "/api/settings", {"node": {"name": "after"}})
        assert (answer.status, answer.json["code"]) == (507, "disk_full")
        box.wait(lambda: "disk_full" in box.issues(), "the issue is shown")
        assert box.manage("GET", "/api/settings").json["node"]["name"] == "before"
        assert "7" in box.chat("What is 3 + 4?")
        filler.unlink()
        assert box.manage("PATCH", "/api/settings", {"node": {"name": "after"}}).status == 200
        box.wait(lambda: box.issues() == {}, "the issue is gone")


def test_a_new_box_on_a_full_disk_says_so_and_goes_on_when_there_is_room(tmp_path: Path, small_disk: Path) -> None:
    """The page shows the reason instead of a box that ends with a trace."""
    fill(small_disk / "filler")
    box = Box(tmp_path, MESHBOX_DATA=str(small_disk / "data")).start()
    try:
        box.wait(lambda: "is full" in box.get("/").body.decode(), "the fault page tells of the disk")
        (small_disk / "filler").unlink()
        box.wait(lambda: box.get("/readyz").status == 200, "a model answers")
    finally:
        assert box.stop() == 0


def test_a_damaged_identity_is_named_and_kept(tmp_path: Path) -> None:
    """The box does not silently become another one."""
    key = tmp_path / "data" / "secrets" / "node.key"
    key.parent.mkdir(parents=True)
    key.write_text("nonsense")
    box = Box(tmp_path).start()
    assert box.process.wait(30) == 1
    assert "node.key" in box.wait_for_line("cannot be read as a key")
    box.stop()
    assert key.read_text() == "nonsense"
