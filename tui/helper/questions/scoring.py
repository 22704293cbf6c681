"""Writes scoring script, conda file and sample request for an MLflow model in any source."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tui.checks.model import model_folder
from tui.checks.scoring import write_scoring_files
from tui.cloud.errors import CloudError
from tui.cloud.sources import staging
from tui.common.typed_path import UnusablePath, real_path, typed_path
from tui.helper import sessions


def make_scoring(plan: dict[str, Any], folder: str, replace: bool = False) -> dict[str, Any]:
    """Write the files into a folder; returns the added packages and the keys of the plan that use the files.

    Of a model in another source, only the small files are read. Raises CloudError.
    """
    wanted = sessions.plan_of(plan).deployment.model
    try:
        place = real_path(typed_path(folder))
    except UnusablePath as unusable:
        raise CloudError("The folder cannot be used", str(unusable), "Name another folder.") from None
    with tempfile.TemporaryDirectory() as scratch:
        path = wanted.path
        if path is None and wanted.source:
            cloud = None if wanted.source.startswith(("runs:/", "models:/")) else sessions.cloud_of(plan)
            path = Path(scratch)
            staging.only(staging.listing(cloud, wanted.source), write_scoring_files.SMALL_FILES, path)
        if path is None:
            raise _refused("The plan must name the folder or address of a model; registered models are not read.")
        try:
            made = write_scoring_files.make(model_folder.read(path))
        except write_scoring_files.NotMlflow as wrong:
            raise _refused(str(wrong)) from None
    taken = [name for name in made.files if (place / name).exists()]
    if taken and not replace:
        raise CloudError(
            f"{place} already has {', '.join(taken)}", "Nothing was written.", "Name another folder.", code="FilesExist"
        )
    try:
        for name, text in made.files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CloudError(f"{place} cannot be written", f"{error.strerror}.", "Name another folder.") from None
    keys = {
        "deployment.model.type": "custom_model",
        "deployment.code_configuration.code": str(place / "onlinescoring"),
        "deployment.code_configuration.scoring_script": "score.py",
        "deployment.environment.conda_file": str(place / "conda.yml"),
        "deployment.environment.image": write_scoring_files.IMAGE,
    }
    if "sample-request.json" in made.files:
        keys["test.request"] = str(place / "sample-request.json")
    return {"files": [str(place / name) for name in made.files], "added": made.added, "notes": made.notes, "set": keys}


def _refused(cause: str) -> CloudError:
    remedy = "Use an MLflow model: a folder with the file MLmodel, runs:/… or models:/…."
    return CloudError("There is no MLflow model to write a scoring script for", cause, remedy, code="NotMlflow")
