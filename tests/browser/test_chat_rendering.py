"""What a model writes, on the page: markdown as it should look, and nothing that a hostile answer may do."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import PATIENCE, answer_of, answers_with, asked, enter, said, stream
from tests.browser.conftest import Account, faults
from tests.live.box import Box

pytestmark = [pytest.mark.browser, pytest.mark.live]

MARKDOWN = """# Routers

A **router** joins *networks*; see [the guide](https://example.org/guide), `ip route` &amp; a\\*b, ~~not~~ that.

### Steps

1. Plug it in
2. Log in
   - change the password

- [x] done
- [ ] to do

> Quoted
> twice

```python
def double(n: int) -> int:
    return n * 2
```

| Device | Price |
|:--|--:|
| Router | 120.00 |
| Switch | 25.50 |

---

The end.
"""

HOSTILE = """<script>document.title = "owned"</script>

<img src=x onerror="document.title='owned'"> and <svg onload=alert(1)> inline

[a](javascript:alert(1)) [b](data:text/html,<script>alert(1)</script>) [c](vbscript:x) [d](/logout) [e](file:///etc/passwd)
[f](https://example.org/%22onclick=alert(1)) <javascript:alert(1)> <a href="javascript:alert(1)">g</a>

![far](https://evil.example/pixel.png) ![](javascript:alert(1))

```"><img src=x onerror=alert(1)>
</code></pre><script>alert(1)</script>
```

| <script>alert(1)</script> | b |
|--|--|
| <img src=x onerror=alert(1)> | [x](javascript:alert(1)) |
"""
AFTER_EACH = """async ([text, cuts]) => {
  const { LiveText } = await import("/static/chat/live_text.js");
  const make = () => document.createElement("div");
  const grown = new LiveText(make()), whole = new LiveText(make());
  document.body.append(grown.target);
  for (const cut of cuts) grown.finish(text.slice(0, cut));
  grown.finish(text);
  whole.finish(text);
  grown.target.remove();
  return [grown.target.innerHTML, whole.target.innerHTML];
}"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("box")) as one:
        one.wait_ready()
        yield one


def test_markdown_becomes_elements(box: Box, page: Page) -> None:
    """Headings stand below those of the page, code keeps its spaces and tells its language, links open elsewhere."""
    enter(page, box)
    answers_with(page, stream(said(MARKDOWN)))
    asked(page, "Tell me about routers", "The end.")
    body = answer_of(page).locator(".body")
    expect(body.get_by_role("heading", level=3)).to_have_text("Routers")
    expect(body.get_by_role("heading", level=4)).to_have_text("Steps")
    expect(body.locator("p").first).to_have_text("A router joins networks; see the guide, ip route & a*b, not that.")
    expect(body.locator("ol > li")).to_have_count(2)
    expect(body.locator("ol ul li")).to_have_text("change the password")
    expect(body.get_by_role("img", name="done", exact=True)).to_be_visible()
    expect(body.locator("blockquote")).to_contain_text("twice")
    assert body.locator("pre").inner_text() == "def double(n: int) -> int:\n    return n * 2"
    expect(body.locator(".code-head span")).to_have_text("python")
    expect(body.get_by_role("cell")).to_have_text(["Router", "120.00", "Switch", "25.50"])
    link = body.get_by_role("link", name="the guide")
    expect(link).to_have_attribute("href", "https://example.org/guide")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(link).to_have_attribute("target", "_blank")


def test_a_hostile_answer_is_only_text(box: Box, page: Page, account: Account) -> None:
    """No script, no picture from elsewhere, no link but to the web; the content policy was not even needed."""
    enter(page, box)
    answers_with(page, stream(said(HOSTILE, step=3)))
    asked(page, "Be evil", "onerror=alert(1)")
    body = answer_of(page).locator(".body")
    assert body.locator("script, img, svg, iframe, style, form, object, [onclick], [onerror]").count() == 0
    addresses = [str(link.get_attribute("href")) for link in body.get_by_role("link").all()]
    assert addresses == ["https://example.org/%22onclick=alert(1)", "https://evil.example/pixel.png"]
    expect(body).to_contain_text("<script>alert(1)</script>")
    assert "owned" not in page.title()
    assert account.hosts == {box.web_url.removeprefix("http://")}
    assert account.complaints == []
    page.reload()
    expect(answer_of(page)).to_contain_text("onerror=alert(1)")
    assert account.complaints == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("> " * 4000 + "deep", "deep"),
        ("- " * 600 + "list", "list"),
        ("**a" * 8000 + " stars", "stars"),
        ("|a|b|\n|-|-|\n" + "|x|y|\n" * 3000 + "\nafter", "2000 more rows are not drawn"),
        ("word " * 40_000 + "last", "last"),
    ],
    ids=["quotes", "lists", "stars", "table", "words"],
)
def test_no_answer_is_too_much_for_the_page(box: Box, page: Page, text: str, expected: str) -> None:
    """It is shown, and the next question works."""
    enter(page, box)
    answers_with(page, stream(said(text, step=997)))
    asked(page, "Much", expected)
    answers_with(page, stream(said("Fine.")))
    asked(page, "And now?", "Fine.")


def test_what_grows_ends_up_like_what_came_at_once(box: Box, page: Page) -> None:
    """Wherever the pieces are cut, the page shows the same in the end."""
    enter(page, box)
    chance = random.Random(7)
    for text in (MARKDOWN, HOSTILE, MARKDOWN.replace("\n\n", "\n"), "[a]\n\ntext\n\n[a]: https://example.org/\n"):
        for _ in range(6):
            cuts = sorted(chance.sample(range(1, len(text)), min(60, len(text) - 1)))
            grown, whole = page.evaluate(AFTER_EACH, [text, cuts])
            assert grown == whole


def test_finished_blocks_are_left_alone(box: Box, page: Page) -> None:
    """A selection in them survives the growing of the answer."""
    enter(page, box)
    kept = page.evaluate("""async () => {
      const { LiveText } = await import("/static/chat/live_text.js");
      const target = document.body.appendChild(document.createElement("div"));
      const live = new LiveText(target);
      live.finish("First paragraph.\\n\\nSecond paragraph is long enough");
      const first = target.firstElementChild;
      getSelection().selectAllChildren(first);
      live.finish("First paragraph.\\n\\nSecond paragraph is long enough to end.\\n\\n```\\ncode\\nmore");
      const node = target.querySelector("pre");
      live.finish("First paragraph.\\n\\nSecond paragraph is long enough to end.\\n\\n```\\ncode\\nmore\\nlines");
      return [target.firstElementChild === first, String(getSelection()), target.querySelector("pre") === node,
        node.textContent];
    }""")
    assert kept == [True, "First paragraph.", True, "code\nmore\nlines"]


def test_thinking_is_there_for_who_wants_it(box: Box, page: Page) -> None:
    """Closed at first; not a part of the answer that is copied or sent back."""
    enter(page, box)
    thoughts = [{"reasoning_content": "Let me <b>think</b>."}, {"content": "Forty-two."}]
    answers_with(page, stream(thoughts))
    asked(page, "What is the answer?", "Forty-two.")
    thinking = answer_of(page).locator(".thinking")
    expect(thinking.get_by_text("Let me <b>think</b>.")).to_be_hidden()
    thinking.locator("summary").click()
    expect(thinking.get_by_text("Let me <b>think</b>.")).to_be_visible()
    questions = answers_with(page, stream(said("Yes.")))
    asked(page, "Sure?")
    assert questions[0]["messages"][1] == {"role": "assistant", "content": "Forty-two."}


def test_messages_and_code_can_be_copied(box: Box, page: Page) -> None:
    """The message as the model wrote it, the code without its fence; on safe addresses and on plain ones."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    enter(page, box)
    answers_with(page, stream(said(MARKDOWN)))
    asked(page, "Tell me", "The end.")

    def copied() -> Any:
        return page.evaluate("navigator.clipboard.readText()")

    answer_of(page).locator(".tools-row").get_by_role("button", name="Copy").click()
    expect(answer_of(page).get_by_role("button", name="Copied")).to_be_visible()
    assert copied() == MARKDOWN
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not safe')); }")
    answer_of(page).locator(".code-head").get_by_role("button", name="Copy").click()
    expect(answer_of(page).locator(".code-head").get_by_role("button", name="Copied")).to_be_visible()
    assert copied() == "def double(n: int) -> int:\n    return n * 2"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(320, 480), (390, 780), (820, 1100), (1440, 900), (720, 450)])
def test_the_page_is_usable_at_every_size(box: Box, page: Page, theme: Any, width: int, height: int) -> None:
    """No fault that axe finds, nothing sticks out sideways, the field to write in is in sight."""
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": height})
    enter(page, box)
    assert faults(page) == []
    wide = "| " + " | ".join(["column"] * 30) + " |\n|" + "--|" * 30 + "\n\n"
    answers_with(
        page, stream([{"reasoning_content": "Hm."}, *said(MARKDOWN + wide + "x" * 400 + "\n\n    " + "y" * 400)])
    )
    asked(page, "z" * 300, "The end.")
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#talk").evaluate("e => e.scrollWidth <= e.clientWidth")
    expect(page.get_by_label("Your message", exact=True)).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_in_viewport(ratio=1, timeout=PATIENCE)
