"""A stand-in for the model hub on this machine: what its clients ask of it, with real small models and with faults.

    async with running_hub() as hub:      in a test that has a loop
    with hub_in_thread() as hub:          in one that has none

As on the real one, files are answered by a redirect to another host (here another port), a commit keeps its files, and
gated repositories want a token.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from appliance.models.gguf_header import GgufError, read_header

FIXTURES = Path(__file__).parents[1] / "fixtures" / "models"
TOKEN = "hf_a-token-of-a-test"
PIECE = 16 << 10


@dataclass(frozen=True)
class Seen:
    """One request, as it came."""

    host: str  # hub or storage
    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @property
    def range(self) -> str | None:
        return self.headers.get("Range")

    @property
    def token(self) -> str | None:
        return self.headers.get("Authorization")


@dataclass
class Repo:
    name: str
    files: dict[str, bytes]
    gated: bool = False
    downloads: int = 0
    likes: int = 0
    updated: float = 0.0
    hashes: dict[str, str] = field(default_factory=dict)  # told instead of the true ones
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    task: str = "text-generation"

    @property
    def commit(self) -> str:
        text = "".join(f"{path}:{sha256(data)}\n" for path, data in sorted(self.files.items()))
        return hashlib.sha1(text.encode()).hexdigest()

    def at(self, revision: str) -> dict[str, bytes] | None:
        self.commits[self.commit] = dict(self.files)
        return self.files if revision == "main" else self.commits.get(revision)

    def told_hash(self, path: str, data: bytes) -> str:
        return self.hashes.get(path) or sha256(data)


class FakeHub:
    """`requests` keeps what was asked; the rest are its repositories and its faults."""

    def __init__(self) -> None:
        self.url, self.storage_url = "", ""
        self.repos: dict[str, Repo] = {}
        self.direct: dict[str, bytes] = {}  # files at /files/<name>, with an ETag
        self.requests: list[Seen] = []
        self.say: str | None = None  # what a search is answered with, instead of the truth
        self.packs = False  # that answer, although nobody asked for it
        self._cuts: list[int] = []
        self._errors: list[tuple[int, dict[str, str]]] = []
        self._hold_after: int | None = None

    # what it has

    def add(self, name: str, files: Mapping[str, bytes], **facts: Any) -> Repo:
        self.repos[name] = Repo(name, dict(files), **facts)
        return self.repos[name]

    def add_defaults(self) -> None:
        """Two small models that answer, one of them with a companion."""
        second = {name: (FIXTURES / name).read_bytes() for name in SECOND_FILES}
        self.add(SECOND, second | {"README.md": b"# A small model\n"}, downloads=10, likes=3, updated=1_700_000_000.0)
        draft = {name: (FIXTURES / name).read_bytes() for name in ("mesh-tiny-draft-Q8_0.gguf",)}
        self.add("mesh/tiny-draft-GGUF", draft, downloads=20, likes=1, updated=1_600_000_000.0)

    # its faults

    def cut_after(self, count: int, *more: int) -> None:
        """The next answers with a file break off after so many bytes, one number an answer."""
        self._cuts += [count, *more]

    def answer_with(self, status: int, times: int = 1, **headers: str) -> None:
        """The next answers are errors."""
        self._errors += [(status, {k.replace("_", "-"): v for k, v in headers.items()})] * times

    def pause(self, after: int = 0) -> None:
        """Files stop to come after so many bytes, until `resume`."""
        self._hold_after = after

    def resume(self) -> None:
        self._hold_after = None

    def asked(self, part: str, host: str | None = None) -> list[Seen]:
        return [seen for seen in self.requests if part in seen.path and host in (None, seen.host)]

    # how it answers

    def application(self, host: str) -> web.Application:
        @web.middleware
        async def watched(request: web.Request, handler: Any) -> web.StreamResponse:
            self.requests.append(Seen(host, request.method, request.path, request.query_string, request.headers.copy()))
            if self._errors:
                status, headers = self._errors.pop(0)
                return web.json_response({"error": "a fault of a test"}, status=status, headers=headers)
            response: web.StreamResponse = await handler(request)
            return response

        app = web.Application(middlewares=[watched])
        if host == "hub":
            app.router.add_get("/api/models", self._search)
            app.router.add_get("/api/models/{org}/{repo}", self._facts)
            app.router.add_get("/api/models/{org}/{repo}/revision/{revision}", self._facts)
            app.router.add_get("/{org}/{repo}/resolve/{revision}/{path:.+}", self._resolve)
            app.router.add_get("/files/{name}", self._direct)
            app.router.add_get("/redirect", self._redirect)
            app.router.add_get("/circle", self._circle)
        else:
            app.router.add_get("/blob/{hash}", self._blob)
        return app

    async def _search(self, request: web.Request) -> web.Response:
        if self.say is not None:
            answer = web.Response(text=self.say, content_type="application/json")
            if self.packs:
                answer.enable_compression(web.ContentCoding.gzip)
            return answer
        query, limit = request.query.get("search", "").casefold(), int(request.query.get("limit", "1000"))
        found = [r for r in self.repos.values() if query in r.name.casefold()]
        if "gguf" in request.query.getall("filter", []):
            found = [r for r in found if any(path.endswith(".gguf") for path in r.files)]
        orders = {"likes": lambda r: r.likes, "lastModified": lambda r: r.updated}
        found.sort(key=orders.get(request.query.get("sort", ""), lambda r: r.downloads), reverse=True)
        return web.json_response([_listed(repo) for repo in found[:limit]])

    async def _facts(self, request: web.Request) -> web.Response:
        repo, revision = self._repo(request), request.match_info.get("revision", "main")
        if repo is None:
            return _error(401 if "Authorization" not in request.headers else 404, "RepoNotFound")
        files = repo.at(revision)
        if files is None:
            return _error(404, "RevisionNotFound")
        siblings = [_sibling(path, data, repo.told_hash(path, data)) for path, data in files.items()]
        commit = repo.commit if revision == "main" else revision
        return web.json_response(_listed(repo) | {"sha": commit, "siblings": siblings})

    async def _resolve(self, request: web.Request) -> web.Response:
        repo = self._repo(request)
        if repo is None:
            return _error(404, "RepoNotFound")
        files = repo.at(request.match_info["revision"])
        if files is None or request.match_info["path"] not in files:
            return _error(404, "EntryNotFound" if files is not None else "RevisionNotFound")
        if repo.gated and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _error(401 if "Authorization" not in request.headers else 403, "GatedRepo")
        data = files[request.match_info["path"]]
        told = repo.told_hash(request.match_info["path"], data)
        headers = {
            "Location": f"{self.storage_url}/blob/{sha256(data)}?signature=of-a-test",
            "X-Repo-Commit": repo.commit,
            "X-Linked-ETag": f'"{told}"',
            "X-Linked-Size": str(len(data)),
            "ETag": f'"{told}"',
        }
        return web.Response(status=302, headers=headers)

    async def _blob(self, request: web.Request) -> web.StreamResponse:
        for repo in self.repos.values():
            for files in (repo.files, *repo.commits.values()):
                for data in files.values():
                    if sha256(data) == request.match_info["hash"]:
                        return await self._send(request, data)
        return _error(404, "EntryNotFound")

    async def _direct(self, request: web.Request) -> web.StreamResponse:
        data = self.direct.get(request.match_info["name"])
        return _error(404, "EntryNotFound") if data is None else await self._send(request, data)

    async def _redirect(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async def _circle(self, _request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/circle"})

    def _repo(self, request: web.Request) -> Repo | None:
        return self.repos.get(f"{request.match_info['org']}/{request.match_info['repo']}")

    async def _send(self, request: web.Request, data: bytes) -> web.StreamResponse:
        etag = f'"{sha256(data)[:16]}"'
        begin, end, status = 0, len(data), 200
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        if wanted is not None and request.headers.get("If-Range", etag) == etag:
            begin, status = int(wanted[1]), 206
            end = min(end, int(wanted[2]) + 1) if wanted[2] else end
            if begin >= len(data):
                return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
        response = web.StreamResponse(status=status, headers={"ETag": etag, "Accept-Ranges": "bytes"})
        response.content_length = end - begin
        if status == 206:
            response.headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(data)}"
        await response.prepare(request)
        await self._stream(request, response, data[begin:end])
        return response

    async def _stream(self, request: web.Request, response: web.StreamResponse, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # the client has gone
            await self._write(request, response, data)

    async def _write(self, request: web.Request, response: web.StreamResponse, data: bytes) -> None:
        cut = self._cuts.pop(0) if self._cuts else len(data)
        for at in range(0, min(cut, len(data)), PIECE):
            while self._hold_after is not None and at >= self._hold_after:  # noqa: ASYNC110 - ended by any thread
                await asyncio.sleep(0.005)
            await response.write(data[at : min(at + PIECE, cut)])
        if cut < len(data):
            assert request.transport is not None
            request.transport.close()


SECOND = "mesh/tiny-second-GGUF"
SECOND_FILES = ("mesh-tiny-second-Q8_0.gguf", "mmproj-mesh-tiny-second-F16.gguf")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _listed(repo: Repo) -> dict[str, Any]:
    return {
        "_id": hashlib.md5(repo.name.encode()).hexdigest()[:24],
        "id": repo.name,
        "modelId": repo.name,
        "downloads": repo.downloads,
        "likes": repo.likes,
        "gated": "manual" if repo.gated else False,
        "private": False,
        "lastModified": datetime.fromtimestamp(repo.updated, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "gguf": _gguf(repo.files),
        "pipeline_tag": repo.task,
        "tags": ["gguf"],
    }


def _gguf(files: Mapping[str, bytes]) -> dict[str, Any] | None:
    for path, data in files.items():
        if path.endswith(".gguf"):
            try:
                header = read_header(data)
            except GgufError:
                continue
            architecture = header.text("general.architecture")
            context = header.number(f"{architecture}.context_length")
            return {"total": header.parameters, "architecture": architecture, "context_length": context}
    return None


def _sibling(path: str, data: bytes, told: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"rfilename": path, "size": len(data), "blobId": hashlib.sha1(data).hexdigest()}
    if path.endswith(".gguf"):
        entry["lfs"] = {"sha256": told, "size": len(data), "pointerSize": 134}
    return entry


def _error(status: int, code: str) -> web.Response:
    headers = {"X-Error-Code": code, "X-Error-Message": "A refusal of a test"}
    return web.json_response({"error": code}, status=status, headers=headers)


@asynccontextmanager
async def running_hub(*, defaults: bool = True) -> AsyncIterator[FakeHub]:
    hub = FakeHub()
    if defaults:
        hub.add_defaults()
    runners = [
        web.AppRunner(hub.application(host), access_log=None, shutdown_timeout=0.1) for host in ("hub", "storage")
    ]
    urls = []
    for runner in runners:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        urls.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
    hub.url, hub.storage_url = urls
    try:
        yield hub
    finally:
        hub.resume()
        for runner in runners:
            await runner.cleanup()


@contextmanager
def hub_in_thread(*, defaults: bool = True) -> Iterator[FakeHub]:
    """For tests without a loop."""
    started, ended, hubs = threading.Event(), threading.Event(), list[FakeHub]()

    async def serve() -> None:
        async with running_hub(defaults=defaults) as hub:
            hubs.append(hub)
            started.set()
            while not ended.is_set():  # noqa: ASYNC110 - it is another thread that ends it
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield hubs[0]
    finally:
        ended.set()
        thread.join(10)
