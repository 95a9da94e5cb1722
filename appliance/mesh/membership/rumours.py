"""News that still have to be passed on: each so often that all have probably heard it, the newest first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from appliance.mesh.membership.wire import Stamp, Update


@dataclass(frozen=True, slots=True)
class Batch:
    updates: tuple[Update, ...] = ()
    stamps: tuple[Stamp, ...] = ()


@dataclass(slots=True)
class _Item:
    key: str
    news: Update | Stamp
    size: int
    left: int = field(default=0)


class Rumours:
    def __init__(self) -> None:
        self._items: dict[str, _Item] = {}
        self._order: deque[_Item] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def add(self, news: Update | Stamp, members: int) -> None:
        """Replaces what was said before about the same; doubts of different accusers go side by side."""
        key, size = _key_and_size(news)
        item = _Item(key, news, size, times(members))
        self._items[key] = item
        self._order.appendleft(item)

    def drop_doubts(self, node: str) -> None:
        for key in [key for key in self._items if key.startswith(f"?{node}|")]:
            del self._items[key]

    def take(self, room: int, most: int = 64) -> Batch:
        """As much as fits; counted as told once more."""
        updates: list[Update] = []
        stamps: list[Stamp] = []
        again: list[_Item] = []
        while self._order and len(updates) + len(stamps) < most:
            item = self._order[0]
            if self._items.get(item.key) is not item:
                self._order.popleft()
                continue
            if item.size > room:
                break
            self._order.popleft()
            room -= item.size
            if isinstance(item.news, Update):
                updates.append(item.news)
            else:
                stamps.append(item.news)
            again.append(item)
        self._put_back(again)
        return Batch(tuple(updates), tuple(stamps))

    def _put_back(self, items: list[_Item]) -> None:
        for item in items:
            item.left -= 1
            if item.left > 0:
                self._order.append(item)
            else:
                del self._items[item.key]


def times(members: int) -> int:
    """How often one box passes one thing on: enough that everybody hears of it, almost surely, and no more."""
    return members.bit_length() + 2


def _key_and_size(news: Update | Stamp) -> tuple[str, int]:
    if isinstance(news, Stamp):
        return news.key, len(news.key) + 20
    if news.state == 1:
        return f"?{news.node}|{news.by}", len(news.node) + len(news.by) + 15
    return f"!{news.node}", len(news.node) + len(news.by) + 15
