"""What can be fuzzed, and from where it begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.fuzz.events import check_events
from tests.fuzz.openings import check_opening
from tests.fuzz.requests import check_request
from tests.fuzz.words import check_words

CORPUS = Path(__file__).parent / "corpus"
TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "requests": check_request,
    "openings": check_opening,
    "words": check_words,
    "events": check_events,
}
