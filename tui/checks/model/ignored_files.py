"""Check what ignore files exclude from the upload, and what cannot be uploaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tui.checks.finding import BLOCKER, Finding
from tui.checks.model.model_folder import ModelFolder
from tui.plan.model import Plan

IGNORE = "https://learn.microsoft.com/azure/machine-learning/v1/how-to-save-write-experiment-files"

_MODEL = "deployment.model.path"
_SCRIPT = "deployment.code_configuration.scoring_script"


def about(plan: Plan, model: ModelFolder | None, script_left_out: bool) -> Iterator[Finding]:
    """Findings if the ignore files exclude files that are needed."""
    code = plan.deployment.code_configuration
    if script_left_out and code:
        message = f"The ignore file in {code.code} excludes {code.scoring_script}, so it would not be uploaded."
        remedy = "Remove its line from .amlignore or .gitignore there."
        yield Finding("left-out", BLOCKER, _SCRIPT, message, remedy, IGNORE, str(code.code))
    if model is None or not model.figures.left_out:
        return
    figures, at = model.figures, str(model.path)
    names = ", ".join(figures.left_out_names[:3]) + (" …" if figures.left_out > 3 else "")
    if not figures.files and figures.complete:
        message = f"{figures.ignore_file} excludes every file of the model ({names}), so nothing would be uploaded."
        remedy = f"Correct {figures.ignore_file} in {model.path}."
        yield Finding("left-out", BLOCKER, _MODEL, message, remedy, IGNORE, at)
    elif "MLmodel" in figures.left_out_names or _needed(model) & set(figures.left_out_names):
        message = f"{figures.ignore_file} excludes files from which the model is loaded: {names}."
        remedy = f"Correct {figures.ignore_file} in {model.path}."
        yield Finding("left-out", BLOCKER, _MODEL, message, remedy, IGNORE, at)


def refused(folders: Mapping[str, Path]) -> dict[str, str]:
    """Why folders cannot be uploaded, by field: the first refused file of each. Reads the folders; never raises."""
    from tui.cloud.errors import CloudError
    from tui.cloud.storage import folder_files

    found = {}
    for key, folder in folders.items():
        try:
            folder_files.walk(folder)
        except CloudError as error:
            if error.code == folder_files.REFUSED:
                found[key] = error.cause
        except OSError:
            pass  # the checks of the single files tell
    return found


def about_refused(model: ModelFolder | None, folders: Mapping[str, str]) -> Iterator[Finding]:
    """A blocker for each folder with a file that cannot be uploaded."""
    from tui.cloud.storage.folder_files import REFUSED_REMEDY

    in_model = model.figures.refused if model else []
    more = f" {len(in_model) - 1} more like it." if len(in_model) > 1 else ""
    for key, why in {**({_MODEL: in_model[0] + more} if in_model else {}), **folders}.items():
        yield Finding("file-refused", BLOCKER, key, why, REFUSED_REMEDY)


def _needed(model: ModelFolder) -> set[str]:
    """The files with the model's data, according to MLmodel."""
    named = {str(model.details(flavour).get(key) or "") for flavour in model.flavours for key in ("data", "model_path")}
    return named - {""}
