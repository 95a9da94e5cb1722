"""The settings as a file that goes from box to box: made, read with suspicion, and laid over what is set.

Pure. A file may come from anybody: its size, encoding, nesting, names and values are looked at before anything changes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from appliance.settings.difference import BOOKKEEPING, Change, differences, plain
from appliance.settings.merging import overlay, value_at
from appliance.settings.schema import SCHEMA_VERSION, Settings

FORMAT = "meshbox-settings"
MOST_BYTES = 1 << 20


class BadFile(ValueError):
    """The file cannot be taken as settings; `code` is stable, the text is for a person."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Exported:
    """A file of settings, opened."""

    settings: Mapping[str, Any]
    made_at: float | None = None
    node_name: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What taking over a file would do."""

    settings: Settings
    changes: tuple[Change, ...]
    kept: tuple[str, ...]  # fixed by the environment: the file says otherwise and is not followed


def exported(settings: Settings, made_at: float) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": settings.version,
        "made_at": datetime.fromtimestamp(made_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "node_name": settings.node.name,
        "settings": plain(settings),
    }


def read_file(raw: bytes) -> Exported:
    """Opens a file; raises BadFile. The settings in it are not validated yet."""
    if len(raw) > MOST_BYTES:
        raise BadFile("too_large", f"The file is larger than {MOST_BYTES >> 20} MiB. A file of settings never is.")
    document = _parsed(raw)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadFile(
            "unknown_format", "This is not a file of Meshbox settings. Such a file is downloaded on the Settings page."
        )
    return _opened(document)


def proposal(current: Settings, given: Mapping[str, Any], locked: Collection[str]) -> Proposal:
    """The current settings with the fields of `given` in place of theirs; raises pydantic's ValidationError.

    A field that `given` does not name stays as it is. Mappings are replaced whole, so that a restored file
    takes away what was added since.
    """
    document = current.model_dump(mode="json")
    for name, section in given.items():
        before = document.get(name)
        whole = isinstance(before, dict) and isinstance(section, Mapping)
        document[name] = {**(before or {}), **section} if whole else section
    wanted = Settings.model_validate(document).model_copy(update={name: getattr(current, name) for name in BOOKKEEPING})
    result = overlay(wanted, {name: value_at(current.model_dump(), name) for name in locked})
    kept = tuple(change.name for change in differences(wanted, result))
    return Proposal(result, differences(current, result), kept)


def _parsed(raw: bytes) -> object:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile("bad_request", "The file is not text in UTF-8.") from None
    try:
        document: object = msgspec.json.decode(text)
        json.loads(text, object_pairs_hook=_no_twins)
    except BadFile:
        raise
    except RecursionError:
        raise BadFile("bad_request", "The file is nested too deeply.") from None
    except ValueError as error:
        raise BadFile("bad_request", f"The file is not JSON: {str(error)[:200]}.") from None
    return document


def _no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A name that stands twice has no clear value."""
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise BadFile("duplicate_name", f"“{name[:100]}” stands twice in the file. Take one of them out.")
        found[name] = value
    return found


def _opened(document: dict[str, Any]) -> Exported:
    version, settings = document.get("version"), document.get("settings")
    made_at, name = document.get("made_at", ""), document.get("node_name", "")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise BadFile("unknown_format", "The file does not say of which version its settings are.")
    if version > SCHEMA_VERSION:
        raise BadFile(
            "newer_version",
            f"The file was made by a newer Meshbox: its settings have version {version}, this box knows "
            f"{SCHEMA_VERSION}. Update this box first.",
        )
    if not isinstance(settings, dict):
        raise BadFile("unknown_format", "There are no settings in the file.")
    if not isinstance(made_at, str) or not isinstance(name, str):
        raise BadFile("unknown_format", "The file does not say in words where and when it was made.")
    return Exported(settings, _time(made_at), name[:64])


def _time(given: str) -> float | None:
    try:
        return datetime.fromisoformat(given).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
