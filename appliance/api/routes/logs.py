"""The log, to read and to follow."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import get
from litestar.params import FromQuery, QueryParameter
from litestar.types import ControllerRouterHandler

from appliance.api.deps import ApiDeps
from appliance.logs import LogFilter, LogLine, log_time

Json = dict[str, Any]
MOST_LINES = 2000
LONGEST_WORDS = 200
Level = Literal["debug", "info", "warning", "error"]


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    @get("/api/logs", sync_to_thread=False)
    def logs(
        source: FromQuery[str | None] = None,
        level: FromQuery[Level | None] = None,
        q: Annotated[str, QueryParameter(max_length=LONGEST_WORDS)] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=MOST_LINES)] = 200,
        after: Annotated[int, QueryParameter(ge=0)] = 0,
    ) -> Json:
        """The latest lines of the log, oldest first.

        `source` chooses a logger and those below it (`box`: everything but the engines), `level` this gravity
        and more, `q` words in the text. `after` goes on from the `newest` of an earlier answer.
        """
        newest = deps.logs.newest
        start = after if after <= newest else 0  # a number of another run of the box means nothing here
        lines = deps.logs.lines(LogFilter(level, source, q), limit, start)
        return {"lines": [_document(line) for line in lines], "newest": newest}

    return [logs]


def _document(line: LogLine) -> Json:
    return {
        "number": line.number,
        "at": log_time(line.at),
        "level": line.level,
        "source": line.source,
        "text": line.text,
    }
