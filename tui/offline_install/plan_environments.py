"""Reads which packages the scoring environments of a plan need."""

from __future__ import annotations

import os
from pathlib import Path

from tui.common.typed_path import is_file, real_path, typed_path
from tui.offline_install import package_indexes
from tui.offline_install.package_indexes import Wanted
from tui.plain.failure import Failure
from tui.plan.load_save.document import Document, is_local_path
from tui.plan.load_save.references import Unresolved, expand

_OTHERWISE = "Only the packages of a conda file can be fetched."


def environments(document: Document, name: str) -> dict[str, Wanted]:
    """The packages of each deployment's environment, by a label for messages; `name` is the plan's. Raises Failure."""
    labels = {f"{name}, deployment {one.value('deployment.name')}": one for one in document.each()}
    return {label: wanted(one, label) for label, one in labels.items()}


def wanted(document: Document, label: str) -> Wanted:
    """The packages of a deployment's environment, from its conda file or its MLflow model. Raises Failure."""
    conda = local(document, "deployment.environment.conda_file", label)
    if conda is not None:
        try:
            return package_indexes.needs(conda=conda.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise Failure(f"{label}: the conda file {conda} cannot be read: {reason}.", 2) from None
    if document.get("deployment.environment"):
        raise Failure(f"{label}: the environment is not a conda file but an asset or image in Azure. {_OTHERWISE}", 2)
    model = local(document, "deployment.model.path", label)
    if model is not None and is_file(model / "MLmodel"):
        return package_indexes.needs(mlflow=str(model))
    raise Failure(f"{label}: the plan names neither a conda file nor a local MLflow model. {_OTHERWISE}", 2)


def local(document: Document, key: str, label: str) -> Path | None:
    """The local path at a key, or None. Raises Failure for a reference without a value."""
    value = text(document, key, label)
    if not value or not is_local_path(value):
        return None
    return real_path(document.base / typed_path(value))


def text(document: Document, key: str, label: str) -> str:
    """The value at a key with its references expanded; empty if there is none. Raises Failure."""
    value = document.value(key)
    if not isinstance(value, str):
        return ""
    try:
        return expand(value, os.environ)
    except Unresolved as reason:
        raise Failure(f"{label}: {key} has no value on this machine. {reason}", 2) from None
