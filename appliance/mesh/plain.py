"""What other boxes say made harmless to show: no control characters, no direction overrides, nothing endless."""

from __future__ import annotations

import unicodedata

LONGEST = 200
MOST = 1 << 50  # bytes and counts beyond that are no claim to take seriously

_JOINERS = "\u200c\u200d"  # emoji and some scripts need them inside a word
_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"  # letters by class, nothing to the eye
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})  # controls, bidi, noncharacters, private use, lone surrogates


def plain(text: str, longest: int = LONGEST) -> str:
    """One line of at most `longest` characters; empty when there is nothing to see."""
    text = text[: longest * 4]  # what is longer is no name, and not worth looking at
    if not (text.isascii() and text.isprintable()):
        text = "".join(_shown(character) for character in text)
    line = " ".join(text.split())[:longest].rstrip()
    return line if line.isascii() or any(_visible(character) for character in line) else ""


def bounded(number: int | None) -> int | None:
    return None if number is None else min(max(number, 0), MOST)


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    hidden = unicodedata.category(character) in _HIDDEN and character not in _JOINERS
    return "" if hidden or character in _BLANK_LETTERS else character


def _visible(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character)[0] not in "CM"
