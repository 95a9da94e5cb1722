"""One file a page: its handlers, its place in the navigation, its live blocks. `context` holds what they share."""

from __future__ import annotations

from webui.pages import (
    about,
    activity,
    chat,
    connect,
    dashboard,
    entrance,
    gpus,
    hub,
    keys,
    logs,
    model,
    models,
    repairs,
    settings,
    settings_account,
    settings_files,
    setup,
    setup_hardware,
    setup_model,
    topology,
)
from webui.pages.context import PageModule

PAGES: tuple[PageModule, ...] = (  # in the order of the navigation
    entrance,
    setup,
    setup_hardware,
    setup_model,
    dashboard,
    topology,
    activity,
    chat,
    connect,
    keys,
    models,
    model,
    hub,
    gpus,
    repairs,
    logs,
    settings,
    settings_account,
    settings_files,
    about,
)
