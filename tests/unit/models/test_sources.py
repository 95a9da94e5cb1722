"""Who is asked for a file, and what happens when he does not send it right."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from appliance.models.failed import TransferFailed
from appliance.models.part_file import PartFile
from appliance.models.sources import Distance, Offer, Source, in_order, nobody
from appliance.models.throttle import Throttle
from appliance.models.transfer import Patience, Transfer, Watcher
from tests.fakes.sources import Holder

DATA = bytes(range(256)) * 4096
HASH = hashlib.sha256(DATA).hexdigest()
IMPATIENT = Patience(tries=3, first_s=0.0, longest_s=0.0)
HALF = len(DATA) // 2


def house(name: str = "box", **changes: Any) -> Offer:
    return Offer(**{"name": name, "size": len(DATA), "sha256": HASH, "distance": Distance.HOUSE, **changes})


def holder(offer: Offer, **changes: Any) -> Holder:
    return Holder(offer, **{"data": DATA, **changes})


def origin(**changes: Any) -> Holder:
    return holder(Offer("hub", len(DATA), HASH), **changes)


async def bring(folder: Path, *sources: Source) -> bytes:
    part = PartFile(folder, "key")
    watcher = Watcher(lambda _: None, lambda _: None, lambda _, __: None)
    found = await Transfer(Throttle(lambda: 0), IMPATIENT).fetch(sources, part, watcher)
    assert found == HASH
    return part.whole.read_bytes()


def names(*others: Offer, wanted: Offer | None = None) -> list[str]:
    asked = in_order(holder(wanted or Offer("hub", len(DATA), HASH)), [holder(offer) for offer in others])
    return [source.offer.name for source in asked]


def test_who_is_near_is_asked_first_and_the_origin_last() -> None:
    """Among those as near by their names, so that the order is always the same."""
    assert names(house("b"), house("a"), house("c", distance=5)) == ["c", "a", "b", "hub"]


@pytest.mark.parametrize(
    "offer",
    [house(sha256="0" * 64), house(sha256=None), house(size=1), house(size=None), house(distance=Distance.WEB)],
)
def test_who_has_another_file_or_is_no_nearer_is_not_asked(offer: Offer) -> None:
    """Only the checksum says that it is the same file."""
    assert names(offer) == ["hub"]


def test_a_file_without_a_checksum_comes_from_its_origin() -> None:
    """Nobody could tell whether another one has the same."""
    assert names(house(), house(sha256=None), wanted=Offer("hub", len(DATA))) == ["hub"]


async def test_nobody_has_nothing() -> None:
    """As long as there is nobody else."""
    assert list(await nobody(house())) == []


async def test_a_near_source_spares_the_origin(tmp_path: Path) -> None:
    """It is not even asked."""
    near, far = holder(house()), origin()
    assert await bring(tmp_path, near, far) == DATA
    assert (near.asked, far.asked) == ([0], [])


@pytest.mark.parametrize("silent", [False, True])
async def test_the_next_goes_on_where_one_broke_off(tmp_path: Path, silent: bool) -> None:
    """In the middle of the file, noticed or not; what came is not fetched again."""
    first, second, far = holder(house("a"), most=HALF, silent=silent), holder(house("b"), most=1000), origin()
    assert await bring(tmp_path, first, second, far) == DATA
    assert (first.asked, second.asked, far.asked) == ([0], [HALF], [HALF + 1000])


async def test_a_wrong_file_of_a_near_source_is_found_out(tmp_path: Path) -> None:
    """The origin sends all of it then."""
    near, far = holder(house(), data=b"x" * len(DATA)), origin()
    assert await bring(tmp_path, near, far) == DATA
    assert far.asked == [0]


async def test_a_wrong_half_of_a_near_source_is_found_out(tmp_path: Path) -> None:
    """Whose half was wrong does not matter: the origin sends all of it."""
    near, far = holder(house(), data=b"x" * len(DATA), most=HALF), origin()
    assert await bring(tmp_path, near, far) == DATA
    assert far.asked == [HALF, 0]


async def test_a_near_source_cannot_have_anything_thrown_away(tmp_path: Path) -> None:
    """One that cannot send a rest is passed by."""
    first, second, far = holder(house("a"), most=HALF), holder(house("b"), ranges=False), origin()
    assert await bring(tmp_path, first, second, far) == DATA
    assert far.asked == [HALF]


async def test_a_near_source_with_more_than_the_file_has_is_passed_by(tmp_path: Path) -> None:
    """The length is known beforehand."""
    near, far = holder(house(), data=DATA + b"x"), origin()
    assert await bring(tmp_path, near, far) == DATA
    assert far.asked == [0]


async def test_who_is_near_is_asked_again_when_the_origin_fails_too(tmp_path: Path) -> None:
    """A box may be back before the way to the internet is."""
    near, far = holder(house(), most=HALF), origin(most=0)
    assert await bring(tmp_path, near, far) == DATA
    assert (near.asked, far.asked) == ([0, HALF], [HALF])


async def test_what_all_of_them_have_wrong_is_not_kept(tmp_path: Path) -> None:
    """The checksum has the last word."""
    wrong = b"x" * len(DATA)
    with pytest.raises(TransferFailed) as caught:
        await bring(tmp_path, holder(house(), data=wrong), origin(data=wrong))
    assert caught.value.code == "hash_mismatch"
    assert PartFile(tmp_path, "key").present() == 0
