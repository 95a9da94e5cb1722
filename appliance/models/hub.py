"""The hub of models: search, and what lies in a repository.

Nothing is asked of the hub unless a person asked for it. The library behind it is loaded at the first question and
works in threads of its own: start-up does not pay for it, and a hub that hangs holds up nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar, cast
from urllib.parse import quote, urlsplit

from appliance.models.choice import RemoteFile
from appliance.models.failed import ModelProblem
from appliance.models.hub_token import HubToken
from appliance.models.refs import HUB_HOSTS
from appliance.models.types import Claim

if TYPE_CHECKING:
    from appliance.models.hub_client import HubClient

T = TypeVar("T")
Sort = Literal["downloads", "likes", "updated", "trending"]

DEFAULT_ENDPOINT = "https://huggingface.co"
DEADLINE_SECONDS = 20.0  # of one answer
MOST_ASKED = 16  # at once
MOST_FOUND = 100


class HubFailed(ModelProblem):
    """The hub did not give what was asked."""


@dataclass(frozen=True, slots=True)
class FoundRepo:
    repo: str
    downloads: int = 0
    likes: int = 0
    updated: float | None = None
    gated: bool = False  # given only to people who accepted its terms
    architecture: str | None = None
    parameters: int | None = None
    context_length: int | None = None
    claims: tuple[Claim, ...] = ()  # what it can do, as the hub says


@dataclass(frozen=True, slots=True)
class RepoFacts:
    about: FoundRepo
    revision: str  # the commit: what lies there under this name stays the same
    files: tuple[RemoteFile, ...]


class Hub:
    def __init__(self, endpoint: str | None, token: HubToken) -> None:
        self.endpoint = (endpoint or DEFAULT_ENDPOINT).rstrip("/")
        self.is_mirror = endpoint is not None  # one that the owner chose himself
        self.token = token
        self._client: HubClient | None = None
        self._one_client = threading.Lock()
        self._asked = 0  # questions that are not answered yet

    @property
    def host(self) -> str:
        """For a person: who is asked."""
        return urlsplit(self.endpoint).netloc

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts whose pages are pages of the hub."""
        return HUB_HOSTS | {urlsplit(self.endpoint).netloc.casefold()}

    def file_url(self, repo: str, revision: str, path: str) -> str:
        return f"{self.endpoint}/{repo}/resolve/{quote(revision, safe='')}/{quote(path)}"

    async def search(self, query: str, sort: Sort = "downloads", limit: int = 20) -> tuple[FoundRepo, ...]:
        """Repositories with GGUF files; asked without a token. Raises HubFailed."""
        return await self._ask(lambda client: client.search(query.strip(), sort, min(limit, MOST_FOUND)))

    async def facts(self, repo: str, revision: str | None = None) -> RepoFacts:
        """Raises HubFailed."""
        token = await self.token.read()
        return await self._ask(lambda client: client.facts(repo, revision, token))

    async def _ask(self, question: Callable[[HubClient], T]) -> T:
        if self._asked >= MOST_ASKED:
            raise unreachable(self.endpoint, "it has not answered earlier questions")
        answer = self._begin(lambda: question(self._opened()))
        try:
            async with asyncio.timeout(2 * DEADLINE_SECONDS):
                return await answer
        except TimeoutError:
            raise unreachable(self.endpoint, "it did not answer in time") from None

    def _begin(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """In a thread that holds up nobody, the end of the box included."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def ended(result: T | None, failure: BaseException | None) -> None:
            self._asked -= 1
            if answer.done():  # nobody waits any more
                return
            if failure is not None:
                answer.set_exception(failure)
            else:
                answer.set_result(cast("T", result))

        def run() -> None:
            result, failure = None, None
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - the border of a thread: it fails where it was asked
                failure = error
            with contextlib.suppress(RuntimeError):  # the box has ended meanwhile
                loop.call_soon_threadsafe(ended, result, failure)

        self._asked += 1
        threading.Thread(target=run, name="hub", daemon=True).start()
        return answer

    def _opened(self) -> HubClient:
        with self._one_client:
            if self._client is None:
                from appliance.models.hub_client import HubClient  # noqa: PLC0415 - takes a second and much memory

                self._client = HubClient(self.endpoint)
            return self._client


def unreachable(endpoint: str, why: str) -> HubFailed:
    return HubFailed(
        "hub_unreachable",
        f"The hub {endpoint} could not be reached ({why}). Look whether this machine has a way to the internet.",
        temporary=True,
    )


def refusal(status: int, retry_after: int | None) -> HubFailed:
    """Of a hub that has no time or no health."""
    if status == 429:
        pause = f"{retry_after} seconds" if retry_after else "some minutes"
        detail = f"The hub was asked too often and wants a pause of {pause}."
        return HubFailed("rate_limited", detail, temporary=True, retry_after=retry_after)
    detail = f"The hub has trouble of its own (status {status}). That mostly passes by itself."
    return HubFailed("hub_error", detail, temporary=True)


def gated(subject: str, *, with_token: bool = False) -> HubFailed:
    if with_token:
        return HubFailed(
            "gated",
            f"The account whose token is stored here may not have {subject}. Accept its terms on its page of the hub, "
            "or store a token of another account.",
        )
    return HubFailed(
        "gated",
        f"{subject} is given only to people who accepted its terms. Accept them on its page of the hub, "
        "then store a token of your account here.",
    )


def bad_token() -> HubFailed:
    return HubFailed("bad_token", "The hub does not take the stored token. Store another one, or remove it.")


def seconds_of(retry_after: str | None) -> int | None:
    """The seconds of a Retry-After header, when it tells any."""
    return int(retry_after) if retry_after and retry_after.isdecimal() and len(retry_after) < 7 else None
