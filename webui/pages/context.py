"""What the pages share: templates, the frame around every page, and who may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from litestar import MediaType, Request, Response
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from appliance.api.deps import ApiDeps
from appliance.api.login import PUBLIC, SESSION
from appliance.api.routes.account import session_cookie
from webui.live import FRAME, LivePage
from webui.notices import NOTICES
from webui.render import Templates
from webui.views.frame import NavEntry, frame_view, navigation

AnyRequest = Request[Any, Any, Any]
Page = Response[str]
Form = URLEncodedBody[dict[str, str]]

THEMES = ("auto", "light", "dark")
STRANGERS_BYTES = 16 << 10  # of a form that is read before anybody has logged in


class GoTo(Exception):
    """The page that was asked for is not to be seen now; go there instead."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class PageModule(Protocol):
    """What each file of this folder gives."""

    NAV: NavEntry | None  # None: not in the navigation

    @property
    def __name__(self) -> str: ...

    def handlers(self, context: Context) -> list[ControllerRouterHandler]: ...
    def live_page(self, context: Context) -> LivePage | None: ...


@dataclass(frozen=True, slots=True)
class Context:
    deps: ApiDeps
    templates: Templates
    nav: tuple[NavEntry, ...]

    def page(
        self,
        request: AnyRequest,
        template: str,
        /,
        *,
        status: int = 200,
        live: str = FRAME,
        **values: Any,  # noqa: ANN401 - what the template names
    ) -> Page:
        """A whole page. `live` names the stream of its live blocks: the name of the page's module."""
        outlook = self.deps.loop.outlook
        html = self.templates.page(
            template,
            nav=navigation(self.nav, request.url.path),
            node_name=outlook.snapshot.settings.node.name,
            version=outlook.snapshot.node.version,
            theme=theme_of(request),
            logged_in=bool(request.scope["state"].get(SESSION)),
            path=request.url.path if request.method == "GET" else "/",
            live=live,
            notice=NOTICES.get(request.query_params.get("done", "")),
            **frame_view(outlook),
            **values,
        )
        return Response(html, media_type=MediaType.HTML, status_code=status)

    async def require_login(self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        """A guard: sends strangers to the login, and everybody to the setup while the box belongs to nobody."""
        if handler.opt.get(PUBLIC) or connection.scope["state"].get(SESSION):
            return
        if not self.deps.access.claimed:
            raise GoTo("/setup")
        raise GoTo(_login_for(connection))


def _login_for(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The login, and back to the page after it; what was posted cannot be gone back to."""
    target = connection.url.path
    back = connection.scope.get("method") == "GET" and target != "/"
    return f"/login?next={quote(target)}" if back else "/login"


def go(_request: AnyRequest, away: GoTo) -> Redirect:
    return Redirect(away.path, status_code=303)


def enter(deps: ApiDeps, token: str, target: str) -> Redirect:
    """Logged in, and on to the target."""
    lasts = deps.settings.current.web.session_days * 86400
    return Redirect(target, status_code=303, cookies=[session_cookie(deps, token, lasts)])


def done(path: str, notice: str) -> Redirect:
    """After a form did its work: its page again, with the notice of that code."""
    return Redirect(f"{path}?done={notice}", status_code=303)


def came_from(request: AnyRequest) -> str:
    """The page on this box that the request was sent from, to go back to."""
    try:
        return safe_target(urlsplit(request.headers.get("referer", "/")).path or "/")
    except ValueError:
        return "/"


def theme_of(request: AnyRequest) -> str:
    theme = request.cookies.get("theme", "auto")
    return theme if theme in THEMES else "auto"


def safe_target(path: str) -> str:
    """A path on this box, or the dashboard: nobody is sent to another site after his login."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if inside else "/"
