"""Notes since when each issue is there, and keeps what was put out of sight over a restart."""

from __future__ import annotations

from collections.abc import Callable

from appliance.node.events import IssuesNoted
from appliance.node.issues import Severity
from appliance.run_loop import Outlook, RunLoop
from appliance.storage.dismissals import Dismissals

SETTLED_SECONDS = 600.0  # after so long every issue that outlived a restart has shown up


async def note_issues(loop: RunLoop, clock: Callable[[], float]) -> None:
    async for outlook in loop.watch():
        note = note_of(outlook, clock())
        known = outlook.snapshot.attention
        if known.noted(note.present, note.at, settled=note.settled) != known:
            loop.post(note)


def note_of(outlook: Outlook, now: float) -> IssuesNoted:
    present = {issue.id: issue.severity is Severity.ERROR for issue in outlook.decision.issues}
    return IssuesNoted(present, now, settled=now - outlook.snapshot.node.started_at > SETTLED_SECONDS)


async def keep_dismissals(loop: RunLoop, dismissals: Dismissals) -> None:
    async for outlook in loop.watch():
        if outlook.revision == 0:  # what an earlier run had hidden is folded in by the first round
            continue
        await dismissals.keep(outlook.snapshot.attention.hidden)
