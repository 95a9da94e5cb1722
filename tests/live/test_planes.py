"""A real box on each of its data planes: answers, streams, a port that is taken, a gentle end."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest

from tests.live.box import Box
from tests.live.test_end import SHORT, open_stream
from tests.planes import PLANES

pytestmark = [pytest.mark.live, pytest.mark.parametrize("plane", PLANES)]


def test_a_box_answers_and_ends_gently(tmp_path: Path, plane: str) -> None:
    """A right answer, and a stream that comes to its regular end although the box is told to stop."""
    settings = json.dumps({"api": {"drain_s": 600}})
    with Box(tmp_path, MESHBOX_DATA_PLANE=plane, MESHBOX_SETTINGS=settings) as box:
        box.wait_ready()
        assert box.chat("What is 3 + 4?") == "7"
        with open_stream(box, SHORT) as stream:
            box.process.send_signal(signal.SIGTERM)
            assert stream.read().endswith(b"data: [DONE]\n\n")
        assert (box.stop(), box.engines()) == (0, [])


def test_a_taken_port_is_told_and_taken_once_it_is_free(tmp_path: Path, plane: str) -> None:
    """The page says so meanwhile."""
    box = Box(tmp_path, MESHBOX_DATA_PLANE=plane)
    with socket.create_server(("127.0.0.1", box.api_port)) as other, box:
        box.wait(lambda: "api_port_taken" in box.issues(), "the issue is shown")
        other.close()
        box.wait(lambda: "api_port_taken" not in box.issues(), "the port is taken")
        box.wait_ready()
        assert box.chat("What is 3 + 4?") == "7"
