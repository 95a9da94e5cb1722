"""Who is logged in, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.storage.sessions import Session
from webui.views.words import Moment, moment

BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
LONGEST = 60


@dataclass(frozen=True, slots=True)
class SessionRow:
    id: str
    who: str
    agent: str
    address: str
    made: Moment
    used: Moment
    current: bool


def session_rows(sessions: Mapping[str, Session], own: str) -> tuple[SessionRow, ...]:
    """This one first."""
    rows = [
        SessionRow(
            login_id,
            agent_words(session.agent),
            session.agent,
            session.address or "not known",
            moment(session.made_at),
            moment(session.used_at),
            current=login_id == own,
        )
        for login_id, session in sessions.items()
    ]
    return tuple(sorted(rows, key=lambda row: not row.current))


def agent_words(agent: str) -> str:
    """As one would call it: what browsers send is long and says a lot that is not so."""
    browser = next((name for mark, name in BROWSERS if mark in agent), None)
    system = next((name for mark, name in SYSTEMS if mark in agent), None)
    if browser is None:
        program = agent.partition(" ")[0].partition("/")[0][:LONGEST]
        return program or "A program without a name"
    return browser if system is None else f"{browser} on {system}"
