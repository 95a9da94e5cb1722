"""The topology page in a real browser: choosing by mouse and keyboard, what changes by itself, how it looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.mesh.types import Peer, PeerModel, PeerState
from appliance.node.events import PeersReported
from tests.browser.conftest import Account, faults
from tests.browser.served import Served, serving
from tests.builders import make_child, make_snapshot, with_child
from tests.peers import make_links, make_peers

pytestmark = pytest.mark.browser

PEERS = make_peers(5)
SPLIT = "Llama-3.3-70B-Instruct-Q4_K_M"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    snapshot = make_snapshot()
    with serving(tmp_path_factory.mktemp("box"), with_child(snapshot, make_child(snapshot))) as one:
        yield one


def meet(served: Served, page: Page, peers: tuple[Peer, ...]) -> None:
    """Logged in and on the page, which shows these boxes."""
    served.post(PeersReported(peers, make_links(peers)))
    served.log_in(page)
    page.goto(served.url + "/topology")
    expect(page.locator("#boxes > .box")).to_have_count(len(peers) + 1)


def box(peer: str) -> str:
    """Where its link lies in the picture."""
    return f"#boxes a[href='/topology?node={peer}']"


def test_a_click_on_a_box_shows_its_card(served: Served, page: Page, account: Account) -> None:
    """Beside the picture, the page where it was, the box marked; and from there to a model and back."""
    meet(served, page, PEERS)
    page.set_viewport_size({"width": 1440, "height": 500})
    page.locator(box("peer0003")).scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    assert before > 0
    page.locator(box("peer0003")).click(position={"x": 60, "y": 14})
    expect(page).to_have_url(served.url + "/topology?node=peer0003")
    expect(page.get_by_role("heading", level=2, name="garage")).to_be_visible()
    expect(page.locator(box("peer0003"))).to_have_attribute("aria-current", "true")
    expect(page.locator(box("peer0003"))).to_be_focused()
    assert page.evaluate("scrollY") == before
    page.locator("#card").get_by_role("link", name=SPLIT).click()
    expect(page.locator("#card")).to_contain_text("split by layers")
    page.locator("#card").get_by_role("link", name="basement").click()
    expect(page.locator("#card-title")).to_have_text("basement")
    assert account.complaints == []
    assert account.hosts == {served.url.removeprefix("http://")}


def test_boxes_and_models_are_reached_by_the_keyboard(served: Served, page: Page) -> None:
    """In the order of the picture, with a frame that is seen, opened by Enter; or the picture is skipped."""
    meet(served, page, PEERS[:1])
    page.locator(".past").focus()
    page.keyboard.press("Tab")
    expect(page.locator(box("node"))).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#boxes a.model").first).to_be_focused()
    page.keyboard.press("Tab")
    peer = page.locator(box("peer0000"))
    expect(peer).to_be_focused()
    expect(peer.locator(".frame")).to_have_css("stroke-width", "3px")
    page.keyboard.press("Enter")
    expect(page.locator("#card-title")).to_have_text("attic")
    page.locator(".past").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#tables")).to_be_focused()


def test_table_and_picture_say_the_same(served: Served, page: Page) -> None:
    """The same boxes with the same states and models, in the same order."""
    meet(served, page, PEERS)
    drawn = page.locator("#boxes .box .name").all_text_contents()
    assert drawn == page.locator("#nodes tbody th a").all_text_contents()
    states = [text.partition(" · ")[0] for text in page.locator("#boxes .box .state").all_text_contents()]
    assert states == page.locator("#nodes tbody .chip").all_text_contents()
    models = page.locator("#boxes a.model").evaluate_all("links => links.map(link => link.dataset.key)")
    assert models == page.locator("#nodes tbody td a").evaluate_all("links => links.map(link => link.dataset.key)")


def test_a_change_appears_without_a_reload(served: Served, page: Page) -> None:
    """The state of a box, with focus and scroll where they were."""
    meet(served, page, PEERS)
    page.set_viewport_size({"width": 600, "height": 500})
    page.evaluate("window.stayed = true")
    link = page.locator("#nodes").get_by_role("link", name="garage")
    link.focus()
    page.evaluate("document.getElementById('picture-scroll').scrollLeft = 40")
    before = page.evaluate("scrollY")
    served.post(PeersReported((*PEERS[:3], replace(PEERS[3], state=PeerState.SUSPECT), PEERS[4]), make_links(PEERS)))
    expect(page.locator("#nodes tbody tr", has_text="garage").locator(".chip")).to_have_text("silent")
    expect(page.locator(box("peer0003") + " .state")).to_contain_text("silent")
    expect(page.locator("#summary")).to_have_text("6 boxes; 1 does not answer.")
    expect(link).to_be_focused()
    assert page.evaluate("[scrollY, document.getElementById('picture-scroll').scrollLeft, window.stayed]") == [
        before,
        40,
        True,
    ]


def test_boxes_come_and_go_while_one_looks(served: Served, page: Page) -> None:
    """From alone to many and back; the card of a box that went says so and comes back with it."""
    meet(served, page, ())
    expect(page.locator("#summary")).to_have_text("This is the only box so far.")
    page.goto(served.url + "/topology?node=peer0009")
    expect(page.locator("#card-title")).to_have_text("Not here")
    served.post(PeersReported(make_peers(50)))
    expect(page.locator("#boxes > .box")).to_have_count(51)
    expect(page.locator("#card-title")).to_have_text("kitchen")
    served.post(PeersReported(()))
    expect(page.locator("#boxes > .box")).to_have_count(1)


def test_it_reads_without_scripts(served: Served, browser: Browser) -> None:
    """Links lead to cards; on a phone the card comes first."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    meet(served, page, PEERS)
    page.locator("#nodes").get_by_role("link", name="garage").click()
    expect(page.locator("#card-title")).to_have_text("garage")
    expect(page.locator("#card-title")).to_be_in_viewport()
    context.close()


def test_names_that_mean_harm_stay_names(served: Served, page: Page, account: Account) -> None:
    """Nothing runs, nothing leaks out of its card, the page complains of nothing."""
    peers = make_peers(20, hostile=True)
    meet(served, page, peers)
    expect(page.locator("#nodes")).to_contain_text("<script>alert(1)</script>")
    assert page.locator("main script, main img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    for card in page.locator("#boxes a.model").all():
        box_of_text = card.locator("text").first.bounding_box()
        row = card.locator("rect.row").bounding_box()
        assert box_of_text is not None
        assert row is not None
        assert box_of_text["x"] >= row["x"]
    assert account.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 820, 1440])
def test_no_fault_that_axe_finds(served: Served, page: Page, theme: str, width: int) -> None:
    """Alone, with a box chosen among few, with a model chosen among many; and nothing sticks out sideways."""
    page.set_viewport_size({"width": width, "height": 900})
    meet(served, page, ())
    page.context.add_cookies([{"name": "theme", "value": theme, "url": served.url}])
    crowd = (*make_peers(30), replace(PEERS[0], id="far", models=(PeerModel("m" * 200, "failed"),), name="n" * 200))
    for peers, query in (((), ""), (PEERS, "?node=peer0003"), (crowd, f"?model={SPLIT}")):
        served.post(PeersReported(peers, make_links(peers)))
        page.goto(f"{served.url}/topology{query}")
        expect(page.locator("#boxes > .box")).to_have_count(len(peers) + 1)
        assert (query, faults(page)) == (query, [])
        assert page.evaluate("document.documentElement.scrollWidth") <= width
