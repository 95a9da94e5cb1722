"""Who comes into a mesh, who does not, and who has to go."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from appliance.mesh.identity.invites import State
from appliance.mesh.service.outcome import Refused
from appliance.mesh.service.owning import Wish
from appliance.mesh.service.pairing import Application, Step
from appliance.mesh.types import PeerState
from tests.app.mesh.harness import until
from tests.app.mesh.services import Box, all_see, all_see_each_other, home


async def test_a_token_is_used_once(tmp_path: Path) -> None:
    """The second box is told that it was used, and what to do."""
    async with home(tmp_path) as boxes:
        first, second, third = [await boxes.box() for _ in range(3)]
        token = await first.token(Wish(uses=1))
        assert await second.service.join(token) is None
        no = await third.service.join(token)
        assert no == Refused("used_up", "This invitation was used as often as it may be. Ask for a new one.")
        assert third.service.peers() == ()


async def test_a_token_that_ended(tmp_path: Path) -> None:
    """It says since when."""
    async with home(tmp_path) as boxes:
        first, second = await boxes.box(), await boxes.box()
        no = await second.service.join(await first.token(Wish(lasts=-120_000)))
        assert no == Refused("expired", "This invitation ended 2 minutes ago. Ask for a new one.")


async def test_a_token_that_was_withdrawn(tmp_path: Path) -> None:
    """The list shows it, and it opens nothing."""
    async with home(tmp_path) as boxes:
        first, second = await boxes.box(), await boxes.box()
        token = await first.token()
        invite = first.service.owner.invitations()[0]
        assert await first.service.owner.withdraw(invite.id) is None
        assert first.service.owner.invitations()[0].state is State.WITHDRAWN
        no = await second.service.join(token)
        assert no == Refused("withdrawn", "This invitation was withdrawn. Ask for a new one.")


async def test_a_token_that_was_changed(tmp_path: Path) -> None:
    """Nobody is dialled for it."""
    async with home(tmp_path) as boxes:
        first, second = await boxes.box(), await boxes.box(listen=False)
        token = await first.token()
        no = await second.service.join(token[:-9] + ("A" if token[-9] != "A" else "B") + token[-8:])
        assert no is not None
        assert no.reason == "damaged"
        assert second.service.port is None


async def asked(asker: Box, other: Box) -> Application:
    application = await asker.service.ask_to_join(other.address, asker.name)
    assert isinstance(application, Application)
    await until(other.service.owner.requests)
    return application


async def test_two_boxes_are_paired(tmp_path: Path) -> None:
    """Both show the same digits; the box is in within two seconds of the click at the other one."""
    async with home(tmp_path) as boxes:
        asker, other = await boxes.box(), await boxes.box()
        application = await asked(asker, other)
        (request,) = other.service.owner.requests()
        assert (request.digits, request.name) == (application.digits, "box 0")
        assert asker.service.applying.confirm() is None
        began = asyncio.get_running_loop().time()
        assert other.service.owner.approve(asker.node) is None
        await until(lambda: all_see_each_other([asker, other]))
        took = asyncio.get_running_loop().time() - began
        assert took < 2
        await until(lambda: asker.service.applying.application.step is Step.JOINED)  # type: ignore[union-attr]


async def test_one_side_alone_pairs_nothing(tmp_path: Path) -> None:
    """An approval waits until somebody at the asking box has compared the digits too."""
    async with home(tmp_path) as boxes:
        asker, other = await boxes.box(), await boxes.box()
        await asked(asker, other)
        assert other.service.owner.approve(asker.node) is None
        await until(lambda: asker.service.applying.application.approved)  # type: ignore[union-attr]
        assert asker.service.peers() == ()
        assert asker.service.applying.confirm() is None
        await until(lambda: all_see_each_other([asker, other]))


async def test_a_request_is_declined(tmp_path: Path) -> None:
    """The asking box is told."""
    async with home(tmp_path) as boxes:
        asker, other = await boxes.box(), await boxes.box()
        await asked(asker, other)
        assert other.service.owner.reject(asker.node) is None
        await until(lambda: asker.service.applying.application.step is Step.ENDED)  # type: ignore[union-attr]
        application = asker.service.applying.application
        assert application is not None
        assert application.ended == Refused("rejected", "The other box declined the request.")


@pytest.mark.parametrize("ban", [False, True])
async def test_a_box_is_removed(tmp_path: Path, ban: bool) -> None:
    """Everybody knows at once, nothing stays open with it, and it learns why it is out."""
    async with home(tmp_path) as boxes:
        first, second, out = await boxes.mesh(3)
        owner = first.service.owner
        assert await (owner.ban(out.node) if ban else owner.remove(out.node)) is None
        stay = [first, second]
        await until(lambda: all_see(stay, out, None))
        await until(lambda: out.service.out is not None)
        for box in stay:
            lanes = box.service.lanes()
            assert lanes is not None
            assert lanes.quic.link(out.node) is None
            assert lanes.connections.count(out.node) == 0
        assert out.service.out.reason == ("banned" if ban else "removed")  # type: ignore[union-attr]
        await out.stop()
        await out.start()
        assert out.service.peers() == ()
        no = await out.service.join(await first.token())
        if ban:
            assert no == Refused("banned", "This box is banned from that mesh.")
        else:
            assert no is None
            await until(lambda: all_see_each_other([first, second, out]))


async def test_the_key_is_replaced_while_one_is_away(tmp_path: Path) -> None:
    """It comes back with the old key and gets its new certificate from whoever is there."""
    async with home(tmp_path) as boxes:
        first, second, away = await boxes.mesh(3)
        await away.stop()
        await until(lambda: all_see([first, second], away, PeerState.LEFT))
        assert await first.service.owner.rotate() is None
        await until(lambda: second.service.papers.belonging.certificate.claims.generation == 2)
        await away.start()
        await until(lambda: all_see_each_other([first, second, away]))
        await until(lambda: away.service.papers.belonging.certificate.claims.generation == 2)


async def test_only_the_founder_replaces_the_key(tmp_path: Path) -> None:
    """Refusals are data, with what to do."""
    async with home(tmp_path) as boxes:
        first, second = await boxes.mesh(2)
        for no in (
            await second.service.owner.rotate(),
            await second.service.owner.invite(),
            await second.service.owner.remove(first.node),
        ):
            assert isinstance(no, Refused)
            assert no.reason == "no_right"
