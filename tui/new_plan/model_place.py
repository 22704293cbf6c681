"""Which file or folder is the model, for a scoring script that somebody wrote.

A model's folder lies below AZUREML_MODEL_DIR under its own name, a model's file directly (Microsoft,
how-to-deploy-online-endpoints): what the script opens tells which of them must be registered.
"""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from tui.checks.scoring import score_script
from tui.new_plan.folder_contents import FolderContents, Notes, nearest

_USUAL = ("model", "models", "artifacts")


def of(script: Path, found: FolderContents, model: Path | None, notes: Notes) -> Path | None:
    """The path to register so that the script finds what it opens; else `model`, the likeliest one."""
    sure = True
    for one in score_script.read(script.parent, script.name).opened:
        wanted = PurePosixPath(one.path)
        parts = wanted.parts[-1:] if one.pattern else wanted.parts
        if not parts or (one.pattern and model):  # it finds the model at any place
            continue
        at = f"{script.name}, line {one.line}, opens {one.path} below AZUREML_MODEL_DIR"
        for path in nearest(script, found.seen):
            if fnmatch(path.name, parts[-1]) if one.pattern else path.parts[-len(parts) :] == parts:
                place = path.parents[len(parts) - 2] if len(parts) > 1 else path
                if (
                    "**" in wanted.parts and path.parent.name in _USUAL
                ):  # found at any depth, and may have more beside it
                    place = path.parent
                notes.add(f"the model {place.name}", at)
                return place
        notes.add(f"{at}, which the folder lacks", "put the file there, or correct the script", False)
        sure = False
    usual = next((found.folder / name for name in _USUAL if (found.folder / name).is_dir()), None)
    if usual and (model is None or (model.parent == usual and model.is_file())):  # it may have more than the file
        model, sure = usual, sure and model is not None
    if model:
        notes.add(f"the model {model.name}", "it is the likeliest one in the folder", sure)
    else:
        notes.add("no model", "the script opens none that the folder has", False)
    return model
