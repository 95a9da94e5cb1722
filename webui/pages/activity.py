"""What the box did over the last hours and days, as charts that follow the box."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from litestar import get
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromQuery
from litestar.types import ControllerRouterHandler
from sse_starlette import EventSourceResponse

from appliance.activity.series import Range, ranges
from appliance.api.deps import ApiDeps
from appliance.api.login import PUBLIC, SESSION
from appliance.api.routes.activity import USUAL_RANGE, find_range
from appliance.api.routes.events import event_stream, until_stopping
from appliance.api.times import midnight
from webui.charts.svg import draw
from webui.charts.table import table
from webui.live import Blocks, LivePage, frame
from webui.pages.context import AnyRequest, Context, Page
from webui.views.activity import choices, model_rows, now_figures, request_rows, today_figures
from webui.views.activity_charts import ChartMaker
from webui.views.frame import FRAME_BLOCKS, NavEntry, frame_view

NAV: NavEntry | None = NavEntry("Activity", "/activity", "activity", "Overview")
TEMPLATE = "activity.html"
FIGURES = ("activity_now", "activity_today", "activity_models", "activity_requests")
BOX_CHARTS = ("chart_requests", "chart_speed", "chart_first_token", "chart_at_once", "chart_processor", "chart_memory")
GPU_CHARTS = ("chart_gpu_use", "chart_gpu_memory", "chart_gpu_power", "chart_gpu_temperature")
CHARTS = (*BOX_CHARTS, *GPU_CHARTS)
CHART_BLOCKS = ("nothing_asked", *CHARTS)
SHOWN = 25  # requests
MOST_LOOKS = 12  # after so many looks at the machine the charts of a long range are drawn again

Values = dict[str, Any]


def live_page(_context: Context) -> LivePage | None:
    return None


def handlers(context: Context) -> list[ControllerRouterHandler]:
    deps, board = context.deps, Board(context)

    @get("/activity", sync_to_thread=False)
    def show(request: AnyRequest, range: FromQuery[str] = USUAL_RANGE) -> Page:  # noqa: A002 - the name in the address
        wanted = find_range(deps, range)
        known = ranges(deps.loop.outlook.snapshot.settings.activity.keep_days)
        values = board.figures() | board.charts(wanted, with_tables=True)
        return context.page(request, TEMPLATE, choices=choices(known, wanted), range=wanted.key, **values)

    @get("/events/activity", opt={PUBLIC: True})  # its own guard: a stream is refused, not sent to the login page
    async def follow(request: AnyRequest, range: FromQuery[str] = USUAL_RANGE) -> EventSourceResponse:  # noqa: A002
        if not request.scope["state"].get(SESSION):
            raise NotAuthorizedException
        return event_stream(until_stopping(board.updates(find_range(deps, range)), deps.stopping))

    return [show, follow]


class Board:
    """The live blocks of the page, rendered once for everybody who looks at the same range."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._figures: tuple[int, Blocks] = (-1, {})
        self._charts: dict[str, tuple[int, Blocks]] = {}
        self._frames: dict[str, tuple[int, Blocks, bytes]] = {}

    async def updates(self, wanted: Range) -> AsyncIterator[bytes]:
        """Everything at once, then what changed after each look at the machine."""
        sent: Blocks = {}
        async for version in self._deps.activity.watch():
            blocks = {**self._figure_blocks(version), **self._chart_blocks(wanted, version)}
            changed = {name: html for name, html in blocks.items() if sent.get(name) != html}
            sent = blocks
            if changed:
                yield self._frame(wanted, version, changed)

    def figures(self) -> Values:
        deps, now = self._deps, self._deps.clock()
        today = deps.activity.history.since(midnight(now), now)
        return {
            "now": now_figures(deps.loop.outlook.snapshot.requests, deps.activity.speed, deps.objects),
            "today": today_figures(today),
            "zone": f"{datetime.fromtimestamp(now).astimezone():%Z}",
            "models": model_rows(today),
            "latest": request_rows(list(deps.activity.latest)[:SHOWN]),
        }

    def charts(self, wanted: Range, *, with_tables: bool = False) -> Values:
        history, inventory = self._deps.activity.history, self._deps.loop.outlook.snapshot.inventory
        window = history.window(wanted, self._deps.clock())
        maker = ChartMaker(window, inventory)
        made = {f"chart_{chart.id}": chart for chart in (*maker.box(), *maker.gpus())}
        asked = any(one is not None and one.requests for one in window.bins)
        drawn = {name: draw(chart) for name, chart in made.items()}
        tables = {name: table(chart, drawn[name].cells) for name, chart in made.items() if with_tables}
        nothing = dict.fromkeys(CHARTS)  # a box without GPUs has no charts of them
        return {
            "charts": nothing | drawn,
            "tables": nothing | tables,
            "asked": asked,
            "ever": asked or history.asked_ever(),
        }

    @property
    def _deps(self) -> ApiDeps:
        return self._context.deps

    def _figure_blocks(self, version: int) -> Blocks:
        if self._figures[0] != version:
            values = self.figures() | frame_view(self._deps.loop.outlook)
            blocks = self._render(FIGURES, TEMPLATE, values) | self._render(FRAME_BLOCKS, "base.html", values)
            self._figures = (version, blocks)
        return self._figures[1]

    def _chart_blocks(self, wanted: Range, version: int) -> Blocks:
        drawn_at, blocks = self._charts.get(wanted.key, (-MOST_LOOKS, {}))
        if version - drawn_at >= min(wanted.step // 20, MOST_LOOKS):
            blocks = self._render(CHART_BLOCKS, TEMPLATE, self.charts(wanted))
            self._charts[wanted.key] = (version, blocks)
        return blocks

    def _render(self, names: tuple[str, ...], template: str, values: Values) -> dict[str, str]:
        return {name: self._context.templates.block(template, name, **values) for name in names}

    def _frame(self, wanted: Range, version: int, changed: Blocks) -> bytes:
        """Encoded once for all who were sent the same before."""
        known = self._frames.get(wanted.key)
        if known is None or known[0] != version or known[1].keys() != changed.keys():
            known = self._frames[wanted.key] = (version, changed, frame(changed))
        return known[2]
