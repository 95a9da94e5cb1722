"""The latest lines of the log, the newest last, and new ones as they come."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

from litestar import MediaType, Response, get
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromQuery
from litestar.types import ControllerRouterHandler
from sse_starlette import EventSourceResponse

from appliance.api.login import PUBLIC, SESSION
from appliance.api.routes.events import event_stream, until_stopping
from appliance.logs import LogRing, log_text
from appliance.run_loop import RunLoop
from webui.live import LEAST_PAUSE, NOTHING, Blocks, LivePage, frame, frame_only
from webui.pages.context import AnyRequest, Context, Page
from webui.render import Templates
from webui.views.frame import NavEntry
from webui.views.logs import LEVELS, LogChoice, log_choice, log_rows, source_options

NAV: NavEntry | None = NavEntry("Logs", "/logs", "logs", "This box")
SHOWN = 500
AT_ONCE = 1000  # lines that a page takes in one piece; it keeps no more

_PLACE = re.compile(r"([0-9a-f]{1,32})-(\d{1,15})")


def live_page(_context: Context) -> LivePage | None:
    return None


def handlers(context: Context) -> list[ControllerRouterHandler]:
    deps, ring = context.deps, context.deps.logs
    frame_page = frame_only(context.templates)

    @get("/logs", sync_to_thread=False)
    def show(
        request: AnyRequest,
        level: FromQuery[str] = "",
        source: FromQuery[str] = "",
        q: FromQuery[str] = "",
        follow: FromQuery[str] = "on",
    ) -> Page:
        choice, following = log_choice(level, source, q), follow != "off"
        place = place_of(ring)
        values: dict[str, Any] = {
            "rows": log_rows(ring.lines(choice.filter, SHOWN)),
            "choice": choice,
            "levels": LEVELS,
            "sources": source_options(ring.sources(), choice.source),
            "following": following,
            "stream": f"/events/logs?{choice.query(after=place)}" if following else "/events/ui?page=frame",
            "download": f"/logs/download?{choice.query()}",
        }
        return context.page(request, "logs.html", **values)

    @get("/logs/download", sync_to_thread=False)
    def download(level: FromQuery[str] = "", source: FromQuery[str] = "", q: FromQuery[str] = "") -> Response[str]:
        lines = ring.lines(log_choice(level, source, q).filter)
        headers = {"Content-Disposition": 'attachment; filename="meshbox-log.txt"'}
        text = "".join(f"{log_text(line)}\n" for line in lines)
        return Response(text, media_type=MediaType.TEXT, headers=headers)

    @get("/events/logs", opt={PUBLIC: True})  # its own guard: a stream is refused, not sent to the login page
    async def follow_logs(
        request: AnyRequest,
        level: FromQuery[str] = "",
        source: FromQuery[str] = "",
        q: FromQuery[str] = "",
        after: FromQuery[str] = "",
    ) -> EventSourceResponse:
        if not request.scope["state"].get(SESSION):
            raise NotAuthorizedException
        follower = Follower(ring, context.templates, log_choice(level, source, q))
        start = number_of(ring, request.headers.get("last-event-id") or after)
        return event_stream(until_stopping(follower.events(deps.loop, frame_page, start), deps.stopping))

    return [show, download, follow_logs]


def place_of(ring: LogRing) -> str:
    """Where the log stands now; means nothing to another run of the box."""
    return f"{ring.run}-{ring.newest}"


def number_of(ring: LogRing, place: str) -> int:
    """The line after which to go on; those of another run are followed by all of this one."""
    found = _PLACE.fullmatch(place)
    return int(found[2]) if found is not None and found[1] == ring.run else 0


class Follower:
    """The log as a stream of rows for one page."""

    def __init__(self, ring: LogRing, templates: Templates, choice: LogChoice) -> None:
        self._ring = ring
        self._templates = templates
        self._filter = choice.filter

    async def events(self, loop: RunLoop, frame_page: LivePage, start: int) -> AsyncIterator[bytes]:
        """What is new, a few times a second: rows to append, and what changed in the frame of the page."""
        number, sent = start, dict[str, str]()
        while True:
            blocks = frame_page.render(loop.outlook)
            changed: Blocks = {name: html for name, html in blocks.items() if sent.get(name) != html}
            rows, number = self._rows_after(number)
            if changed or rows:
                sent = dict(blocks)
                place = b"id: %s-%d\n" % (self._ring.run.encode(), number)
                yield place + frame(changed, {"log_lines": rows} if rows else NOTHING)
            await asyncio.sleep(LEAST_PAUSE)

    def _rows_after(self, number: int) -> tuple[str, int]:
        newest = self._ring.newest
        if newest == number:
            return "", number
        lines = self._ring.lines(self._filter, AT_ONCE, number)
        html = self._templates.block("logs.html", "lines", rows=log_rows(lines)) if lines else ""
        return html, max(newest, lines[-1].number if lines else 0)
