"""Asks the hub through `huggingface_hub`, whose only importer this is. Blocking; to be imported in a thread.

The library is held to our terms: no telemetry, no token but the one given, nothing written to its cache, one try
instead of five (a person waits), a deadline, and answers of bounded size.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # read when the library is imported
os.environ["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"  # noqa: S105 - the name of a switch

import httpx2
import huggingface_hub
from huggingface_hub import errors
from huggingface_hub.hf_api import ModelInfo, ModelSort_T, RepoSibling

from appliance.models.addresses import AddressRefused, check_url
from appliance.models.capabilities import hub_claims
from appliance.models.choice import RemoteFile
from appliance.models.hub import (
    DEADLINE_SECONDS,
    FoundRepo,
    HubFailed,
    RepoFacts,
    Sort,
    bad_token,
    gated,
    refusal,
    seconds_of,
    unreachable,
)

T = TypeVar("T")

CONNECT_SECONDS = 8.0
TIMEOUT = httpx2.Timeout(DEADLINE_SECONDS / 2, connect=CONNECT_SECONDS)
LARGEST_ANSWER = 32 << 20
LONGEST_PATH = 1000
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, httpx2.HTTPError, httpx2.InvalidURL)
SORTS: dict[Sort, ModelSort_T] = {
    "downloads": "downloads",
    "likes": "likes",
    "updated": "last_modified",
    "trending": "trending_score",
}
MOST_TAGS = 200


class HubClient:
    def __init__(self, endpoint: str) -> None:
        huggingface_hub.set_client_factory(_client)
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # what a person searched for is not for the log
        self._endpoint = endpoint
        self._api = huggingface_hub.HfApi(endpoint=endpoint, token=False, library_name="meshbox")

    def search(self, query: str, sort: Sort, limit: int) -> tuple[FoundRepo, ...]:
        def ask() -> tuple[FoundRepo, ...]:
            found = self._api.list_models(
                filter="gguf",
                search=query or None,
                sort=SORTS[sort],
                limit=limit,
                expand=["downloads", "likes", "lastModified", "gated", "gguf", "pipeline_tag", "tags"],
                token=False,
            )
            return tuple(_found(info) for info in found)

        return self._guarded(ask, f"the search for {query!r}")

    def facts(self, repo: str, revision: str | None, token: str | None) -> RepoFacts:
        def ask() -> RepoFacts:
            return _facts(self._api.model_info(repo, revision=revision, files_metadata=True, token=token or False))

        return self._guarded(ask, f"{repo}@{revision}" if revision else repo, with_token=token is not None)

    def _guarded(self, ask: Callable[[], T], subject: str, *, with_token: bool = False) -> T:
        """Whatever goes wrong is one HubFailed."""
        try:
            return ask()
        except _Unreachable as error:
            raise unreachable(self._endpoint, str(error)) from error
        except OSError as error:
            raise _in_words(error, subject, self._endpoint, with_token=with_token) from error
        except _UNREADABLE as error:
            detail = f"The hub's answer was not one that can be read ({subject})."
            raise HubFailed("bad_answer", detail) from error


class _Unreachable(Exception):
    """Not one of the errors that make the library try again."""


class _OneTry(httpx2.HTTPTransport):
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        deadline = time.monotonic() + DEADLINE_SECONDS
        request.extensions["timeout"] = TIMEOUT.as_dict()  # the library asks for none
        try:
            response = super().handle_request(request)
        except httpx2.TransportError as error:
            raise _Unreachable(_why(error)) from error
        if response.status_code == 429 or response.status_code >= 500:
            response.close()
            raise refusal(response.status_code, seconds_of(response.headers.get("retry-after")))
        if response.headers.get("content-encoding", "identity").casefold() != "identity":
            response.close()  # a little that is packed may become more than the memory holds
            raise HubFailed("bad_answer", "The hub packs its answer although it was asked not to.")
        if response.has_redirect_location and _leads_away(request.url, response.headers["location"]):
            response.close()
            raise HubFailed("bad_answer", "The hub sends this box to an address that it does not go to.")
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = _Bounded(response.stream, deadline)
        return response


class _Bounded(httpx2.SyncByteStream):
    """An answer that is neither endless nor comes for ever."""

    def __init__(self, stream: httpx2.SyncByteStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        received = 0
        try:
            for piece in self._stream:
                received += len(piece)
                if received > LARGEST_ANSWER or time.monotonic() > self._deadline:
                    raise HubFailed("bad_answer", "The hub's answer is too long or comes too slowly.")
                yield piece
        except httpx2.TransportError as error:
            raise _Unreachable(_why(error)) from error

    def close(self) -> None:
        self._stream.close()


def _client() -> httpx2.Client:
    return httpx2.Client(
        transport=_OneTry(trust_env=False),
        headers={"Accept-Encoding": "identity"},
        follow_redirects=True,
        trust_env=False,
    )


def _leads_away(url: httpx2.URL, location: str) -> bool:
    """To another host only in the open internet: a hub shall not have a box call what only the box can reach."""
    target = url.join(location)
    if target.host == url.host:
        return url.scheme == "https" and target.scheme != "https"
    try:
        check_url(str(target))
    except AddressRefused:
        return True
    return False


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__


def _in_words(error: OSError, subject: str, endpoint: str, *, with_token: bool) -> HubFailed:
    status = getattr(getattr(error, "response", None), "status_code", None)
    match error, status:
        case (errors.GatedRepoError(), _) | (_, 403):
            return gated(subject, with_token=with_token)
        case errors.RevisionNotFoundError(), _:
            return HubFailed("not_found", f"{subject}: the hub knows no such revision.")
        case (errors.RepositoryNotFoundError(), _) | (_, 404):
            words = f"The hub knows no {subject}. If it is a private one, store a token of an account that may see it."
            return HubFailed("not_found", words)
        case _, 401:
            return bad_token()
        case _, None:
            return unreachable(endpoint, _why(error))
        case _:
            return HubFailed("bad_answer", f"The hub answered with status {status} ({subject}).")


def _found(info: ModelInfo) -> FoundRepo:
    gguf: dict[str, object] = info.gguf if isinstance(info.gguf, dict) else {}
    architecture = gguf.get("architecture")
    return FoundRepo(
        repo=_text(info.id, 200),
        downloads=_number(info.downloads) or 0,
        likes=_number(info.likes) or 0,
        updated=info.last_modified.timestamp() if info.last_modified else None,
        gated=bool(info.gated),
        architecture=architecture if isinstance(architecture, str) and len(architecture) <= 64 else None,
        parameters=_number(gguf.get("total")),
        context_length=_number(gguf.get("context_length")),
        claims=hub_claims(_words(info)),
    )


def _words(info: ModelInfo) -> list[str]:
    given = [info.pipeline_tag, *(info.tags or ())[:MOST_TAGS]]
    return [word for word in given if isinstance(word, str) and len(word) <= 64]


def _facts(info: ModelInfo) -> RepoFacts:
    if info.siblings is None:
        raise ValueError("no files")
    return RepoFacts(_found(info), _text(info.sha, 100), tuple(_file(sibling) for sibling in info.siblings))


def _file(sibling: RepoSibling) -> RemoteFile:
    file = RemoteFile(_text(sibling.rfilename, LONGEST_PATH), _number(sibling.size))
    if sibling.lfs is None:
        return file
    return replace(file, size=_number(sibling.lfs.size), sha256=_text(sibling.lfs.sha256, 64).lower())


def _text(value: object, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError("no text, or an endless one")
    return value


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63 else None
