"""Bins side by side in bounded memory: five seconds for an hour, minutes for a day, quarter hours for weeks.

A moment is looked up by its number since 1970, so a clock that jumps makes a gap or a doubled stretch and nothing
worse. A full series drops what is farthest from now on either side: a clock that was wrong for a while costs as many
bins as it filled, not the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from appliance.activity.bins import Bin, merged
from appliance.activity.types import Ended, Reading

FINE, MINUTE, QUARTER = 5, 60, 900  # seconds
DAY = 86400
MOST_POINTS = 300
MOST_STEPS = 2 * MOST_POINTS  # kept merged
STEPS = (900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)

Slot = tuple[int, int]  # span, and number since 1970


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of time that ends now, in how many steps it is shown."""

    key: str
    seconds: int
    step: int


RANGES = (
    Range("1h", 3600, 20),
    Range("6h", 6 * 3600, 120),
    Range("24h", DAY, 600),
    Range("14d", 14 * DAY, 7200),
)
USUAL_DAYS = 14


def ranges(keep_days: int) -> tuple[Range, ...]:
    """What can be chosen when so many days are kept."""
    if keep_days <= USUAL_DAYS:
        return RANGES
    whole = keep_days * DAY
    return (*RANGES, Range("all", whole, next(step for step in STEPS if whole / step <= MOST_POINTS)))


@dataclass(frozen=True, slots=True)
class Window:
    """A range of the history: one bin a step, None where nothing was recorded."""

    start: int
    step: int
    bins: tuple[Bin | None, ...]

    @property
    def end(self) -> int:
        return self.start + self.step * len(self.bins)

    def whole(self) -> Bin:
        return merged(one for one in self.bins if one is not None)


