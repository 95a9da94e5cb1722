"""How a box ends: gently when asked, without leftovers when killed."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from appliance.supervisor.llama_server import OWNER_MARK
from tests.live.box import SELF_TEST_MODEL, Box

pytestmark = pytest.mark.live


REQUEST = {"model": SELF_TEST_MODEL, "messages": [{"role": "user", "content": "What is 3 + 4?"}], "max_tokens": 8}
SHORT = 300  # tokens
LONG = 4_000
ENDLESS = 30_000
ROOMY = 32_768  # a context for them


@contextmanager
def open_stream(box: Box, tokens: int) -> Iterator[http.client.HTTPResponse]:
    """A streamed answer of exactly so many tokens, its first piece already there."""
    connection = http.client.HTTPConnection("127.0.0.1", box.api_port, timeout=60)
    body = {
        "model": SELF_TEST_MODEL,
        "messages": [{"role": "user", "content": "Tell me a story."}],
        "max_tokens": tokens,
        "ignore_eos": True,
        "stream": True,
    }
    with closing(connection):
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        with connection.getresponse() as response:
            assert response.status == 200
            assert response.readline().startswith(b"data: ")
            yield response


def answers_anew(box: Box, former: int) -> bool:
    """Another engine than the former one is ready; both read from one answer, since the state changes in between."""
    entry = box.entry()
    return bool(entry["state"] == "ready" and entry["pid"] != former)


def test_ctrl_c_lets_a_running_answer_end(tmp_path: Path) -> None:
    """The stream that runs comes to its regular end, the box exits with 0, no engine is left."""
    with Box(tmp_path, MESHBOX_SETTINGS=json.dumps({"api": {"drain_s": 600}})) as box:
        box.wait_ready()
        with open_stream(box, SHORT) as stream:
            box.process.send_signal(signal.SIGINT)
            rest = stream.read()
        assert rest.rstrip().endswith(b"data: [DONE]")
        assert box.process.wait(20) == 0
        assert box.engines() == []


def test_an_endless_answer_is_cut_after_the_grace_time(tmp_path: Path) -> None:
    """A client that never gets enough is told so in its stream, and the box ends."""
    settings = json.dumps({"api": {"drain_s": 0}, "serving": {"context": ROOMY}})
    with Box(tmp_path, MESHBOX_SETTINGS=settings) as box:
        box.wait_ready()
        engine = box.entry()["pid"]
        with open_stream(box, ENDLESS) as stream:
            os.kill(engine, signal.SIGSTOP)  # now this answer cannot come to its end
            assert box.stop(signal.SIGTERM) == 0
            assert b'"error"' in stream.read()
        assert box.engines() == []


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    """Whoever does not want to wait presses twice."""
    with Box(tmp_path, MESHBOX_SETTINGS=json.dumps({"api": {"drain_s": 600}, "serving": {"context": ROOMY}})) as box:
        engine = box.wait_ready()["pid"]
        with open_stream(box, ENDLESS) as stream:
            os.kill(engine, signal.SIGSTOP)
            box.process.send_signal(signal.SIGINT)
            box.wait_for_line("stopping; 1 requests")
            assert box.stop(signal.SIGINT) == 0
            stream.read()


def test_new_requests_are_sent_away_while_the_box_ends(tmp_path: Path) -> None:
    """They are told when to come back instead of being cut."""
    with Box(tmp_path, MESHBOX_SETTINGS=json.dumps({"api": {"drain_s": 600}, "serving": {"context": ROOMY}})) as box:
        engine = box.wait_ready()["pid"]
        with open_stream(box, LONG) as stream:
            os.kill(engine, signal.SIGSTOP)
            box.process.send_signal(signal.SIGTERM)
            box.wait_for_line("stopping; 1 requests")
            answer = box.ask("/v1/chat/completions", REQUEST)
            assert (answer.status, "retry-after" in answer.headers) == (503, True)
            os.kill(engine, signal.SIGCONT)
            assert stream.read().rstrip().endswith(b"data: [DONE]")
        assert box.process.wait(20) == 0


def test_kill_9_leaves_no_engine(tmp_path: Path) -> None:
    """The kernel ends the engines with the box, a stopped one too."""
    with Box(tmp_path) as box:
        box.wait_ready()
        (engine,) = box.engines()
        os.kill(engine, signal.SIGSTOP)
        box.process.kill()
        box.wait(lambda: box.engines() == [], "the engine has ended")


def test_leftovers_of_an_earlier_run_are_ended_at_start(tmp_path: Path) -> None:
    """Should the kernel have missed one, the next start finds it by its mark."""
    with Box(tmp_path) as box:
        node = box.manage("GET", "/api/status").json["node"]["id"]
    with subprocess.Popen(["sleep", "600"], env={OWNER_MARK: node}) as leftover, Box(tmp_path) as box:
        box.wait(lambda: leftover.poll() == -signal.SIGKILL, "the leftover was ended")
        box.wait_ready()


def test_a_killed_engine_comes_back(tmp_path: Path) -> None:
    """kill -9 of the engine: answers again without a person."""
    with Box(tmp_path) as box:
        first = box.wait_ready()["pid"]
        os.kill(first, signal.SIGKILL)
        box.wait(lambda: answers_anew(box, first), "a new engine is ready")
        assert "7" in box.chat("What is 3 + 4?")


def test_page_streams_do_not_hold_up_the_end(tmp_path: Path) -> None:
    """Open pages end with the box."""
    with Box(tmp_path) as box:
        box.manage("GET", "/api/status")
        with closing(http.client.HTTPConnection("127.0.0.1", box.web_port, timeout=30)) as connection:
            connection.request("GET", "/api/events", headers={"Authorization": f"Bearer {box._token}"})
            with connection.getresponse() as response:
                assert response.readline()
                assert box.stop() == 0
                response.read()


def test_a_wedged_engine_is_replaced_and_its_client_goes_on(tmp_path: Path) -> None:
    """Work and no progress: the client hears of a pause, and the new engine goes on where the old one stood still."""
    settings = json.dumps({"api": {"silent_after_s": 2}, "serving": {"context": ROOMY}})
    with Box(tmp_path, MESHBOX_SETTINGS=settings) as box:
        wedged = box.wait_ready()["pid"]
        with open_stream(box, ENDLESS) as stream:
            os.kill(wedged, signal.SIGSTOP)
            heard = b""
            while heard.rpartition(b"waiting for another one")[2].count(b"data: ") < 20 or b"waiting for" not in heard:
                line = stream.readline()
                assert line, heard[-500:]
                assert b'"error"' not in line
                heard += line
        box.wait(lambda: answers_anew(box, wedged), "a new engine is ready")
        assert "7" in box.chat("What is 3 + 4?")
        assert box.engines() == [box.entry()["pid"]]
