"""Looks into a folder: models, scoring scripts, environments, requests and what else a deployment is made of."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tui.checks.model import model_files, model_folder
from tui.checks.model.model_files import ModelFile
from tui.checks.model.model_folder import ModelFolder
from tui.checks.scoring import score_script
from tui.common.conda_file import read_yaml
from tui.common.redact import without_logins
from tui.common.typed_path import is_file, not_utf8

DEEPEST, MOST = 6, 20_000
"""Folders below the one that is looked into, and files in all; more is hardly a model with its code."""
_SKIPPED = re.compile(r"^(\..*|__pycache__|node_modules|venv|env|site-packages|wandb|tests?)$")
_OF_RUNS = ("mlruns", "outputs")  # of earlier runs; looked into last
_LARGEST_REQUEST, _LARGEST_YAML = 1_000_000, 40_000  # bytes; PyYAML takes seconds for more


@dataclass(frozen=True)
class Note:
    """Something that was found (`sure`) or guessed, and what that rests on: a file, a version, a rule."""

    text: str
    rests_on: str
    sure: bool = True


class Notes(list[Note]):
    """Notes in the order in which they were made."""

    def add(self, text: str, rests_on: object, sure: bool = True) -> None:
        """Add a note."""
        self.append(Note(without_logins(text), without_logins(str(rests_on)), sure))


@dataclass
class FolderContents:
    """What was found, each in order of how likely it is what is to be deployed; paths are absolute."""

    folder: Path
    mlflow: list[ModelFolder] = field(default_factory=list)
    models: list[ModelFile] = field(default_factory=list)
    scripts: list[Path] = field(default_factory=list)
    conda_files: list[Path] = field(default_factory=list)
    requirements: list[Path] = field(default_factory=list)
    dockerfiles: list[Path] = field(default_factory=list)
    requests: list[Path] = field(default_factory=list)
    az_files: list[Path] = field(default_factory=list)
    plans: list[Path] = field(default_factory=list)
    single: Path | None = None
    """The file, if a file is looked at."""
    seen: list[Path] = field(default_factory=list)
    """All files and folders, also those of models."""
    unread: list[str] = field(default_factory=list)
    complete: bool = True

    def prefer_near(self, place: Path) -> None:
        """Put first what lies near a script or a model; what is as near stays in order."""
        for paths in (self.conda_files, self.requirements, self.dockerfiles, self.requests):
            paths[:] = nearest(place, paths)
        self.models.sort(key=lambda one: _distance(place, one.path))


def nearest(place: Path, paths: list[Path]) -> list[Path]:
    """The paths by how many folders are between them and a place."""
    return sorted(paths, key=lambda path: _distance(place, path))


def _distance(place: Path, path: Path) -> int:
    return len(Path(os.path.relpath(path.parent, place.parent)).parts)


def look(folder: Path) -> FolderContents:
    """Look into a folder, or at a single file of a model. Raises OSError if it cannot be read."""
    found = FolderContents(folder if folder.is_dir() else folder.parent)
    if folder.is_file():
        found.single = folder
        _model(folder, found)
        return found
    inside = None
    for path, files in _walk(folder, found):
        found.seen += [path, *files]
        if len(found.seen) > MOST:
            found.complete = False
            break
        if inside and inside in path.parents:
            continue  # it is the model's
        inside = path
        if path / "MLmodel" in files:
            found.mlflow.append(model_folder.read(path))
        elif not _model(path, found):
            inside = None
            for file in files:
                _file(file, found)
    _order(found)
    return found


def _walk(folder: Path, found: FolderContents) -> Iterator[tuple[Path, list[Path]]]:
    """Each folder with its files; pipes and devices are none, and neither is what has no name in UTF-8."""

    def unread(error: OSError) -> None:
        if Path(str(error.filename)) == folder:
            raise error
        found.unread.append(f"{error.filename}: {error.strerror}")

    for path, folders, files in os.walk(folder, onerror=unread):
        depth = len(Path(path).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if depth < DEEPEST and not _SKIPPED.match(name))
        folders.sort(key=lambda name: name in _OF_RUNS)
        inside = [Path(path, name) for name in sorted(files)]
        yield Path(path), [file for file in inside if is_file(file) and not not_utf8(file)]


def _model(path: Path, found: FolderContents) -> bool:
    try:
        model = model_files.recognise(path)
    except (OSError, ValueError) as error:
        found.unread.append(f"{path}: {getattr(error, 'strerror', None) or error}")
        return False
    if model is not None:
        found.models.append(model)
    return model is not None


def _file(path: Path, found: FolderContents) -> None:
    name, suffix = path.name.lower(), path.suffix.lower()
    if suffix == ".py":
        script = score_script.read(path.parent, path.name)
        if script.has_init and script.has_run:
            found.scripts.append(path)
    elif suffix in (".yml", ".yaml"):
        _yaml(path, found)
    elif name.startswith("requirements") and suffix == ".txt":
        found.requirements.append(path)
    elif name == "dockerfile" or suffix == ".dockerfile":
        found.dockerfiles.append(path)
    elif suffix == ".json" and _is_request(path):
        found.requests.append(path)
    else:
        _model(path, found)


def _yaml(path: Path, found: FolderContents) -> None:
    content = read_yaml(path).content if path.stat().st_size <= _LARGEST_YAML else None
    if not isinstance(content, dict):
        return
    if isinstance(content.get("dependencies"), list):
        found.conda_files.append(path)
    elif "deployment" in content or "deployments" in content:
        found.plans.append(path)
    elif (
        re.search("online(deployment|endpoint)", str(content.get("$schema", "")).lower()) or "instance_type" in content
    ):
        found.az_files.append(path)


def _is_request(path: Path) -> bool:
    """Whether a JSON file looks like a request: what scripts and Azure's own servers take as the outermost keys."""
    try:
        if path.stat().st_size > _LARGEST_REQUEST:
            return False
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    if isinstance(content, dict):
        keys = {"data", "input_data", "inputs", "instances", "dataframe_split", "dataframe_records", "Inputs"}
        return bool(keys & set(content))
    named = re.search(r"request|sample|input|payload", path.name.lower())
    return isinstance(content, list) and bool(content) and named is not None


def _order(found: FolderContents) -> None:
    """What lies higher, and has the usual name, comes first."""

    def rank(path: Path, usual: str) -> tuple[int, int, str]:
        return (not re.match(usual, path.name), len(path.relative_to(found.folder).parts), str(path))

    for paths, usual in (
        (found.scripts, r"score\.py$"),
        (found.conda_files, r"(conda|environment|env)\."),
        (found.requirements, r"requirements\.txt$"),
        (found.dockerfiles, r"Dockerfile$"),
        (found.requests, r".*(sample|request)"),
        (found.az_files, r""),
        (found.plans, r"plan"),
    ):
        paths.sort(key=lambda path, usual=usual: rank(path, usual))  # type: ignore[misc]
    found.models.sort(key=lambda model: rank(model.path, r"model"))
    found.mlflow.sort(key=lambda model: rank(model.path, r"model"))
