"""The application of :3131: pages, management API, static files, and the API for the chat page, behind one door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, Router, asgi, get
from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.params import FromQuery
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, ControllerRouterHandler, Receive, Scope, Send
from sse_starlette import EventSourceResponse

from appliance import __version__
from appliance.api.deps import ApiDeps
from appliance.api.feed import EventFeed
from appliance.api.login import look_up, require_login
from appliance.api.openapi import Described
from appliance.api.problems import Problem, as_problem, handle
from appliance.api.routes import SUBJECTS, make_router
from appliance.api.routes.events import event_stream, until_stopping
from appliance.tasks import TaskGroup
from webui.live import FRAME, LivePage, frame_only, updates
from webui.pages import PAGES
from webui.pages.context import Context, GoTo, came_from, go
from webui.render import STATIC, Templates
from webui.security import Guarded

RELAY_PATH = "/api/openai"
MAX_FORM_BYTES = 1 << 20


def create_web_app(api: ApiDeps, relay: ASGIApp) -> Guarded:
    """`relay` is the API of :9337, for the chat page."""
    context = Context(api, Templates(), tuple(page.NAV for page in PAGES if page.NAV is not None))
    app = Litestar(
        route_handlers=[
            make_router(api),
            *_pages(context),
            _relay(relay),
            create_static_files_router(
                "/static", [STATIC], include_in_schema=False, exception_handlers={OSError: no_file, ValueError: no_file}
            ),
        ],
        exception_handlers={GoTo: go, Exception: _error_page(context)},
        openapi_config=_openapi(),
        lifespan=[_feeding(api.feed)],
        logging_config=None,
    )
    return Guarded(app, _Keeper(api))


def _pages(context: Context) -> list[ControllerRouterHandler]:
    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        # a function of its own: litestar copies guards, and with a method it would copy the whole box
        await context.require_login(connection, handler)

    found = [handler for page in PAGES for handler in page.handlers(context)]
    pages = Router(
        path="/", route_handlers=found, guards=[guard], include_in_schema=False, request_max_body_size=MAX_FORM_BYTES
    )
    return [pages, _live(context)]


def _live(context: Context) -> ControllerRouterHandler:
    pages = _live_pages(context)

    @get("/events/ui", guards=[require_login], include_in_schema=False)
    async def live(page: FromQuery[str]) -> EventSourceResponse:
        """The one stream of a page: its blocks as they change."""
        if page not in pages:
            raise Problem(404, "unknown_page", "This page has no live blocks.")
        return event_stream(until_stopping(updates(context.deps.loop, pages[page]), context.deps.stopping))

    return live


def _live_pages(context: Context) -> dict[str, LivePage]:
    """Each under the name of its module."""
    found = {page.__name__.rpartition(".")[2]: page.live_page(context) for page in PAGES}
    return {FRAME: frame_only(context.templates)} | {name: live for name, live in found.items() if live is not None}


def _relay(relay: ASGIApp) -> ControllerRouterHandler:
    @asgi(RELAY_PATH, is_mount=True, guards=[require_login], copy_scope=True)
    async def chat_api(scope: Scope, receive: Receive, send: Send) -> None:
        scope["path"] = scope["path"].rstrip("/")  # a mount adds a slash that the client did not send
        await relay(scope, receive, send)

    return chat_api


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Meshbox management API",
        version=__version__,
        openapi_router=Router(path="/schema", route_handlers=[], guards=[require_login], include_in_schema=False),
        render_plugins=[Described()],
        use_handler_docstrings=True,
        tags=SUBJECTS,
    )


def _feeding(feed: EventFeed) -> Any:  # noqa: ANN401 - litestar's lifespan type
    @asynccontextmanager
    async def running(_app: Litestar) -> AsyncIterator[None]:
        tasks = TaskGroup()
        tasks.start("event feed", feed.run())
        yield
        await tasks.close()

    return running


def no_file(request: Request[Any, Any, Any], _error: Exception) -> Response[bytes]:
    """A name that no file can have."""
    return handle(request, NotFoundException())


def _error_page(context: Context) -> Callable[[Request[Any, Any, Any], Exception], Response[Any]]:
    """Browsers get a page, programs a problem document."""

    def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        if request.url.path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
            return handle(request, error)
        problem = as_problem(error)
        missing = isinstance(error, NotFoundException)
        detail = "There is no such page on this box." if missing else problem.detail
        return context.page(request, "problem.html", status=problem.status, detail=detail, back=came_from(request))

    return answer


class _Keeper:
    def __init__(self, api: ApiDeps) -> None:
        self._api = api

    def further_hosts(self) -> tuple[str, ...]:
        return self._api.settings.current.web.allowed_hosts

    async def knows(self, scope: Any) -> bool:  # noqa: ANN401 - an ASGI scope
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        return await look_up(connection, self._api.access, self._api.loop.outlook.snapshot.node.id)
