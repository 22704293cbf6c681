"""Compare the releases that a model's own files name with those that the environment requests."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tui.checks.environment.conda_file import CondaFile
from tui.checks.finding import WARNING, Finding, LineFix
from tui.checks.model import model_files
from tui.checks.model.artifact_findings import TROUBLESHOOT, about_package
from tui.checks.model.model_files import ModelFile
from tui.checks.scoring import module_packages

_MOST_FILES, _MOST_BYTES = 50, 64_000_000  # a larger pickle takes seconds to read
_PORTABLE = ("xgboost", "catboost", "keras", "tensorflow", "transformers", "spacy", "prophet")


def read(path: Path) -> list[ModelFile]:
    """The files of a model, or in the first two levels of its folder, that tell the release that wrote them.

    Raises OSError.
    """
    paths = (
        [path]
        if path.is_file()
        else [path, *islice((one for deep in ("*", "*/*") for one in path.glob(deep)), _MOST_FILES)]
    )
    found = []
    for one in paths:
        try:
            if one.is_dir() or one.stat().st_size <= _MOST_BYTES:
                found.append(model_files.recognise(one))
        except (OSError, ValueError):
            continue
    return [model for model in found if model is not None and model.version]


def about(models: list[ModelFile], conda: CondaFile | None) -> Iterator[Finding]:
    """Warnings about packages that are missing, or may be another release than the one that wrote a file."""
    if conda is None or not conda.found or conda.problem:
        return
    for model in models:
        module = module_packages.module_of(model.package)
        names = (model.package, *module_packages.packages_of(module))
        listed = next((conda.packages[name] for name in names if name in conda.packages), None)
        said = f"{model.package} {model.version} ({model.path.name})"
        if listed:
            portable = model.kind in _PORTABLE
            yield from about_package(model.path, said, model.version, portable, listed, conda)
        elif module_packages.missing([module], conda.packages, model.path.parent):
            line = f"{model.package}=={model.version}"
            yield Finding(
                "versions",
                WARNING,
                "deployment.environment.conda_file",
                f"The model was saved with {said}, which {conda.path.name} does not list.",
                f"Add {line} to its pip section, unless the scoring script does not load that file.",
                TROUBLESHOOT,
                f"{model.path}, {conda.path}",
                fixes=(LineFix(conda.path, line),),
            )
