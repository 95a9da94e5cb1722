"""Live blocks: rendered once, framed whole."""

from __future__ import annotations

from appliance.node.decide import decide
from appliance.run_loop import Outlook
from tests.builders import make_snapshot
from webui.live import LivePage, frame
from webui.pages import dashboard
from webui.render import HERE, Templates


def test_the_stream_cannot_be_missed() -> None:
    """A deferred htmx may start before its extension is there, and then never opens the stream."""
    scripts = [line for line in (HERE / "templates" / "base.html").read_text().splitlines() if "vendor/htmx" in line]
    assert len(scripts) == 2
    assert not any("defer" in line or "module" in line for line in scripts)


def test_a_page_is_rendered_once_for_all_who_look() -> None:
    """The second look at the same state costs nothing."""
    calls: list[Outlook] = []

    def view(outlook: Outlook) -> dict[str, object]:
        calls.append(outlook)
        return dashboard.view(outlook)

    live = LivePage(Templates(), "dashboard.html", dashboard.BLOCKS, view)
    outlook = Outlook(7, make_snapshot(), decide(make_snapshot(), 0.0))
    assert live.render(outlook) is live.render(outlook)
    assert len(calls) == 1


def test_a_frame_is_one_event_whatever_is_in_the_text() -> None:
    """A line break in a name does not cut the event."""
    data = frame({"a": "x\ny\r\nz", "b": "w"})
    assert data.endswith(b"\n\n")
    assert data.count(b"\n\n") == 1
    assert all(line.startswith(b"data: ") for line in data.rstrip(b"\n").split(b"\n"))
