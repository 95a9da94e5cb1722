"""One stream a page: the blocks that changed, rendered once for everybody who looks at that page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from appliance.run_loop import Outlook, RunLoop
from webui.render import Templates
from webui.views.frame import FRAME_BLOCKS, frame_view

LEAST_PAUSE = 0.25  # seconds between two updates of a page
MOST_PAUSE = 1.0
BYTES_PER_SECOND = 128 << 10  # for one tab, about: a phone far from its access point takes that too
FRAME = "frame"  # the stream of pages that have no live blocks of their own

SHARED_FRAMES = 16  # the latest, of all pages together

Blocks = Mapping[str, str]  # element id -> HTML
Pairs = tuple[tuple[str, str], ...]
View = Callable[[Outlook], dict[str, Any]]
NOTHING: Blocks = {}


class Block:
    """One block of a template, rendered anew when what it shows has changed."""

    def __init__(self, templates: Templates, template: str, name: str) -> None:
        self._templates, self._template, self._name = templates, template, name
        self._names: frozenset[str] | None = frozenset()
        self._shown: dict[str, Any] | None = None
        self._html = ""

    def html(self, values: Mapping[str, Any]) -> str:
        if self._shown is None:
            self._names = self._templates.inputs(self._template, self._name)
        names = self._names
        shown = {name: value for name, value in values.items() if names is None or name in names}
        if shown != self._shown:
            html = self._templates.block(self._template, self._name, **values)
            self._html = self._html if html == self._html else html  # one object: quick to compare for every tab
            self._shown = shown
        return self._html


class LivePage:
    """The live blocks of one template. A block is named like the id of the element it holds."""

    def __init__(self, templates: Templates, template: str, blocks: tuple[str, ...], view: View) -> None:
        sources = dict.fromkeys(blocks, template) | dict.fromkeys(FRAME_BLOCKS, "base.html")
        self._blocks = {name: Block(templates, source, name) for name, source in sources.items()}
        self._view = view
        self._rendered: tuple[int, Blocks] = (-1, {})

    def render(self, outlook: Outlook) -> Blocks:
        if self._rendered[0] != outlook.revision:
            values = frame_view(outlook) | self._view(outlook)
            self._rendered = (outlook.revision, {name: block.html(values) for name, block in self._blocks.items()})
        return self._rendered[1]


def frame_only(templates: Templates) -> LivePage:
    return LivePage(templates, "base.html", (), lambda _: {})


class Rendered(Protocol):
    """A page, or a page as one viewer sees it."""

    def render(self, outlook: Outlook) -> Blocks: ...


async def updates(loop: RunLoop, page: Rendered) -> AsyncIterator[bytes]:
    """Everything at once, then what changed, at most four times a second; much at a time comes less often."""
    sent: Blocks = {}
    async for outlook in loop.watch():
        blocks = page.render(outlook)
        changed = {name: html for name, html in blocks.items() if sent.get(name) != html}
        said = frame(changed) if changed else b""
        sent = blocks
        if said:
            yield said
        await asyncio.sleep(min(MOST_PAUSE, max(LEAST_PAUSE, len(said) / BYTES_PER_SECOND)))


def frame(changed: Blocks, appended: Blocks = NOTHING) -> bytes:
    """An event whose message holds one partial for each block; morphing keeps focus and scroll.

    What is appended goes to the end of the element of its name.
    """
    return _encoded(tuple(changed.items()), tuple(appended.items()))


@lru_cache(maxsize=SHARED_FRAMES)
def _encoded(changed: Pairs, appended: Pairs) -> bytes:
    """Once for all tabs that are told the same: comparing texts that are one object costs nothing."""
    partials = "".join(
        f'<hx-partial hx-target="#{name}" hx-swap="{how}">{html}</hx-partial>'
        for how, blocks in (("outerMorph", changed), ("beforeend", appended))
        for name, html in blocks
    )
    return "".join(f"data: {line}\n" for line in partials.splitlines()).encode() + b"\n"
