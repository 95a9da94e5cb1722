"""Who is logged in, in words."""

from __future__ import annotations

import pytest

from appliance.storage.sessions import Session
from webui.views.sessions import agent_words, session_rows

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (CHROME, "Chrome on Windows"),
        (f"{CHROME} Edg/126.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "curl"),
        ("Python/3.11 aiohttp/3.9", "Python"),
        ("", "A program without a name"),
        ("<script>" * 20, ("<script>" * 20)[:60]),
    ],
)
def test_a_login_is_called_as_one_would_call_it(agent: str, words: str) -> None:
    """What browsers send is longer than it is true."""
    assert agent_words(agent) == words


def test_the_own_login_stands_first() -> None:
    """The others by their last use."""
    sessions = {name: Session(0.0, used, "a", "mark", CHROME) for name, used in (("x", 3.0), ("y", 2.0), ("own", 1.0))}
    assert [row.id for row in session_rows(sessions, "own")] == ["own", "x", "y"]