class Series:
    """At most `keep` bins of `span` seconds each."""

    def __init__(self, span: int, keep: int, *, stored: bool = True) -> None:
        self.span = span
        self._keep = keep
        self._stored = stored
        self._bins: dict[int, Bin] = {}
        self._changed: set[int] = set()
        self._dropped: set[int] = set()
        self._steps: dict[int, dict[int, Bin | None]] = {}  # length -> start -> merged before and not changed since

    def __len__(self) -> int:
        return len(self._bins)

    def __iter__(self) -> Iterator[Bin]:
        return iter(self._bins.values())

    def at(self, moment: float) -> Bin:
        """The bin to write to, now."""
        number = int(moment // self.span)
        return self._numbered(number, number)

    def _numbered(self, number: int, now: int) -> Bin:
        self._changed.add(number)
        self._forget_steps(number)
        found = self._bins.get(number)
        if found is None:
            found = self._bins[number] = Bin()
            self._dropped.discard(number)
            self._trim(now)
        return found

    def keep(self, count: int, now: float) -> None:
        """Changes how much is kept."""
        self._keep = count
        self._trim(int(now // self.span))

    def load(self, bins: Mapping[int, Bin], now: float) -> None:
        """Takes over what was stored; what is recorded already stays."""
        self._bins = {**bins, **self._bins}
        self._steps.clear()
        self._trim(int(now // self.span))

    def between(self, start: float, end: float) -> Iterator[Bin]:
        """The bins that begin in that time."""
        numbers = range(-int(-start // self.span), -int(-end // self.span))
        return (self._bins[number] for number in numbers if number in self._bins)

    def step(self, start: int, length: int) -> Bin | None:
        """All of a step as one bin, not to be written to; None when nothing was recorded."""
        known = self._steps.setdefault(length, {})
        if start not in known:
            if len(known) >= MOST_STEPS:
                known.clear()
            known[start] = _one(self.between(start, start + length))
        return known[start]

    def begins(self, start: float) -> float | None:
        """Where the oldest bin since then begins."""
        oldest = min((number for number in self._bins if number * self.span >= start), default=None)
        return None if oldest is None else oldest * self.span

    def spread(self, model: str, tokens: int, start: float, end: float) -> None:
        """Books tokens in the time in which they were made."""
        start = max(start, end - (self._keep - 1) * self.span)
        first, last = int(start // self.span), int(end // self.span)
        booked, length = 0, end - start
        for number in range(first, last + 1):
            share = 1.0 if number == last else ((number + 1) * self.span - start) / length
            until_here = round(tokens * share)
            if until_here > booked:
                self._numbered(number, last).add_tokens(model, until_here - booked)
                booked = until_here

    def take_changes(self) -> tuple[dict[int, Bin], set[int]]:
        """What was written to since the last time, and what was dropped."""
        changed, dropped = self._changed, self._dropped
        self._changed, self._dropped = set(), set()
        return {number: self._bins[number] for number in changed}, dropped

    def give_back(self, changed: Iterable[int], dropped: Iterable[int]) -> None:
        """They could not be stored and are to be taken again."""
        self._changed |= {number for number in changed if number in self._bins}
        self._dropped |= {number for number in dropped if number not in self._bins}

    def _forget_steps(self, number: int) -> None:
        at = number * self.span
        for length, known in self._steps.items():
            known.pop(at // length * length, None)

    def _trim(self, now: int) -> None:
        while len(self._bins) > self._keep:
            farthest = max(self._bins, key=lambda number: abs(number - now))
            del self._bins[farthest]
            self._forget_steps(farthest)
            self._changed.discard(farthest)
            if self._stored:
                self._dropped.add(farthest)


class History:
    """What was recorded, at three grades of detail."""

    def __init__(self, keep_days: int = USUAL_DAYS) -> None:
        self.fine = Series(FINE, 3600 // FINE + 8, stored=False)
        self.minutes = Series(MINUTE, DAY // MINUTE + 12)
        self.quarters = Series(QUARTER, _quarters(keep_days))

    @property
    def all(self) -> tuple[Series, ...]:
        return self.fine, self.minutes, self.quarters

    @property
    def stored(self) -> tuple[Series, ...]:
        return self.minutes, self.quarters

    def keep_days(self, days: int, now: float) -> None:
        self.quarters.keep(_quarters(days), now)

    def add_request(self, ended: Ended) -> None:
        self.add_requests((ended,))

    def add_requests(self, requests: Iterable[Ended]) -> None:
        """Those of the same seconds are summed up first: once, and not for each series."""
        sums: dict[int, Bin] = {}
        for ended in requests:
            number = int(ended.at // FINE)
            whole = sums.get(number)
            if whole is None:
                whole = sums[number] = Bin()
            whole.add_request(ended)
            if ended.tokens_out:
                self._add_tokens(ended, ended.tokens_out, number, whole)
        for number, whole in sums.items():
            for series in self.all:
                series.at(number * FINE).merge(whole)

    def _add_tokens(self, ended: Ended, tokens: int, number: int, whole: Bin) -> None:
        """In the time in which they were made."""
        start = ended.at - (ended.seconds if ended.generating is None else ended.generating)
        if int(start // FINE) == number:
            whole.add_tokens(ended.model, tokens)
            return
        for series in self.all:
            series.spread(ended.model, tokens, start, ended.at)

    def add_reading(self, at: float, reading: Reading) -> None:
        """`at` is the end of the time that the reading is about."""
        for series in self.all:
            series.at(at - reading.seconds / 2).add_reading(reading)

    def window(self, wanted: Range, now: float) -> Window:
        """The range that ends now. Its last step is the one that still goes on, once something is known of it."""
        series, step = self._source(wanted, now)
        last = int(now // step) * step
        end = last if series.step(last, step) is None else last + step
        start = end - wanted.seconds // step * step
        return Window(start, step, tuple(series.step(at, step) for at in range(start, end, step)))

    def speed(self, now: float) -> float:
        """Tokens a second in the last few whole seconds."""
        end = now // FINE * FINE
        return sum(one.generated for one in self.fine.between(end - FINE, end)) / FINE

    def asked_ever(self) -> bool:
        return any(one.requests for one in self.quarters)

    def since(self, moment: float, now: float) -> Bin:
        """Everything from then on, to a quarter of an hour."""
        return merged(self.quarters.between(moment, now + QUARTER))

    def _source(self, wanted: Range, now: float) -> tuple[Series, int]:
        """The finest series that holds the whole range; after a start the last hour is known by minutes only."""
        if wanted.step % MINUTE:
            begins, known = (series.begins(now - wanted.seconds) for series in (self.fine, self.minutes))
            if begins is not None and (known is None or begins <= known + MINUTE):
                return self.fine, wanted.step
            return self.minutes, MINUTE
        return (self.quarters if wanted.step % QUARTER == 0 else self.minutes), wanted.step


def _one(bins: Iterator[Bin]) -> Bin | None:
    """The bins as one; None when nothing was recorded."""
    first = next(bins, None)
    if first is None:
        return None
    second = next(bins, None)
    if second is None:
        return first if first.known else None
    whole = merged((first, second, *bins))
    return whole if whole.known else None


def _quarters(days: int) -> int:
    return days * DAY // QUARTER + 8
