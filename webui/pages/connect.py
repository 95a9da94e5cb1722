"""Ready configuration for the programs that people use, with the address of this box and one of its models."""

from __future__ import annotations

from litestar import MediaType, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.types import ControllerRouterHandler

from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Page
from webui.views.agents import RECIPES, as_text
from webui.views.connect import NO_MODEL, address, chat_models, chosen_model, context_of, ollama_address
from webui.views.frame import NavEntry
from webui.views.pasting import Target

NAV: NavEntry | None = NavEntry("Connect", "/connect", "connect", "Use")


def live_page(_context: Context) -> LivePage | None:
    return None


def handlers(context: Context) -> list[ControllerRouterHandler]:
    def target_of(request: AnyRequest, asked: str) -> Target:
        outlook = context.deps.loop.outlook
        model = chosen_model(chat_models(outlook), asked)
        reach = address(request.headers.get("host", ""), outlook.snapshot.node.api_port)
        return Target(reach, model, context_of(outlook, model), outlook.snapshot.settings.api.require_key)

    @get("/connect", sync_to_thread=False)
    def show(request: AnyRequest, model: FromQuery[str] = "", agent: FromQuery[str] = "") -> Page:
        target = target_of(request, model)
        recipe = RECIPES.get(agent, next(iter(RECIPES.values())))(target)
        ollama_port = context.deps.loop.outlook.snapshot.settings.api.ollama_port
        return context.page(
            request,
            "connect.html",
            target=target,
            models=chat_models(context.deps.loop.outlook),
            unknown=target.model == NO_MODEL,
            agents=[make(target) for make in RECIPES.values()],
            recipe=recipe,
            ollama=ollama_address(request.headers.get("host", ""), ollama_port),
        )

    @get("/connect/{agent:str}", sync_to_thread=False)
    def as_plain_text(request: AnyRequest, agent: FromPath[str], model: FromQuery[str] = "") -> Response[str]:
        make = RECIPES.get(agent)
        if make is None:
            raise NotFoundException
        return Response(as_text(make(target_of(request, model))), media_type=MediaType.TEXT)

    return [show, as_plain_text]
