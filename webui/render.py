"""Templates: whole pages, and single blocks of them for the live stream."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

HERE = Path(__file__).parent
STATIC = HERE / "static"


# What would turn the letters after it round or cannot be sent at all: names of files and of other boxes may hold it.
_UNSEEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def seen(value: object) -> object:
    """What a template prints, with a mark in the place of each character that is not to be seen."""
    if not isinstance(value, str) or value.isprintable() or not _UNSEEN.search(value):
        return value
    clean = _UNSEEN.sub("\ufffd", value)
    return Markup(clean) if isinstance(value, Markup) else clean  # noqa: S704 - it was markup before


def address_part(value: object) -> str:
    """One part of an address: unlike the usual filter it lets no slash through, so that no name becomes a way."""
    return quote(str(value), safe="", errors="replace")


class Templates:
    def __init__(self) -> None:
        self._environment = _environment()

    def page(self, name: str, /, **values: object) -> str:
        return self._environment.get_template(name).render(**values)

    def block(self, name: str, block: str, /, **values: object) -> str:
        """One block of a page, as the live stream sends it."""
        template = self._environment.get_template(name)
        return "".join(template.blocks[block](template.new_context(values)))

    def inputs(self, name: str, block: str) -> frozenset[str] | None:
        """The names of all values that a block may show, and perhaps some more; None when it may show any.

        The compiled block asks for each of them by its name, which so is one of its constants.
        """
        codes = list(_with_inner(self._environment.get_template(name).blocks[block].__code__))
        if any("get_all" in code.co_names for code in codes):  # it hands all values on, to a template it includes
            return None
        return frozenset(constant for code in codes for constant in code.co_consts if isinstance(constant, str))


def compile_all() -> None:
    """Compiles what is not compiled yet: takes a third of a second, which neither a start nor a visitor should wait."""
    for name in _environment().list_templates():
        _environment().get_template(name)


@cache
def _environment() -> Environment:
    """One for the whole process: compiled templates are the same for every application."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=seen,
    )
    environment.filters["urlencode"] = address_part
    environment.globals["static_version"] = _version_of(STATIC)
    return environment


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_inner(constant)


def _version_of(folder: Path) -> str:
    """Changes with any static file, so that browsers may keep them for ever."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
