"""Finds out what a name means: asks the hub, or looks at the beginning of a file on the web."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.jobs.beside import plan_file
from appliance.jobs.plan import Plan, PlannedFile, plan_repo, plan_url
from appliance.models.catalog import ref_of
from appliance.models.choice import Suits, Variant, choose, variants
from appliance.models.gguf_header import Header
from appliance.models.hub import Hub
from appliance.models.local_source import read_local_header
from appliance.models.peek import Peeked, read_remote_header
from appliance.models.refs import FileRef, Ref, UrlRef, parse_ref
from appliance.models.requests import Remote, make_session
from appliance.settings.schema import ModelsSettings


@dataclass(frozen=True, slots=True)
class Resolved:
    """What would be fetched, and what there is beside it."""

    plan: Plan
    variants: tuple[Variant, ...] = ()
    gated: bool = False


class Planner:
    def __init__(
        self,
        hub: Hub,
        settings: Callable[[], ModelsSettings],
        suits: Callable[[], Suits | None] = lambda: None,
        models_folder: Path = Path("/models"),
    ) -> None:
        self._hub = hub
        self._settings = settings
        self._suits = suits
        self._models = models_folder

    def parse(self, text: str) -> Ref:
        """A name of the catalogue has no slash, everything else has. Raises BadRef."""
        is_name = "/" not in text and text.strip().isprintable() and bool(text.strip())
        return ref_of(text) if is_name else parse_ref(text, self._hub.hosts)

    async def resolve(self, ref: Ref, budget: int | None = None) -> Resolved:
        """Raises ModelProblem."""
        if isinstance(ref, FileRef):
            return Resolved(await asyncio.to_thread(plan_file, ref, self._models))
        if isinstance(ref, UrlRef):
            plan = plan_url(ref, None)
            size = (await self._peek(next(f for f in plan.files if f.url == ref.url))).size
            return Resolved(plan_url(ref, size))
        facts = await self._hub.facts(ref.repo, ref.revision)
        choice = choose(facts.files, ref, budget, self._suits())
        plan = plan_repo(ref.repo, facts, choice, self._hub.file_url)
        return Resolved(plan, tuple(variants(facts.files)), facts.about.gated)

    async def header(self, plan: Plan) -> Header:
        """Of the first file, read from its beginning. Raises ModelProblem."""
        first = plan.files[0]
        if first.local is not None:
            return await asyncio.to_thread(read_local_header, first.local)
        return (await self._peek(first)).header

    async def remote(self, file: PlannedFile) -> Remote:
        """With the token for the hub, and with the guard for everybody else."""
        guarded = not file.from_hub and not self._settings().allow_private_urls
        token = await self._hub.token.read() if file.from_hub else None
        return Remote(file.url, file.size, file.sha256, from_hub=file.from_hub, guarded=guarded, token=token)

    async def _peek(self, file: PlannedFile) -> Peeked:
        remote = await self.remote(file)
        async with make_session(guarded=remote.guarded) as session:
            return await read_remote_header(session, remote)
