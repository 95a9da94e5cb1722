"""Which models are wanted, by whom and how often. Each node counts what came in at its own door; the counts of all are
merged by the larger number of each (node, epoch), so that hearing something twice changes nothing.

Epochs are those of the counting node's clock, and how long ago something was is told as a length: no two clocks have to
agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from appliance.mesh.membership.facts import MOST_EPOCHS, MOST_WANTED, DemandFact
from appliance.mesh.membership.record import Record

EPOCH = 3600.0
KEPT = 24 * EPOCH
ACTIVE = 3600.0
MOST_MODELS = 512
MOST_OF_ONE = 64  # models that one node can bring in
_LARGEST = 1 << 40


@dataclass(frozen=True, slots=True)
class Demand:
    """For one model: requests of the last day, of the last hours, and when the last one came."""

    model: str
    count: int
    recent: int
    last_active: float

    def active(self, now: float) -> bool:
        return now - self.last_active <= ACTIVE


@dataclass(slots=True)
class _Tally:
    last: float
    counts: dict[int, tuple[int, float]] = field(default_factory=dict)  # epoch -> (count, when the epoch ends)


class DemandMap:
    def __init__(self, node: str) -> None:
        self._node = node
        self._tallies: dict[str, dict[str, _Tally]] = {}  # node -> model -> tally

    def note(self, model: str, now: float, wall: float, requests: int = 1) -> None:
        """Requests came in here."""
        epoch = int(wall // EPOCH)
        tally = self._tally(self._node, model[:128], now)
        if tally is None:
            return
        count = tally.counts.get(epoch, (0, 0.0))[0]
        tally.last = max(tally.last, now)
        tally.counts[epoch] = (count + requests, now + EPOCH - wall % EPOCH)

    def learn(self, record: Record, now: float, wall: float) -> None:
        """From a record of any age; the same one again, or an older one, changes nothing."""
        age = min(max(wall - record.at / 1000, 0.0), KEPT)
        for fact in record.facts.demand:
            tally = self._tally(record.node, fact.model, now - age - fact.idle)
            if tally is not None:
                _merge(tally, fact, now - age, record.at / 1000)

    def facts(self, now: float) -> tuple[DemandFact, ...]:
        """Of this node's own door, the latest wanted first."""
        own = sorted(self._tallies.get(self._node, {}).items(), key=lambda item: (-item[1].last, item[0]))
        return tuple(
            DemandFact(model, max(0, int(now - tally.last)), tuple(sorted(_kept(tally, now).items()))[-MOST_EPOCHS:])
            for model, tally in own[:MOST_WANTED]
            if _kept(tally, now)
        )

    def told_by(self, node: str, now: float) -> dict[str, int]:
        """What came in at one door."""
        tallies = self._tallies.get(node, {})
        return {model: sum(kept.values()) for model, tally in tallies.items() if (kept := _kept(tally, now))}

    def all(self, now: float) -> dict[str, Demand]:
        found: dict[str, Demand] = {}
        for tallies in self._tallies.values():
            for model, tally in tallies.items():
                if now - tally.last < KEPT:
                    found[model] = _sum(found.get(model), model, tally, now)
        busiest = sorted(found.values(), key=lambda demand: -demand.last_active)[:MOST_MODELS]
        return {demand.model: demand for demand in busiest}

    def forget(self, now: float) -> None:
        for node in list(self._tallies):
            kept = {model: tally for model, tally in self._tallies[node].items() if _kept(tally, now)}
            if kept:
                self._tallies[node] = kept
            else:
                del self._tallies[node]

    def drop(self, nodes: Iterable[str]) -> None:
        for node in nodes:
            self._tallies.pop(node, None)

    def _tally(self, node: str, model: str, last: float) -> _Tally | None:
        of_node = self._tallies.setdefault(node, {})
        if model not in of_node and len(of_node) >= MOST_OF_ONE:
            oldest = min(of_node, key=lambda name: (of_node[name].last, name))
            if of_node[oldest].last >= last:
                return None
            del of_node[oldest]
        return of_node.setdefault(model, _Tally(last))


def _merge(tally: _Tally, fact: DemandFact, made: float, wall: float) -> None:
    tally.last = max(tally.last, made - fact.idle)
    for epoch, count in fact.counts:
        ends = min(made + (epoch + 1) * EPOCH - wall, made + EPOCH)  # its clock may have been ahead before
        known = tally.counts.get(epoch, (0, ends))
        tally.counts[epoch] = (min(max(known[0], count), _LARGEST), known[1])


def _kept(tally: _Tally, now: float) -> dict[int, int]:
    tally.counts = {epoch: item for epoch, item in tally.counts.items() if now - item[1] < KEPT - EPOCH}
    return {epoch: count for epoch, (count, _) in tally.counts.items()}


def _sum(so_far: Demand | None, model: str, tally: _Tally, now: float) -> Demand:
    count = sum(_kept(tally, now).values())
    recent = sum(number for number, ends in tally.counts.values() if now - ends < EPOCH)
    if so_far is None:
        return Demand(model, count, recent, tally.last)
    return Demand(model, so_far.count + count, so_far.recent + recent, max(so_far.last_active, tally.last))
