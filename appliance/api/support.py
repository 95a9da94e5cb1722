"""The support bundle: one file that says how a box is, for a person who helps. Secrets are taken out of it."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from appliance.api.about import Premises, about_document, look
from appliance.api.deps import ApiDeps
from appliance.api.redaction import Redactor, secrets_of
from appliance.api.status import issue_document, status_document
from appliance.logs import LogLine, log_text

MOST_BYTES = 8 << 20  # of one file before it is packed; of a longer log the latest part goes in
EARLIEST = (1980, 1, 1, 0, 0, 0)  # a fixed date: the files are made on request

README = """Support bundle of a Meshbox.

status.json      what the box does: models, hardware, requests
issues.json      what it found to repair, also what was dismissed
settings.json    its settings
versions.json    versions of the box, its engine and its parts
logs.txt         the latest lines of its log

Passwords, keys, tokens, codes, mail addresses and the names of home folders were taken out as far as they could be
recognised. Names of models, of this box and of its hardware are in it. Read it before you pass it on.
"""


@dataclass(frozen=True, slots=True)
class Material:
    """What goes into a bundle, gathered from the running box in one moment."""

    documents: dict[str, Any]
    lines: list[LogLine]
    premises: Premises
    redactor: Redactor


def gather(deps: ApiDeps) -> Material:
    outlook = deps.loop.outlook
    documents = {
        "status.json": status_document(outlook, deps.clock()),
        "issues.json": [issue_document(issue) for issue in outlook.decision.issues],
        "settings.json": deps.settings.current.model_dump(mode="json"),
    }
    redactor = Redactor([deps.access.setup_code, *secrets_of(os.environ)])
    return Material(documents, deps.logs.lines(), deps.premises, redactor)


def pack(material: Material) -> bytes:
    """For a thread: reads files, asks the engine, and compresses."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in _files(material):
            entry = zipfile.ZipInfo(f"meshbox-support/{name}", EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            bundle.writestr(entry, content)
    return packed.getvalue()


def _files(material: Material) -> Iterator[tuple[str, bytes]]:
    yield "README.txt", README.encode()
    versions = about_document(look(material.premises))
    for name, document in (*material.documents.items(), ("versions.json", versions)):
        clean = material.redactor.document(document)
        yield name, json.dumps(clean, indent=2, ensure_ascii=False).encode(errors="replace")[:MOST_BYTES]
    text = material.redactor.text("".join(f"{log_text(line)}\n" for line in material.lines))
    yield "logs.txt", text.encode(errors="replace")[-MOST_BYTES:]
