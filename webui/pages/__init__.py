"""One file a page: its handlers, its place in the navigation, its live blocks. `context` holds what they share."""

from __future__ import annotations

from webui.pages import chat, dashboard, entrance, gpus, logs
from webui.pages.context import PageModule

PAGES: tuple[PageModule, ...] = (  # in the order of the navigation
    entrance,
    dashboard,
    chat,
    gpus,
    logs,
)
