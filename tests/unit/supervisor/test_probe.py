"""What a fresh engine is asked, and which answers are taken."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.models.types import Ability
from appliance.node.snapshot import EngineSpec
from appliance.supervisor.probe import ENOUGH, Question, question_for


def question(*abilities: Ability, self_test: bool = False) -> Question:
    return question_for(EngineSpec("tiny", "/m/tiny.gguf", frozenset(abilities), self_test=self_test))


def chat_answer(text: str, tokens: int) -> dict[str, Any]:
    return {"choices": [{"message": {"content": text}}], "usage": {"completion_tokens": tokens}}


def test_a_model_whose_answers_are_not_known_is_asked_for_little() -> None:
    """Its first token comes of reading, its second of writing on alone: both ways were gone, more only takes time."""
    asked = question(Ability.CHAT, Ability.COMPLETION)
    assert asked.body["max_tokens"] == question(Ability.COMPLETION).body["max_tokens"] == ENOUGH
    assert asked.check(chat_answer("", 0)) is not None
    assert asked.check(chat_answer("Wh", 2)) is None


def test_the_bundled_model_has_room_for_its_known_answer() -> None:
    """It is asked for a whole sentence, and only the right one counts."""
    asked = question(Ability.CHAT, self_test=True)
    assert int(str(asked.body["max_tokens"])) > ENOUGH
    assert asked.check(chat_answer("3 + 4 is 7.", 8)) is None
    assert asked.check(chat_answer("3 + 4 is 8.", 8)) is not None


@pytest.mark.parametrize(
    ("abilities", "path"),
    [
        ((Ability.RERANK, Ability.EMBEDDING), "/v1/rerank"),
        ((Ability.EMBEDDING,), "/v1/embeddings"),
        ((Ability.CHAT, Ability.COMPLETION), "/v1/chat/completions"),
        ((Ability.COMPLETION,), "/v1/completions"),
    ],
)
def test_a_model_is_asked_for_what_it_can_do(abilities: tuple[Ability, ...], path: str) -> None:
    """The most particular ability comes first."""
    assert question(*abilities).path == path
