"""The mesh as a live picture, with a card for the box or model that one chose and tables that say the same.

The picture and the tables are rendered once for all who look; what a viewer chose is marked in them afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from litestar import get
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromQuery
from litestar.types import ControllerRouterHandler
from markupsafe import Markup
from sse_starlette import EventSourceResponse

from appliance.api.login import PUBLIC, SESSION
from appliance.api.routes.events import event_stream, until_stopping
from appliance.run_loop import Outlook
from webui.live import Blocks, LivePage, updates
from webui.pages.context import AnyRequest, Context, Page
from webui.render import Templates
from webui.views.frame import NavEntry
from webui.views.topology import Topology, topology
from webui.views.topology_card import Selection, side_card

NAV: NavEntry | None = NavEntry("Topology", "/topology", "topology", "Overview")
PARTS = "topology/live.html"
MOST_CHOICES = 64  # of different viewers that are kept for others who choose the same
BLOCKS = ("summary", "picture", "nodes", "models", "links")


class SharedView:
    """The topology of the latest outlook, and its blocks, made once for everybody."""

    def __init__(self, templates: Templates) -> None:
        self.templates = templates
        self._page = LivePage(templates, PARTS, BLOCKS, lambda outlook: {"topology": self.topology(outlook)})
        self._latest: tuple[int, Topology] | None = None
        self._seen: dict[Selection, tuple[int, Blocks]] = {}

    def topology(self, outlook: Outlook) -> Topology:
        if self._latest is None or self._latest[0] != outlook.revision:
            self._latest = (outlook.revision, topology(outlook))
        return self._latest[1]

    def render(self, outlook: Outlook) -> Blocks:
        return self._page.render(outlook)

    def seen(self, selection: Selection, outlook: Outlook, look: Callable[[Outlook], Blocks]) -> Blocks:
        """What everybody sees who chose the same."""
        known = self._seen.get(selection)
        if known is None or known[0] != outlook.revision:
            if len(self._seen) >= MOST_CHOICES:
                self._seen.clear()
            known = self._seen[selection] = (outlook.revision, look(outlook))
        return known[1]


class Viewer:
    """The same with what one person chose: his card, and marks in what all share."""

    def __init__(self, shared: SharedView, selection: Selection) -> None:
        self._shared = shared
        self._selection = selection

    def render(self, outlook: Outlook) -> Blocks:
        return self._shared.seen(self._selection, outlook, self._look)

    def _look(self, outlook: Outlook) -> Blocks:
        card = side_card(self._shared.topology(outlook), outlook, self._selection)
        blocks = dict(self._shared.render(outlook))
        if card.key is not None:
            mark = f'data-key="{card.key}"'
            for name in ("picture", "nodes", "models"):
                blocks[name] = blocks[name].replace(mark, mark + ' aria-current="true"')
        for name in ("picked_lines", "picked_labels") if card.lines.links else ():
            empty = f'<g id="{name.replace("_", "-")}"></g>'
            blocks["picture"] = blocks["picture"].replace(empty, self._shared.templates.block(PARTS, name, card=card))
        return {**blocks, "card": self._shared.templates.block(PARTS, "card", card=card)}


def live_page(_context: Context) -> LivePage | None:
    """None: what is streamed depends on what the viewer chose, so the page has a stream of its own."""
    return None


def handlers(context: Context) -> list[ControllerRouterHandler]:
    shared = SharedView(context.templates)

    @get("/topology", sync_to_thread=False)
    def show(request: AnyRequest, node: FromQuery[str | None] = None, model: FromQuery[str | None] = None) -> Page:
        selection = _selection(request, node, model)
        blocks = Viewer(shared, selection).render(context.deps.loop.outlook)
        return context.page(
            request,
            "topology.html",
            blocks={name: Markup(html) for name, html in blocks.items()},  # noqa: S704 - rendered by our templates
            chosen=selection.made,
            stream=_stream(selection),
        )

    # strangers are refused and not sent to the login page, which is no stream
    @get("/events/topology", guards=[_refuse_strangers], opt={PUBLIC: True})
    async def live(
        request: AnyRequest, node: FromQuery[str | None] = None, model: FromQuery[str | None] = None
    ) -> EventSourceResponse:
        viewer = Viewer(shared, _selection(request, node, model))
        return event_stream(until_stopping(updates(context.deps.loop, viewer), context.deps.stopping))

    return [show, live]


def _refuse_strangers(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    if not connection.scope["state"].get(SESSION):
        raise NotAuthorizedException


def _selection(request: AnyRequest, node: str | None, model: str | None) -> Selection:
    return Selection(node, model, request.headers.get("host", "localhost"))


def _stream(selection: Selection) -> str:
    chosen = {"node": selection.node, "model": selection.model}
    query = urlencode({name: value for name, value in chosen.items() if value is not None}, errors="replace")
    return f"/events/topology?{query}" if query else "/events/topology"
