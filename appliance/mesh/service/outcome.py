"""Why something was not done, as data: a word for programs and a text for people."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.mesh.identity.errors import Malformed, Untrusted
from appliance.mesh.identity.messages import Refusal
from appliance.mesh.lanes.trouble import LaneError
from appliance.mesh.plain import plain
from appliance.storage.errors import StorageFailed

Trouble = Untrusted | Malformed | LaneError | StorageFailed
TROUBLES = (Untrusted, Malformed, LaneError, StorageFailed)


@dataclass(frozen=True, slots=True)
class Refused:
    """`reason` is a word of the identity's or the lanes' reasons, or of this package."""

    reason: str
    text: str


def refused(trouble: Trouble) -> Refused:
    match trouble:
        case Untrusted():
            return Refused(trouble.reason.value, trouble.text)
        case LaneError():
            return Refused(trouble.reason.value, str(trouble))
        case StorageFailed():
            return Refused(trouble.code, trouble.detail)
        case _:
            return Refused("garbage", f"The other box said something that cannot be read: {plain(str(trouble), 200)}.")


def said_no(refusal: Refusal) -> Refused:
    shown = refusal.shown()
    return Refused(shown.reason, shown.text)
