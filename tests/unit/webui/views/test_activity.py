"""What the activity page says in figures."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.activity.bins import Bin
from appliance.activity.series import RANGES, ranges
from appliance.node.snapshot import RequestLoad
from tests.unit.activity.builders import ended, gpu, reading
from webui.views.activity import choices, model_rows, now_figures, request_rows, today_figures


@dataclass(frozen=True)
class Attachments:
    count: int = 0
    filled: int = 0


def today() -> Bin:
    one = Bin()
    for status in (200, 200, 404, 503, 499):
        one.add_request(ended(status=status, tokens_in=10 if status == 200 else None))
    one.add_tokens("m", 2000)
    return one


def test_the_ranges_that_can_be_chosen() -> None:
    """One is the current; when more days are kept, all of them can be seen."""
    said = choices(ranges(30), RANGES[1])
    assert [(one.key, one.label) for one in said] == [
        ("1h", "1 h"),
        ("6h", "6 h"),
        ("24h", "24 h"),
        ("14d", "14 days"),
        ("all", "30 days"),
    ]
    assert [one.key for one in said if one.current] == ["6h"]


def test_now() -> None:
    """Load and speed."""
    figures = now_figures(RequestLoad(in_flight=2, queued=1), 41.26, Attachments())
    assert [(one.label, one.value) for one in figures] == [
        ("Being answered", "2"),
        ("Waiting", "1"),
        ("Tokens a second", "41.3"),
    ]


def test_attachments_are_told_while_there_are_any() -> None:
    """How many, and how much of the disk they take."""
    last = now_figures(RequestLoad(), 0.0, Attachments(2, 3 << 20))[-1]
    assert (last.label, last.value, last.note) == ("Attachments", "2", "3 MiB, kept for some minutes")


def test_today_counts_what_went_wrong_apart() -> None:
    """A client that left is no error of anybody."""
    figures = today_figures(today())
    assert [(one.value, one.note) for one in figures[:3]] == [
        ("5", "1 left by their clients"),
        ("2", "1 failed, 1 refused"),
        ("2,000", "20 read"),
    ]


def test_energy_is_not_known_without_a_sensor() -> None:
    """And never nought for want of one."""
    one = today()
    unknown = today_figures(one)[3]
    one.add_reading(reading(3600, gpus=(gpu(power=500.0),)))
    known = today_figures(one)[3]
    assert (unknown.value, unknown.note) == ("not known", "no GPU tells its power")
    assert (known.value, known.note) == ("500 Wh", "250 Wh for 1,000 tokens made")


def test_models_by_their_requests() -> None:
    """The most asked first; requests that found none are told as such."""
    one = today()
    one.add_request(ended(status=404, model=""))
    rows = model_rows(one)
    assert [(row.name, row.requests, row.errors, row.tokens_out) for row in rows] == [
        ("m", "5", "2", "2,000"),
        ("none was found", "1", "1", "0"),
    ]


def test_a_request_as_a_row() -> None:
    """What was told, in words; what was not told is left out, and half of it said to be unknown."""
    told = ended(tokens_in=18, tokens_out=None, first_token=0.25, speed=88.2, seconds=2.5)
    full, empty = request_rows([told, ended(status=404, model="")])
    assert (full.outcome, full.tone, full.took, full.first, full.speed) == (
        "answered",
        "good",
        "2.5 s",
        "250 ms",
        "88.2",
    )
    assert full.tokens == "18 read, not known made"
    assert (empty.model, empty.outcome, empty.tokens, empty.first, empty.speed) == (
        "none was found",
        "refused",
        "",
        "",
        "",
    )
