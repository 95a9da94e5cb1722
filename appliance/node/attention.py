"""Which troubles are there since when, and which of them a person has put out of sight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeVar

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Attention:
    """Both are kept by the id of an issue. What is hidden comes back when it ends, or when it turns grave."""

    since: Mapping[str, float] = field(default_factory=dict)
    hidden: Mapping[str, bool] = field(default_factory=dict)  # whether it was grave when it was hidden

    def noted(self, present: Mapping[str, bool], at: float, *, settled: bool) -> Attention:
        """`present`: the issues there are now, and whether each is grave.

        What an earlier run had hidden may take a while to show up again; when the box has settled it is taken to be
        over.
        """
        since = {name: self.since.get(name, at) for name in present}
        hidden = {
            name: grave
            for name, grave in self.hidden.items()
            if (grave or not present[name] if name in present else name not in self.since and not settled)
        }
        return Attention(MappingProxyType(since), MappingProxyType(hidden))

    def with_hidden(self, name: str, *, grave: bool) -> Attention:
        return replace(self, hidden=MappingProxyType({**self.hidden, name: grave}))

    def with_shown(self, name: str) -> Attention:
        return replace(self, hidden=_without(self.hidden, name))

    def hides(self, name: str, *, grave: bool) -> bool:
        return name in self.hidden and (self.hidden[name] or not grave)


def _without(old: Mapping[str, V], name: str) -> Mapping[str, V]:
    return MappingProxyType({key: value for key, value in old.items() if key != name})
