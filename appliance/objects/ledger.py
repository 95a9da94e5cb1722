"""Which objects there are, who may use them how often and until when, and how much room they take. Pure.

An object that a request has taken stays until that request is over, even when it was removed or has expired meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.objects.tally import End, Tally
from appliance.objects.types import (
    LARGEST,
    LIFETIME_SECONDS,
    MIB,
    MOST_KEPT,
    MOST_UPLOADS,
    USES,
    Blob,
    ObjectProblem,
    Party,
)

BUSIEST_PART = 2  # nobody gets more than the room divided by this


@dataclass(eq=False, slots=True)
class Upload:
    """One that is coming in."""

    share: str
    size: int = 0


@dataclass(eq=False, slots=True)
class Entry:
    id: str
    owner: Party
    size: int
    type: str
    expires_at: float
    uses_left: int = USES
    holders: int = 0  # requests that have taken it and are not over
    removed: bool = False

    def usable(self, now: float) -> bool:
        return not self.removed and self.uses_left > 0 and now < self.expires_at

    @property
    def end(self) -> End:
        """Why it is not usable any more."""
        if self.removed:
            return End.REMOVED
        return End.EXPIRED if self.uses_left > 0 else End.USED

    def open_to(self, asker: Party) -> bool:
        return self.owner.logged_in or asker.logged_in or self.owner.key == asker.key

    @property
    def blob(self) -> Blob:
        return Blob(self.id, self.size, self.type, self.expires_at, self.uses_left)


class Ledger:
    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._uploads: set[Upload] = set()
        self.tally = Tally()

    @property
    def filled(self) -> int:
        """Bytes, also of those that are coming in."""
        return sum(entry.size for entry in self._entries.values()) + sum(upload.size for upload in self._uploads)

    @property
    def count(self) -> int:
        return len(self._entries)

    def begin(self, share: str) -> Upload:
        """Whoever gets an upload calls `keep` or `abandon`. Raises ObjectProblem."""
        if len(self._uploads) >= MOST_UPLOADS:
            raise ObjectProblem(
                429, "too_many_uploads", f"{MOST_UPLOADS} objects are being sent already. Try again in a moment."
            )
        if len(self._entries) + len(self._uploads) >= MOST_KEPT:
            raise _full(f"This box keeps {MOST_KEPT} objects at most, and has them.")
        upload = Upload(share)
        self._uploads.add(upload)
        return upload

    def check(self, upload: Upload, coming: int, room: int) -> None:
        """Whether so many bytes more can be taken; `room` is for all objects together. Raises ObjectProblem."""
        if not room:
            raise ObjectProblem(403, "objects_off", "This box takes no objects (setting api.objects_mib).")
        if upload.size + coming > LARGEST:
            raise ObjectProblem(413, "too_large", f"An object has at most {LARGEST // MIB} MiB.")
        if self.filled + coming > room:
            raise _full(f"The objects of this box fill their room of {room // MIB} MiB (setting api.objects_mib).")
        if self._taken_by(upload.share) + coming > max(room // BUSIEST_PART, min(room, LARGEST)):
            raise _full(f"Your objects fill your part of the {room // MIB} MiB that this box has for all.")

    def grow(self, upload: Upload, coming: int, room: int) -> None:
        self.check(upload, coming, room)
        upload.size += coming

    def keep(self, upload: Upload, object_id: str, owner: Party, kind: str, now: float) -> Entry:
        self._uploads.discard(upload)
        entry = Entry(object_id, owner, upload.size, kind, now + LIFETIME_SECONDS)
        self._entries[object_id] = entry
        self.tally.take(entry.size)
        return entry

    def abandon(self, upload: Upload) -> None:
        self._uploads.discard(upload)

    def take(self, object_id: str, asker: Party, now: float) -> Entry:
        """Counts one use; `give_back` has to follow. Raises ObjectProblem."""
        entry = self._entry(object_id, asker, now)
        entry.uses_left -= 1
        entry.holders += 1
        return entry

    def give_back(self, entry: Entry, *, used: bool) -> None:
        """A request is over. Where no engine was asked it has used nothing."""
        entry.holders -= 1
        entry.uses_left += 0 if used else 1

    def remove(self, object_id: str, asker: Party, now: float) -> None:
        """Raises ObjectProblem."""
        self._entry(object_id, asker, now).removed = True

    def sweep(self, now: float) -> list[str]:
        """Forgets what nobody can use and nobody is using; returns their ids."""
        over = [one.id for one in self._entries.values() if not one.holders and not one.usable(now)]
        for object_id in over:
            self.tally.ended[self._entries.pop(object_id).end] += 1
        return over

    def _entry(self, object_id: str, asker: Party, now: float) -> Entry:
        entry = self._entries.get(object_id)
        if entry is None or not entry.usable(now) or not entry.open_to(asker):
            raise _unknown(object_id)
        return entry

    def _taken_by(self, share: str) -> int:
        kept = sum(entry.size for entry in self._entries.values() if entry.owner.share == share)
        return kept + sum(upload.size for upload in self._uploads if upload.share == share)


def _full(what: str) -> ObjectProblem:
    minutes = round(LIFETIME_SECONDS / 60)
    return ObjectProblem(
        507, "objects_full", f"{what} Remove some, or try again later: each goes after {minutes} minutes at the latest."
    )


def _unknown(object_id: str) -> ObjectProblem:
    shown = object_id[:24] + ("…" if len(object_id) > 24 else "")
    return ObjectProblem(
        404,
        "object_not_found",
        f"There is no object {shown!r} for you. It may have been used {USES} times, be older than "
        f"{round(LIFETIME_SECONDS / 60)} minutes, have been removed, or belong to another API key. Send it up again.",
    )
