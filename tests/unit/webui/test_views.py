"""What the pages show for what the box knows."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest

from appliance.hardware.types import Gpu
from appliance.node.decide import decide
from appliance.node.failure import Failure
from appliance.node.snapshot import ChildState, Phase, Snapshot
from appliance.run_loop import Outlook
from tests.builders import INVENTORY, MODEL_ID, make_child, make_model, make_snapshot, with_child
from webui.views.connect import connection, example_model
from webui.views.frame import NavEntry, navigation
from webui.views.hardware import hardware_view
from webui.views.issues import issue_cards
from webui.views.serving import ModelCard, headline, model_cards
from webui.views.words import Meter, memory_meter, size_text


def outlook(snapshot: Snapshot) -> Outlook:
    return Outlook(1, snapshot, decide(snapshot, 0.0))


def test_a_ready_self_test_model_says_that_it_answered_right() -> None:
    """The newcomer sees that the machine computes."""
    snapshot = make_snapshot(models=(make_model(bundled=True),))
    ready = with_child(snapshot, make_child(snapshot, context=1024, answer_ms=12.4))
    assert model_cards(outlook(ready)) == (
        ModelCard(
            name=MODEL_ID,
            tone="good",
            state="ready",
            percent=None,
            facts=(("Self-test", "answered right in 12 ms"), ("Context", "1,024 tokens"), ("At once", "4 requests")),
            trouble=None,
            note=None,
        ),
    )


def test_a_loading_model_shows_how_far_it_is() -> None:
    """Progress in percent."""
    snapshot = make_snapshot()
    child = make_child(snapshot, state=ChildState.STARTING, phase=Phase.LOADING, progress=0.417)
    (card,) = model_cards(outlook(with_child(snapshot, child)))
    assert (card.state, card.percent, card.tone) == ("loading", 42, "busy")


def test_a_failed_model_shows_why() -> None:
    """The reason stands on the card."""
    snapshot = make_snapshot()
    child = make_child(
        snapshot, state=ChildState.FAILED, failure=Failure("load_failed", "The engine ended."), restarts=2
    )
    (card,) = model_cards(outlook(with_child(snapshot, child)))
    assert (card.state, card.tone, card.trouble) == ("failed", "bad", "The engine ended.")
    assert ("Restarts", "2") in card.facts


@pytest.mark.parametrize(
    ("total", "used", "meter"),
    [
        (None, None, Meter("M", "not known", None)),
        (0, 0, Meter("M", "not known", None)),
        (8 << 30, None, Meter("M", "8.0 GiB", None)),
        (8 << 30, 2 << 30, Meter("M", "2.0 GiB of 8.0 GiB in use", 25)),
        (8 << 30, 9 << 30, Meter("M", "8.0 GiB of 8.0 GiB in use", 100)),
        (512 << 20, -5, Meter("M", "0 MiB of 512 MiB in use", 0)),
    ],
)
def test_memory_is_told_in_words_and_percent(total: int | None, used: int | None, meter: Meter) -> None:
    """Odd readings do not break the bar."""
    assert memory_meter("M", total, used) == meter


def test_readings_that_a_gpu_does_not_give_are_left_out() -> None:
    """No dashes, no zeros that were never measured."""
    gpu = Gpu("index:0", "GPU", "amd", 8 << 30, pinnable=False, reason="It has no stable id.", temperature=51.4)
    view = hardware_view(replace(INVENTORY, gpus=(gpu,)))
    assert view is not None
    assert view.gpus[0].facts == (("Temperature", "51 °C"),)
    assert view.gpus[0].note == "It has no stable id."


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("localhost:3131", "http://localhost:9337/v1"),
        ("192.168.1.5", "http://192.168.1.5:9337/v1"),
        ("[fd00::1]:3131", "http://[fd00::1]:9337/v1"),
        ("nas.local:80", "http://nas.local:9337/v1"),
    ],
)
def test_the_api_address_uses_the_name_the_browser_used(host: str, base: str) -> None:
    """What is copied works from where the person sits."""
    reach = connection(host, 9337, "m")
    assert reach.base_url == base
    assert shlex.split(reach.curl)[:2] == ["curl", f"{base}/chat/completions"]


def test_a_name_cannot_break_out_of_the_example() -> None:
    """What is copied goes into a shell: it asks for exactly this model, whatever the model is called."""
    name = "x'; touch /tmp/owned #\"$(id)`id`\u202e"
    words = shlex.split(connection("localhost", 9337, name).curl)
    assert words[:2] == ["curl", "http://localhost:9337/v1/chat/completions"]
    assert json.loads(words[words.index("-d") + 1])["model"] == name
    assert len([word for word in words if word.strip()]) == 6


def test_examples_name_a_model_that_answers() -> None:
    """A copied example works at once."""
    models = (make_model(), make_model("other", parameters=8_000_000_000))
    snapshot = make_snapshot(wanted=(MODEL_ID, "other"), models=models)
    assert example_model(outlook(snapshot)) == "other"
    assert example_model(outlook(with_child(snapshot, make_child(snapshot)))) == MODEL_ID
    assert example_model(outlook(make_snapshot(wanted=(), models=()))) == "MODEL"


def test_issue_cards_carry_the_button() -> None:
    """A failing engine can be started again by a click."""
    snapshot = make_snapshot()
    child = make_child(snapshot, state=ChildState.FAILED, failure=Failure("crash_loop", "It crashed.", ("line",)))
    (card,) = issue_cards(outlook(with_child(snapshot, child)).decision.issues)
    assert (card.tone, card.fix, card.details) == ("bad", "Try again now", ("line",))


def test_the_headline_follows_the_state_of_the_box() -> None:
    """One glance is enough."""
    snapshot = make_snapshot()
    assert headline(outlook(snapshot)).title == "Loading"
    assert headline(outlook(with_child(snapshot, make_child(snapshot)))).title == "Answering"
    assert headline(outlook(replace(snapshot, draining=True))).title == "Stopping"


PLACES = (("home", "/", "a"), ("chat", "/chat", "b"), ("logs", "/logs", "a"))


def test_the_navigation_marks_where_one_is() -> None:
    """Exactly one entry."""
    entries = [
        NavEntry("Home", "/", "home", "a"),
        NavEntry("Chat", "/chat", "chat", "b"),
        NavEntry("Logs", "/logs", "logs", "a"),
    ]
    for path, label in (("/chat", "Chat"), ("/", "Home"), ("/logs/box", "Logs")):
        groups = navigation(entries, path)
        assert [group.label for group in groups] == ["a", "b"]
        assert [item.entry.label for group in groups for item in group.items if item.current] == [label]


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 MiB"), (300 << 10, "300 KiB"), (1, "1 KiB"), (1 << 20, "1 MiB"), (3 << 29, "1.5 GiB")]
)
def test_sizes_read_well(size: int, text: str) -> None:
    """Binary units."""
    assert size_text(size) == text
