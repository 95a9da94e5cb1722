"""What is to be copied when a person names a file that lies elsewhere on this box. Blocking: for threads."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from appliance.jobs.plan import COPIED, Plan, PlannedFile, key_of, model_id
from appliance.models.choice import Choice, RemoteFile, choose, is_companion_name, variants
from appliance.models.failed import ModelProblem
from appliance.models.files import NotThere, NotUsable, stamp_of
from appliance.models.local_source import unreadable
from appliance.models.names import without_quantisation
from appliance.models.places import safe_name
from appliance.models.refs import ENDING, FileRef, RepoRef

MOST_BESIDE = 5000  # files of a folder that are looked at


def plan_file(ref: FileRef, models_folder: Path) -> Plan:
    """The file with all its parts, and with the projector beside it when that can belong to no other. Raises
    ModelProblem.
    """
    path = Path(ref.path)
    _size(path)
    if path.resolve().is_relative_to(models_folder.resolve()):
        raise ModelProblem(
            "on_this_box", f"{path.name} lies in the models folder already. Load it from the list of this box's models."
        )
    choice = _choice(path)
    folder = safe_name(model_id(choice.files[0].path))

    def planned(file: RemoteFile) -> PlannedFile:
        source = path.with_name(file.path)
        key = key_of(f"{source}:{file.size}")
        target = str(PurePosixPath(folder, safe_name(file.path)))
        companion = file == choice.companion
        return PlannedFile(source.as_uri(), target, key, file.size, from_hub=False, companion=companion)

    files = tuple(planned(file) for file in choice.files)
    return Plan(model_id(files[0].target), files, COPIED, quant=choice.variant.quant)


def _choice(path: Path) -> Choice:
    listing = _beside(path)
    choice = choose(listing, RepoRef("this/box", file=path.name))
    models = {without_quantisation(variant.stem).casefold() for variant in variants(listing)}
    alone = len(models) == 1 and not is_companion_name(path.name)
    return choice if alone else Choice(choice.variant)


def _beside(path: Path) -> list[RemoteFile]:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.name.casefold().endswith(ENDING)]
    except OSError as error:
        raise unreadable(path, error) from error
    found = {path.name, *sorted(names)[:MOST_BESIDE]}
    return [RemoteFile(name, _size(path.with_name(name))) for name in sorted(found)]


def _size(path: Path) -> int:
    try:
        return stamp_of(path).size
    except NotThere:
        raise ModelProblem("not_found", f"There is no file {path} on this box.") from None
    except NotUsable as error:
        raise ModelProblem("not_found", f"{path} cannot be taken. {error}") from error
