"""What is known of the ways to each peer: its addresses, which one led there, and why the others did not (no I/O)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.candidates import MOST, to_try
from appliance.mesh.lanes.choice import Measured
from appliance.mesh.lanes.race import Failure
from appliance.mesh.types import Lane

MOST_PEERS = 4096


@dataclass(slots=True)
class Entry:
    addresses: tuple[Address, ...] = ()
    worked: dict[Lane, Address] = field(default_factory=dict)
    failed: dict[Lane, tuple[Failure, ...]] = field(default_factory=dict)
    relayed_by: str | None = None
    measured: Measured = field(default_factory=Measured)


class AddressBook:
    def __init__(self) -> None:
        self._entries: OrderedDict[str, Entry] = OrderedDict()

    def know(self, node: str, addresses: Iterable[Address]) -> bool:
        """What a peer says of itself, or somebody of it; whether that is news."""
        entry, known = self.entry(node), tuple(dict.fromkeys(addresses))[: 2 * MOST]
        news, entry.addresses = entry.addresses != known, known
        return news

    def forget(self, node: str) -> None:
        self._entries.pop(node, None)

    def entry(self, node: str) -> Entry:
        entry = self._entries.setdefault(node, Entry())
        self._entries.move_to_end(node)
        if len(self._entries) > MOST_PEERS:
            self._entries.popitem(last=False)
        return entry

    def ways(self, node: str, lane: Lane) -> tuple[Address, ...]:
        """In the order in which they are worth trying. What worked on the other lane is likely to work on this one."""
        entry = self.entry(node)
        worked = entry.worked.get(lane) or next(iter(entry.worked.values()), None)
        return tuple(candidate.address for candidate in to_try(entry.addresses, worked))

    def worked(self, node: str, lane: Lane, address: Address, failures: tuple[Failure, ...] = ()) -> None:
        entry = self.entry(node)
        entry.worked[lane] = address
        entry.failed[lane] = failures

    def failed(self, node: str, lane: Lane, failures: tuple[Failure, ...]) -> None:
        entry = self.entry(node)
        entry.worked.pop(lane, None)
        entry.failed[lane] = failures

    def failures(self, node: str) -> dict[Lane, tuple[Failure, ...]]:
        return dict(self.entry(node).failed)
