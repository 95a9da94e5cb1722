"""Which files make up one model: a large one comes as `name-00001-of-00003.gguf` and so on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NAME = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of several; `number` counts from 1."""

    stem: str
    number: int
    count: int

    @property
    def name(self) -> str:
        return f"{self.stem}-{self.number:05d}-of-{self.count:05d}"


def shard_of(name: str) -> Shard | None:
    """What a file's name, without its ending, says about it; None for a file that stands alone."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    shard = Shard(match["stem"], int(match["number"]), int(match["count"]))
    return shard if 1 <= shard.number <= shard.count else None


def missing_names(shard: Shard, present: Iterable[int]) -> list[str]:
    """The names, without their ending, of the files that are not there."""
    lacking = sorted(set(range(1, shard.count + 1)) - set(present))
    return [Shard(shard.stem, number, shard.count).name for number in lacking]
