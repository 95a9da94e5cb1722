"""The address that a browser used, and the model that is filled in."""

from __future__ import annotations

import pytest

from appliance.models.types import Ability
from appliance.node.decide import decide
from appliance.run_loop import Outlook
from tests.builders import make_child, make_model, make_snapshot, with_child
from webui.views.connect import address, chat_models, chosen_model, context_of, example_model, ollama_address


@pytest.mark.parametrize(
    ("header", "root", "only_here"),
    [
        ("192.168.1.5:3131", "http://192.168.1.5:9337", False),
        ("den.local", "http://den.local:9337", False),
        ("box.example.org:8080", "http://box.example.org:9337", False),
        ("[fd00::1]:3131", "http://[fd00::1]:9337", False),
        ("LOCALHOST:3131", "http://localhost:9337", True),
        ("127.0.0.1:3131", "http://127.0.0.1:9337", True),
        ("[::1]:3131", "http://[::1]:9337", True),
        ("", "http://localhost:9337", True),
        ("x;id:3131", "http://localhost:9337", True),
        ("$(id)", "http://localhost:9337", True),
        ("[::1;id]:80", "http://localhost:9337", True),
    ],
)
def test_the_address_follows_the_browser(header: str, root: str, only_here: bool) -> None:
    """With the port of the API; what is no host name is not repeated."""
    made = address(header, 9337)
    assert (made.root, made.v1, made.only_here) == (root, f"{root}/v1", only_here)


def test_programs_for_ollama_have_an_address_while_their_port_is_open() -> None:
    """Without the path of the other API."""
    assert ollama_address("den.local:3131", 11434) == "http://den.local:11434"
    assert ollama_address("den.local:3131", 0) == ""


def outlook() -> Outlook:
    sizes = {"small": 1, "b-large": 70, "a-large": 70, "asleep-huge": 700, "odd\u202ename": 900}
    models = (
        *(make_model(name, parameters=size * 10**9) for name, size in sizes.items()),
        make_model("embedder", parameters=10**12, abilities=frozenset({Ability.EMBEDDING})),
    )
    wanted = (*sizes, "embedder")
    snapshot = make_snapshot(wanted=wanted, models=models)
    for name in ("small", "b-large", "a-large", "embedder", "odd\u202ename"):
        snapshot = with_child(snapshot, make_child(snapshot, name, context=4096))
    return Outlook(1, snapshot, decide(snapshot, 0.0))


def test_the_strongest_chat_model_that_answers_is_filled_in() -> None:
    """Most parameters, ties by name; others come after; names that cannot be typed and models without chat do not."""
    assert chat_models(outlook()) == ("a-large", "b-large", "small", "asleep-huge")
    assert example_model(outlook()) == "a-large"


def test_a_chosen_model_is_taken_when_it_is_there() -> None:
    """Anything else falls back to the rule."""
    models = chat_models(outlook())
    assert chosen_model(models, "small") == "small"
    assert chosen_model(models, "<script>") == "a-large"
    assert chosen_model((), "small") == "MODEL"


def test_the_context_of_a_model_is_known_when_it_answers() -> None:
    """As its engine reports it."""
    assert (context_of(outlook(), "small"), context_of(outlook(), "nothing")) == (4096, None)
