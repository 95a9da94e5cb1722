"""Reads numbers out of a header that may hold anything: what is missing, of another kind or absurd becomes 0."""

from __future__ import annotations

from appliance.models.gguf_header import Array, Header

MOST_LAYERS = 512  # as the engine
MOST_EXPERTS = 1024
MOST_WIDTH = 1 << 20  # elements of a row; ten times what any published model has
MOST_TOKENS = (1 << 32) - 1


class Facts:
    """The entries of a header that belong to its architecture, by their name without it."""

    def __init__(self, header: Header, architecture: str) -> None:
        self.architecture = architecture
        self._header = header

    def has(self, name: str) -> bool:
        return f"{self.architecture}.{name}" in self._header.metadata

    def number(self, name: str, most: int = MOST_WIDTH) -> int:
        return bounded(self._header.number(f"{self.architecture}.{name}"), most)

    def fraction(self, name: str) -> float:
        value = self._header.metadata.get(f"{self.architecture}.{name}")
        return value if isinstance(value, float) and 0 < value < MOST_TOKENS else 0.0

    def text(self, name: str) -> str | None:
        return self._header.text(f"{self.architecture}.{name}")

    def listed(self, name: str, count: int, most: int = MOST_WIDTH) -> tuple[int, ...] | None:
        """So many numbers of a list; those that it lacks are 0. None when the entry is no list."""
        value = self._header.metadata.get(f"{self.architecture}.{name}")
        if not isinstance(value, Array):
            return None
        items = [bounded(item, most) for item in (value.items or ())[:count]]
        return tuple(items + [0] * (count - len(items)))

    def each(self, name: str, count: int, most: int = MOST_WIDTH) -> tuple[int, ...] | None:
        """One number a layer: an entry is either a list or a number for all of them. None when there is no entry."""
        if self.has(name):
            return self.listed(name, count, most) or (self.number(name, most),) * count
        return None


def bounded(value: object, most: int) -> int:
    return int(value) if isinstance(value, int) and 0 <= value <= most else 0
