"""Settings as a file: what it would change, taking it over, going back to an earlier document."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from appliance.api.deps import ApiDeps
from appliance.api.problems import Problem
from appliance.api.times import timestamp
from appliance.settings.backups import Backup
from appliance.settings.difference import Change, plain
from appliance.settings.exchange import Exported, Proposal
from appliance.settings.schema import Settings

Json = dict[str, Any]


async def take_over(
    deps: ApiDeps, given: Mapping[str, Any], from_revision: int | None, *, dry_run: bool = False
) -> Proposal:
    """The fields of a file in place of those that are set; a dry run only says what would change."""
    if dry_run:
        return deps.settings.propose(given)
    return await deps.settings.take_over(given, from_revision)


async def find_backup(deps: ApiDeps, revision: int) -> Exported:
    found = await asyncio.to_thread(deps.settings.backups.read, revision)
    if found is None:
        raise Problem(404, "unknown_backup", "There is no such backup any more; only the last ones are kept.")
    return found


async def backups(deps: ApiDeps) -> tuple[Backup, ...]:
    return await asyncio.to_thread(deps.settings.backups.all)


def proposal_document(proposed: Proposal, revision: int, *, dry_run: bool) -> Json:
    return {
        "dry_run": dry_run,
        "revision": revision,
        "changes": changes_document(proposed.changes),
        "kept": list(proposed.kept),
    }


def backup_document(backup: Backup, current: Settings) -> Json:
    return {
        "revision": backup.revision,
        "made_at": timestamp(backup.made_at),
        "current": plain(backup.settings) == plain(current),
        "changes": changes_document(backup.changes),
    }


def changes_document(changes: Iterable[Change]) -> list[Json]:
    return [{"name": change.name, "old": change.old, "new": change.new} for change in changes]
