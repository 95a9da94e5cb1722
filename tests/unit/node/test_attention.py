"""Since when a trouble is there, and what a person does not want to see."""

from __future__ import annotations

from appliance.node.attention import Attention
from appliance.node.decide import decide
from appliance.node.events import IssueHidden, IssueShown, IssuesNoted
from appliance.node.reduce import reduce
from appliance.node.snapshot import TroubleKind
from tests.builders import make_snapshot


def noted(attention: Attention, at: float, *, settled: bool = False, **present: bool) -> Attention:
    return attention.noted(present, at, settled=settled)


def test_the_first_time_is_kept_until_it_ends() -> None:
    """What comes again begins anew."""
    attention = noted(noted(Attention(), 1.0, a=True), 2.0, a=True, b=False)
    assert dict(attention.since) == {"a": 1.0, "b": 2.0}
    assert dict(noted(noted(attention, 3.0, b=False), 4.0, a=True, b=False).since) == {"a": 4.0, "b": 2.0}


def test_what_is_hidden_comes_back_when_it_happens_again() -> None:
    """Hidden as long as it lasts, not for ever."""
    attention = noted(Attention(), 1.0, a=True).with_hidden("a", grave=True)
    assert noted(attention, 2.0, a=True).hides("a", grave=True)
    assert not noted(noted(attention, 2.0), 3.0, a=True).hides("a", grave=True)


def test_what_is_hidden_comes_back_when_it_turns_grave() -> None:
    """And stays in sight when it then turns lighter."""
    attention = noted(Attention(), 1.0, a=False).with_hidden("a", grave=False)
    assert not attention.hides("a", grave=True)
    worse = noted(attention, 2.0, a=True)
    assert not noted(worse, 3.0, a=False).hides("a", grave=False)


def test_what_is_hidden_outlives_a_restart() -> None:
    """It may take a while to show up again; once the box has settled it is over."""
    attention = Attention().with_hidden("a", grave=True)
    started = noted(attention, 1.0)
    assert noted(started, 2.0, a=True).hides("a", grave=True)
    assert not noted(started, 2.0, settled=True).hidden


def test_a_dismissal_is_taken_back() -> None:
    """And only that one."""
    attention = Attention().with_hidden("a", grave=True).with_hidden("b", grave=True).with_shown("a")
    assert dict(attention.hidden) == {"b": True}


def test_the_decision_keeps_all_issues_and_marks_the_hidden() -> None:
    """With the time since when each is there."""
    snapshot = make_snapshot(wanted=(), troubles={TroubleKind.DISK_FULL: "x", TroubleKind.ENGINE_MISSING: "y"})
    present = {issue.id: True for issue in decide(snapshot, 0.0).issues}
    for event in (IssuesNoted(present, 7.0, settled=False), IssueHidden("disk_full", grave=True)):
        snapshot = reduce(snapshot, event)
    found = {issue.id: (issue.since, issue.dismissed) for issue in decide(snapshot, 9.0).issues}
    assert found == {"disk_full": (7.0, True), "engine_missing": (7.0, False)}
    shown = decide(reduce(snapshot, IssueShown("disk_full")), 9.0).issues
    assert not any(issue.dismissed for issue in shown)
