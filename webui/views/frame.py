"""The frame around every page: its navigation, and what is live in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from appliance.run_loop import Outlook

FRAME_BLOCKS = ("repairs_count",)


@dataclass(frozen=True, slots=True)
class NavEntry:
    """Where a page stands in the navigation."""

    label: str
    path: str
    icon: str  # a symbol of icons.svg
    group: str


@dataclass(frozen=True, slots=True)
class NavItem:
    entry: NavEntry
    current: bool


@dataclass(frozen=True, slots=True)
class NavGroup:
    label: str
    items: tuple[NavItem, ...]


def navigation(entries: Iterable[NavEntry], path: str) -> tuple[NavGroup, ...]:
    """Groups in the order in which their first page comes; the page below which `path` lies is the current one."""
    groups: dict[str, list[NavItem]] = {}
    for entry in entries:
        groups.setdefault(entry.group, []).append(NavItem(entry, _below(path, entry.path)))
    return tuple(NavGroup(label, tuple(items)) for label, items in groups.items())


def _below(path: str, page: str) -> bool:
    return path == page or (page != "/" and path.startswith(page + "/"))


def frame_view(outlook: Outlook) -> dict[str, Any]:
    """What the live blocks of the frame show."""
    return {"repairs": sum(not issue.dismissed for issue in outlook.decision.issues)}
