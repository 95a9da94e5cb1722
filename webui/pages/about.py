"""Which version this is, what it is made of, where it keeps things, and a bundle for those who help."""

from __future__ import annotations

import asyncio

from litestar import MediaType, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from appliance.api.about import licence_text, look
from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Page
from webui.views.about import about_view
from webui.views.frame import NavEntry

NAV: NavEntry | None = NavEntry("About", "/about", "about", "This box")


def live_page(_context: Context) -> LivePage | None:
    return None


def handlers(context: Context) -> list[ControllerRouterHandler]:
    deps = context.deps

    @get("/about")
    async def show(request: AnyRequest) -> Page:
        findings = await asyncio.to_thread(look, deps.premises)
        about = about_view(deps.loop.outlook, findings, deps.clock())
        return context.page(request, "about.html", about=about, parts=findings.parts, packages=findings.packages)

    @get("/about/licences/{name:str}")
    async def licence(name: FromPath[str]) -> Response[str]:
        text = await asyncio.to_thread(licence_text, deps.premises, name)
        if text is None:
            raise NotFoundException
        return Response(text, media_type=MediaType.TEXT)

    return [show, licence]
