"""What requests are about, and how much thought they take."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.routing.classify import LONG_CONVERSATION, LONG_TEXT, Class, Depth, Kind, classify
from appliance.routing.facts import Effort, Facts, sample

C, R, W, I, T = Kind.CODE, Kind.REASONING, Kind.CREATIVE, Kind.INFO, Kind.CHAT  # noqa: E741 - a table is to be read


def about(text: str, **more: object) -> Class:
    return classify(Facts(said=sample(text), length=len(text), **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (C, "Write a Python function that reverses a linked list"),
        (C, "Why does this throw a NullPointerException? ```java foo.bar(); ```"),
        (C, "How do I center a div with CSS?"),
        (C, "SELECT name FROM users WHERE id = 3 is slow, how to speed it up?"),
        (C, "My React component re-renders too often"),
        (C, "git merge conflict, what do I do"),
        (C, "Schreib mir eine Python-Funktion, die Primzahlen ausgibt"),
        (C, "Warum stürzt mein Java-Programm mit dieser Fehlermeldung ab?"),
        (C, "Écris une fonction JavaScript qui trie un tableau"),
        (C, "Mon programme Java ne compile pas"),
        (C, "Escribe una función en Python que calcule el factorial"),
        (C, "Necesito un script de bash para borrar archivos viejos"),
        (C, "Scrivi una funzione Python per ordinare una lista"),
        (C, "帮我写一段Python代码"),
        (R, "Prove that the square root of 2 is irrational"),
        (R, "What is the probability of rolling two sixes?"),
        (R, "Analyse the pros and cons and evaluate which strategy is optimal"),
        (R, "Beweise, dass es unendlich viele Primzahlen gibt"),
        (R, "Loese das Raetsel logisch und berechne die Anzahl"),
        (R, "Résous l'équation 2x + 3 = 11"),
        (R, "Calcule la dérivée de x^3"),
        (R, "Demuestra que hay infinitos números primos"),
        (R, "请证明根号2是无理数"),
        (W, "Write a short story about a dragon who loves tea"),
        (W, "Tell me a joke and then a limerick about cats"),
        (W, "Let's roleplay: you are a pirate captain"),
        (W, "Schreib ein Gedicht über den Herbst"),
        (W, "Erzähl mir eine Geschichte von einem Drachen"),
        (W, "Invente un conte pour enfants avec un loup"),
        (W, "Escribe un poema sobre el mar"),
        (W, "写一首关于春天的诗"),
        (I, "What is the capital of France?"),
        (I, "Why is the sky blue?"),
        (I, "Summarize the following text: The cat sat on the mat."),
        (I, "Was ist die Hauptstadt von Italien?"),
        (I, "Übersetze diesen Satz ins Englische"),
        (I, "Qui a écrit Les Misérables ?"),
        (I, "¿Quién escribió Don Quijote?"),
        (I, "什么是光合作用"),
        (T, "Hello!"),
        (T, "Guten Morgen!"),
        (T, "Je suis fatigué aujourd'hui"),
        (T, "Hola, buenos días"),
        (T, "I had a long day at work and my boss was annoying"),
        (T, ""),
    ],
)
def test_the_subject(kind: Kind, text: str) -> None:
    """Told by the words, in several languages, with accents or without."""
    assert about(text).kind is kind


def test_what_comes_along_decides_before_words() -> None:
    """A picture makes it a question about a picture, tools make it a call of tools."""
    seen = about("Write a poem about this", senses=frozenset({"image"}), tools=True)
    assert (seen.kind, about("Write a poem", tools=True).kind) == (Kind.IMAGE, Kind.TOOL_CALL)


@pytest.mark.parametrize(
    ("depth", "text"),
    [
        (Depth.QUICK, "Hello!"),
        (Depth.QUICK, "What is the capital of France?"),
        (Depth.QUICK, "Erkläre kurz, was eine Variable in Python ist und wie man sie in einer Funktion benutzt"),
        (Depth.MODERATE, "Write a Python function that sorts a list"),
        (Depth.MODERATE, "Tell me what happened in the year when the first person set foot on the moon, please"),
        (Depth.DEEP, "Prove that the square root of 2 is irrational"),
        (Depth.DEEP, "Erkläre mir ausführlich, wie ein Motor funktioniert"),
        (Depth.DEEP, "word " * (LONG_TEXT // 5 + 1)),
    ],
)
def test_the_depth(depth: Depth, text: str) -> None:
    """A greeting is quick, a proof is deep, and what is long is deep whatever it says."""
    assert about(text).depth is depth


def test_the_depth_that_is_asked_for() -> None:
    """The effort that a request names decides; a long conversation takes a model that keeps up."""
    asked = [about("Hello!", effort=effort).depth for effort in (Effort.MUCH, Effort.LITTLE)]
    assert [*asked, about("Go on", tokens=LONG_CONVERSATION + 1).depth] == [Depth.DEEP, Depth.QUICK, Depth.DEEP]


@given(st.text(max_size=3000))
def test_any_text_is_of_some_kind(text: str) -> None:
    """Nothing that a person may write is an error."""
    assert isinstance(about(text), Class)


def test_the_largest_text_costs_little() -> None:
    """Only both ends of a text are read: sixteen MiB take no longer than two thousand characters."""
    facts = Facts(said=sample("blue sky " * (1 << 21)), length=1 << 24)
    began = time.process_time()
    for _ in range(100):
        classify(facts)
    assert time.process_time() - began < 1.0
