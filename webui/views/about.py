"""What the box is made of, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.api.about import Engine, Findings, Folder
from appliance.run_loop import Outlook
from webui.views.words import Moment, duration_text, moment, size_text

NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True)
class FolderLine:
    label: str
    path: str
    room: str


@dataclass(frozen=True, slots=True)
class AboutView:
    box: tuple[tuple[str, str], ...]
    started: Moment
    engine: tuple[tuple[str, str], ...]
    folders: tuple[FolderLine, ...]


def about_view(outlook: Outlook, findings: Findings, now: float) -> AboutView:
    node = outlook.snapshot.node
    return AboutView(
        box=(
            ("Version", node.version),
            ("Made for", node.flavor),
            ("Name", outlook.snapshot.settings.node.name),
            ("Id", node.id),
            ("Up for", duration_text(max(0.0, now - node.started_at))),
            ("Python", findings.python),
            ("System", findings.system),
        ),
        started=moment(node.started_at),
        engine=tuple(_engine_lines(findings.engine)),
        folders=(_folder_line("State of the box", findings.data), _folder_line("Models", findings.models)),
    )


def _engine_lines(engine: Engine) -> Iterable[tuple[str, str]]:
    yield "llama.cpp", engine.version or "does not start on this box"
    yield "Commit", engine.commit or NOT_KNOWN
    yield "Build", engine.build or NOT_KNOWN
    yield "Computes with", ", ".join(engine.backends) or NOT_KNOWN


def _folder_line(label: str, folder: Folder) -> FolderLine:
    if folder.size is None or folder.free is None:
        return FolderLine(label, folder.path, "cannot be looked at")
    return FolderLine(label, folder.path, f"{size_text(folder.free)} of {size_text(folder.size)} free")
