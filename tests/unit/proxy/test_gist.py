"""What request bodies tell about who can answer them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.proxy.gist import LONG_TEXT, MOST_OBJECTS, facts_of, senses_of
from appliance.routing.facts import BYTES_A_TOKEN, MOST_ANSWER_TOKENS, SAMPLE, TOKENS_A_PICTURE, Effort, Facts

PICTURE = "data:image/png;base64," + "A" * 9000
SHAPES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "chat, a picture": (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
        {"image"},
    ),
    "chat, sound": (
        {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
        {"audio"},
    ),
    "chat, both": (
        {"messages": [{"role": "user", "content": [{"type": "image_url"}, {"type": "input_audio"}]}]},
        {"image", "audio"},
    ),
    "chat, an earlier picture": (
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}, {"role": "user", "content": "And now?"}]},
        {"image"},
    ),
    "responses, a picture": ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, {"image"}),
    "responses, a tool's picture": (
        {"input": [{"type": "function_call_output", "output": [{"type": "input_image"}]}]},
        {"image"},
    ),
    "messages, a picture": ({"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]}, {"image"}),
    "messages, a tool's picture": (
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": [{"type": "image"}]}]}]},
        {"image"},
    ),
    "words about pictures": (
        {"messages": [{"role": "user", "content": 'What is an "image_url"? {"type": "image"}'}]},
        set(),
    ),
    "a tool's argument": (
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "input": {"type": "image"}}]}]},
        set(),
    ),
    "text parts": ({"messages": [{"role": "user", "content": [{"type": "text", "text": "an image"}]}]}, set()),
    "embeddings": ({"input": ["an image", "a sound"]}, set()),
    "numbers": ({"input": [1, 2, 3], "messages": 7}, set()),
}


def fields(body: dict[str, Any]) -> dict[str, bytes]:
    raw = msgspec.json.decode(json.dumps(body).encode(), type=dict[str, msgspec.Raw])
    return {name: bytes(value) for name, value in raw.items()}


def facts(body: dict[str, Any]) -> Facts:
    return facts_of(fields(body))


def asked(content: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}], **more}


@pytest.mark.parametrize("name", SHAPES)
def test_what_comes_with_the_text(name: str) -> None:
    """Pictures and sound are found in the shapes of all routes; words about them are words."""
    body, senses = SHAPES[name]
    assert (set(senses_of(fields(body))), set(facts(body).senses)) == (senses, senses)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (asked("What is 3 + 4?"), "What is 3 + 4?"),
        (asked([{"type": "text", "text": "one"}, {"type": "image_url"}, {"type": "text", "text": "two"}]), "one\ntwo"),
        ({"input": "Hello"}, "Hello"),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]}, "Hi"),
        ({"prompt": "Once upon"}, "Once upon"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, "a"),
        (
            {
                "messages": [
                    {"role": "user", "content": "the question"},
                    {"role": "user", "content": [{"type": "tool_result", "content": "a result"}]},
                ]
            },
            "the question",
        ),
        ({}, ""),
    ],
)
def test_the_last_words(body: dict[str, Any], said: str) -> None:
    """What the person said last, wherever the route puts it, and not what a tool said in the person's name."""
    found = facts(body)
    assert (found.said, found.length) == (said, len(said))


def test_of_a_long_text_both_ends_are_read() -> None:
    """A question may stand before or behind a long quotation."""
    found = facts(asked("begin " + "x" * (4 * LONG_TEXT) + " end"))
    assert (found.said.startswith("begin "), found.said.endswith(" end"), len(found.said)) == (True, True, 2 * SAMPLE)
    assert found.length > 4 * LONG_TEXT


def test_the_size() -> None:
    """Text and tools by their bytes, pictures by the piece, and the answer as far as it is limited."""
    text = facts(asked("x" * 3000)).tokens
    assert 1000 <= text <= 1010
    assert facts(asked([{"type": "image_url", "image_url": {"url": PICTURE}}])).tokens == TOKENS_A_PICTURE
    assert facts(asked("x" * 3000, max_tokens=100)).tokens == text + 100
    assert facts(asked("x" * 3000, max_tokens=10**9)).tokens == text + MOST_ANSWER_TOKENS
    assert facts(asked("x" * 3000, tools=["y" * 3000])).tokens > text + 3000 // BYTES_A_TOKEN


@pytest.mark.parametrize(
    ("more", "tools"),
    [({"tools": [{"type": "function"}]}, True), ({"tools": []}, False), ({}, False)]
    + [({"tools": [{"type": "function"}], "tool_choice": choice}, choice != "none") for choice in ("none", "auto")],
)
def test_tools(more: dict[str, Any], tools: bool) -> None:
    """They count unless there are none or none may be called."""
    assert facts(asked("Hi", **more)).tools is tools


@pytest.mark.parametrize(
    ("more", "effort"),
    [
        ({"reasoning_effort": "high"}, Effort.MUCH),
        ({"reasoning_effort": "minimal"}, Effort.LITTLE),
        ({"reasoning_effort": "medium"}, None),
        ({"reasoning": {"effort": "low"}}, Effort.LITTLE),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, Effort.MUCH),
        ({"thinking": {"type": "disabled"}}, Effort.LITTLE),
        ({"reasoning": 7, "thinking": "x", "reasoning_effort": None}, None),
    ],
)
def test_the_effort(more: dict[str, Any], effort: Effort | None) -> None:
    """By the names of all three routes."""
    assert facts(asked("Hi", **more)).effort is effort


def test_a_conversation_is_known_again() -> None:
    """Its second turn is the same conversation; another first question, user, system text or tool is another one."""
    first = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
    later = [*first, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "More"}]
    keys = [facts({"messages": messages}).conversation for messages in (first, later)]
    others = [
        facts(body).conversation
        for body in (
            asked("Hi"),
            asked("Ho"),
            {"messages": first, "user": "me"},
            {"messages": first, "tools": [1]},
        )
    ]
    assert keys[0] == keys[1] != ""
    assert len({keys[0], *others}) == 5


@pytest.mark.parametrize("name", ["session_id", "prompt_cache_key", "conversation"])
def test_a_conversation_by_its_name(name: str) -> None:
    """What the client calls it goes before how it began."""
    one, two = (facts(asked(text, **{name: "s1"})).conversation for text in ("Hi", "Ho"))
    assert one == two != facts(asked("Hi", **{name: "s2"})).conversation


def test_an_endless_conversation_is_not_looked_into() -> None:
    """Its size is known all the same."""
    found = facts({"messages": [{"role": "user", "content": "x"}] * (MOST_OBJECTS + 1)})
    assert (found.said, found.senses, found.tokens > MOST_OBJECTS) == ("", frozenset(), True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "type", "content", "text", "output", "image"]), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["messages", "input", "prompt", "tools", "user", "thinking"]), JSON))
def test_no_body_is_an_error(body: dict[str, Any]) -> None:
    """What makes no sense is the engine's to refuse."""
    assert isinstance(facts(body), Facts)
    senses_of(fields(body))
