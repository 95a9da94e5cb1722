"""What a box shows while its data folder cannot be used: one page that says why, until the cause is gone.

A container whose volume has the wrong owner would otherwise restart for ever with nothing to see in the browser.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from appliance.serve import Listener
from appliance.settings.bootstrap import Bootstrap
from appliance.storage.folder import DataFolder, FolderTrouble

log = logging.getLogger("meshbox")

RETRY_SECONDS = 2.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="5"><title>Meshbox cannot start</title></head>
<body><main><h1>Meshbox cannot start yet</h1><p>{detail}</p>
<p>Nothing was changed. This page looks again every few seconds and goes on by itself.</p></main></body></html>
"""
HEADERS = [
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"retry-after", b"5"),
]


async def wait_for_folder(folder: DataFolder, bootstrap: Bootstrap, stop: asyncio.Event) -> bool:
    """Takes the data folder; while that fails shows the reason. False when told to stop meanwhile."""
    trouble = _take(folder)
    if trouble is None:
        return True
    log.error("%s", trouble)
    fault = FaultPage(trouble)
    page = Listener("the page (with the trouble above)", fault, bootstrap.bind, bootstrap.web_port)
    await page.start()
    try:
        while trouble is not None and not stop.is_set():
            await _pause(stop)
            trouble = _take(folder)
            fault.detail = trouble or fault.detail
        return trouble is None
    finally:
        await page.stop(patience=1)


def _take(folder: DataFolder) -> str | None:
    try:
        folder.take()
    except FolderTrouble as error:
        return str(error)
    return None


async def _pause(stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(RETRY_SECONDS):
            await stop.wait()


class FaultPage:
    """ASGI: every address answers 503 with the trouble; programs get JSON."""

    def __init__(self, detail: str) -> None:
        self.detail = detail

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        wants_page = any(k == b"accept" and b"text/html" in v for k, v in scope["headers"])
        if wants_page:
            kind, body = b"text/html; charset=utf-8", PAGE.format(detail=html.escape(self.detail))
        else:
            problem = {"title": "Meshbox cannot start yet", "status": 503, "code": "data_folder", "detail": self.detail}
            kind, body = b"application/problem+json", json.dumps(problem)
        headers = [(b"content-type", kind), *HEADERS]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})
