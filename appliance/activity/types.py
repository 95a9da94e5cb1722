"""What is measured: a request that ended, and one look at the machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from appliance.hardware.types import Gpu

CLIENT_LEFT = 499  # the status in our books of a request whose client went away


class Outcome(StrEnum):
    """How a request ended, as a person sees it."""

    ANSWERED = "answered"
    REFUSED = "refused"  # it asked for something that is not to be had
    FAILED = "failed"
    CANCELLED = "cancelled"  # its client left before the end


class Ended(msgspec.Struct, frozen=True, gc=False):
    """A request that ended. Tokens and speeds are those that the engine told; None is what nobody told."""

    at: float  # when it ended
    id: str
    model: str  # empty when none was found
    endpoint: str
    route: str
    address: str
    status: int
    stream: bool
    seconds: float
    sent: int = 0  # bytes
    tokens_in: int | None = None
    tokens_out: int | None = None
    first_token: float | None = None  # seconds after it began
    generating: float | None = None  # seconds that its tokens took
    speed: float | None = None  # tokens a second meanwhile
    key: str = ""  # the name of the API key it came with

    @property
    def outcome(self) -> Outcome:
        if self.status == CLIENT_LEFT:
            return Outcome.CANCELLED
        if self.status >= 500 or self.status < 100:
            return Outcome.FAILED
        return Outcome.REFUSED if self.status >= 400 else Outcome.ANSWERED


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the machine, for the `seconds` since the look before."""

    seconds: float
    in_flight: int = 0  # the most at once since the look before
    queued: int = 0
    decoded: int = 0  # tokens that engines were seen to make meanwhile
    memory: float | None = None  # bytes in use
    processor: float | None = None  # share of the usable cores that engines took
    gpus: tuple[Gpu, ...] = ()
