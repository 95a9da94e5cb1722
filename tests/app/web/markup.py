"""What a browser would make of our HTML: everything in it that could act, or leads elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

_TAGS = """
html head meta title link body script noscript
a article aside b bdi br button code datalist dd details dialog div dl dt em fieldset figcaption figure footer form
h1 h2 h3 h4 header hr hx-partial i img input kbd label legend li main meter nav ol optgroup option output p pre
progress q s samp search section select small span strong sub summary sup table tbody td template textarea tfoot th
thead time tr u ul var wbr
svg circle clippath defs desc ellipse g line lineargradient marker path pattern polygon polyline rect stop symbol
text tspan use
"""
TAGS = frozenset(_TAGS.split())
PLACES = frozenset(
    {"href", "src", "action", "formaction", "xlink:href", "poster", "hx-sse:connect", "hx-get", "hx-post"}
)
FORBIDDEN = frozenset({"style", "srcdoc", "ping", "background", "data", "manifest", "nonce", "hx-vals", "hx-headers"})
HTMX = frozenset({"hx-sse:connect", "hx-target", "hx-swap", "hx-swap-oob", "hx-get", "hx-preserve", "hx-disable"})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.oddities: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.oddities.append(f"<{tag}> has an attribute twice: {names}")
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._inside = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        (self.scripts if self._inside else self.texts).append(data)

    def handle_comment(self, data: str) -> None:
        self.oddities.append(f"a comment: {data[:80]}")

    def handle_pi(self, data: str) -> None:
        self.oddities.append(f"a processing instruction: {data[:80]}")

    def unknown_decl(self, data: str) -> None:
        self.oddities.append(f"a declaration: {data[:80]}")


def dangers(html: str, *, links: frozenset[str] = frozenset()) -> list[str]:
    """What must not be in a page of ours. `links`: addresses elsewhere that a person may follow from it."""
    reader = _read(html)
    found = [*reader.oddities, *(f"a script of its own: {text[:80]}" for text in reader.scripts if text.strip())]
    for tag, attributes in reader.elements:
        found += (f"<{tag}> {flaw}" for flaw in _flaws(tag, attributes, links))
    return found


def text_of(html: str) -> str:
    return "".join(_read(html).texts)


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader


def _flaws(tag: str, attributes: dict[str, str], links: frozenset[str]) -> Iterator[str]:
    if tag not in TAGS:
        yield "is no element of ours"
    if tag == "script" and not attributes.get("src", "").startswith("/static/"):
        yield "is no file of ours"
    if tag == "meta" and "http-equiv" in attributes:
        yield "acts like a header"
    for name, value in attributes.items():
        if name.startswith("on") or name in FORBIDDEN or (name.startswith("hx-") and name not in HTMX):
            yield f"has {name}={value[:80]!r}"
        elif not all(character.isalnum() or character in "-:_" for character in name):
            yield f"has an attribute called {name[:80]!r}"
        elif name in PLACES and not is_ours(value) and value not in links:
            yield f"leads to {value[:80]!r} by {name}"


def is_ours(place: str) -> bool:
    """A place on this box, as a browser reads it: it leaves out line breaks and tabs, and turns backslashes."""
    read = place.strip().replace("\t", "").replace("\n", "").replace("\r", "").replace("\\", "/")
    parts = urlsplit(read)
    return read.startswith(("/", "#")) and not read.startswith("//") and not parts.scheme and not parts.netloc
