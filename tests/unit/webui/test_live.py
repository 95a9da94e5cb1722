"""Live blocks: rendered once, framed whole."""

from __future__ import annotations

from dataclasses import replace

from appliance.hardware.types import Memory
from appliance.node.decide import decide
from appliance.node.snapshot import Snapshot
from appliance.run_loop import Outlook
from tests.bench.world import inventory, large_snapshot
from tests.builders import INVENTORY, make_snapshot
from webui.live import LivePage, frame
from webui.pages import dashboard, gpus, repairs
from webui.pages.context import Context
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
    now = outlook(7, make_snapshot())
    assert live.render(now) is live.render(now)
    assert len(calls) == 1


def test_a_block_is_rendered_anew_only_when_what_it_shows_changed() -> None:
    """Another reading of the memory leaves the models as they are: the very same text."""
    live = LivePage(Templates(), "dashboard.html", dashboard.BLOCKS, dashboard.view)
    first = make_snapshot()
    busy = replace(first, inventory=replace(INVENTORY, memory=Memory(16 << 30, 1 << 30)))
    before, after = live.render(outlook(1, first)), live.render(outlook(2, busy))
    assert after["serving"] is before["serving"]
    assert after["hardware"] != before["hardware"]


def test_what_is_kept_is_what_would_be_rendered() -> None:
    """No block misses a change of something it shows, whatever page it is on."""
    app = Context(None, Templates(), ())  # type: ignore[arg-type]  # these pages look at nothing but the outlook
    worlds = (large_snapshot(), make_snapshot(), replace(make_snapshot(), inventory=inventory(7)), large_snapshot())
    for page in (dashboard, gpus, repairs):
        kept = page.live_page(app)
        assert kept is not None
        for number, snapshot in enumerate(worlds):
            fresh = page.live_page(app)
            assert fresh is not None
            assert kept.render(outlook(number, snapshot)) == fresh.render(outlook(number, snapshot)), page


def outlook(revision: int, snapshot: Snapshot) -> Outlook:
    return Outlook(revision, snapshot, decide(snapshot, 0.0))


def test_tabs_that_are_told_the_same_share_one_frame() -> None:
    """It is put together and encoded once."""
    assert frame({"a": "x"}, {"b": "y"}) is frame({"a": "x"}, {"b": "y"})


def test_a_frame_is_one_event_whatever_is_in_the_text() -> None:
    """A line break in a name does not cut the event."""
    data = frame({"a": "x\ny\r\nz", "b": "w"})
    assert data.endswith(b"\n\n")
    assert data.count(b"\n\n") == 1
    assert all(line.startswith(b"data: ") for line in data.rstrip(b"\n").split(b"\n"))
