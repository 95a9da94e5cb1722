"""Takes out of a text what nobody else shall read: keys, passwords, codes, mail addresses, persons named in paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

GONE = "[removed]"

_NAMED = r"(?:pass(?:word|wd|phrase)|secret|token|(?:api|access|private)[_-]?key|credential|cookie|authorization)"
_RULES = (
    re.compile(r"-----BEGIN [A-Z ]{3,40}-----.*?(?:-----END [A-Z ]{3,40}-----|\Z)", re.DOTALL),
    re.compile(r"\$(?:argon2[a-z]{1,2}|2[aby]|scrypt|pbkdf2[\w-]*)\$\S+"),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"),
    re.compile(r"\b(?:sk|pk|rk|hf|gh[opsu]|github_pat|glpat|xox[abposr]|npm|pypi)[-_](?=[\w-]*\d)[\w-]{16,}"),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    re.compile(r"\bmbx_\w{8,}"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
)
_KEPT_HEAD = (
    re.compile(r"(\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}", re.IGNORECASE),
    re.compile(r"(\bwith the code:?\s+)\S+", re.IGNORECASE),
    re.compile(
        rf"([\w-]*{_NAMED}[\"']?\s*[:=]\s*)(?!\d+\b|\[removed\])(?:\"[^\"]*\"|'[^']*'|[^\s,;&\"']+)", re.IGNORECASE
    ),
)
_HOMES = re.compile(r"(/(?:home|Users|var/home)/)[^/\s\"':]+")
_SECRET_FIELD = re.compile(rf"{_NAMED}s?$|(?:^|_)(?:key|hash|setup_code)$", re.IGNORECASE)
_LEAST_SECRET = 6  # shorter ones would take harmless words with them


class Redactor:
    """`known`: secrets of this box, removed wherever they stand."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        words = sorted({w for w in known if len(w) >= _LEAST_SECRET}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, words))) if words else None

    def text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(GONE, text)
        for rule in _RULES:
            text = rule.sub(GONE, text)
        for rule in _KEPT_HEAD:
            text = rule.sub(rf"\g<1>{GONE}", text)
        return _HOMES.sub(r"\g<1>[somebody]", text)

    def document(self, value: object) -> object:
        """The same for each text of a JSON document; fields that are named like secrets lose their value."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(k)): self._field(str(k), v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.document(one) for one in value]
        return value

    def _field(self, name: str, value: object) -> object:
        if value is None or isinstance(value, bool):
            return value
        secret = _SECRET_FIELD.search(name) is not None and isinstance(value, str | bytes | list | tuple)
        return GONE if secret else self.document(value)


def secrets_of(environment: Mapping[str, str]) -> Iterable[str]:
    """Values of variables that are named like secrets."""
    return (value for name, value in environment.items() if _SECRET_FIELD.search(name))
