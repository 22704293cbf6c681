"""Read a model folder: size, MLflow's MLmodel file, flavour, signature, example."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.checks.model import file_count
from tui.common.conda_file import read_yaml
from tui.common.regular_file import read_regular
from tui.common.typed_path import is_file, real_path

# The libraries whose version a flavour records: the flavour's key, and the packages that can provide the library.
LIBRARY_VERSIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "xgboost": ("xgb_version", ("xgboost", "xgboost-cpu")),
    "sklearn": ("sklearn_version", ("scikit-learn",)),
    "lightgbm": ("lgb_version", ("lightgbm",)),
    "catboost": ("catboost_version", ("catboost",)),
    "pytorch": ("pytorch_version", ("torch",)),
    "tensorflow": ("tensorflow_version", ("tensorflow", "tensorflow-cpu")),
    "keras": ("keras_version", ("keras", "tensorflow", "tensorflow-cpu")),
    "onnx": ("onnx_version", ("onnx", "onnxruntime")),
    "statsmodels": ("statsmodels_version", ("statsmodels",)),
    "spacy": ("spacy_version", ("spacy",)),
    "prophet": ("prophet_version", ("prophet",)),
    "transformers": ("transformers_version", ("transformers",)),
}

_EXAMPLES = {
    "double": 0.0,
    "float": 0.0,
    "integer": 0,
    "long": 0,
    "boolean": False,
    "string": "text",
    "datetime": "2026-01-31T00:00:00",
    "binary": "",
}


@dataclass
class ModelFolder:
    """A model on disk. `complete` is false if the time ran out before everything was counted."""

    path: Path
    exists: bool = False
    files: int = 0
    bytes: int = 0
    complete: bool = True
    mlmodel_path: Path | None = None
    mlmodel: dict[str, Any] | None = None
    flavours: tuple[str, ...] = ()
    signature: list[dict[str, str]] | None = None
    example: Any = None
    problem: str = ""
    unreadable: list[str] = field(default_factory=list)
    figures: file_count.Figures = field(default_factory=file_count.Figures)
    """The count, with the files that the ignore file excludes."""

    @property
    def flavour(self) -> str | None:
        """The library's flavour, if there is one besides python_function."""
        return next((name for name in self.flavours if name != "python_function"), None) or (
            "python_function" if self.flavours else None
        )

    @property
    def versions(self) -> dict[str, str]:
        """The versions in MLmodel: of MLflow, Python and the flavour's library."""
        found = {
            "mlflow": (self.mlmodel or {}).get("mlflow_version"),
            "python": self.details("python_function").get("python_version"),
        }
        for flavour in self.flavours:
            if flavour in LIBRARY_VERSIONS:
                found[flavour] = self.details(flavour).get(LIBRARY_VERSIONS[flavour][0])
        return {name: version for name, version in found.items() if isinstance(version, str) and version}

    def details(self, flavour: str) -> dict[str, Any]:
        """The entry of one flavour in MLmodel."""
        flavours = (self.mlmodel or {}).get("flavors")
        found = flavours.get(flavour) if isinstance(flavours, dict) else None
        return found if isinstance(found, dict) else {}


def read(path: Path, seconds: float = 10.0) -> ModelFolder:
    """Read a model's file or folder, counting for at most about `seconds`; never raises, runs none of its code."""
    folder = ModelFolder(path)
    try:
        folder.exists = path.exists()
        single = folder.exists and path.is_file()
    except OSError as error:
        folder.problem = f"{path} cannot be read: {error.strerror or error}."
        return folder
    if not folder.exists:
        return folder
    # MLmodel first: if time is short, it is more useful than the count.
    if not single:
        _read_mlmodel(folder)
    _count(folder, seconds)
    return folder


def _count(folder: ModelFolder, seconds: float) -> None:
    ends = time.monotonic() + seconds
    figures = file_count.count(folder.path, file_count.Figures(), lambda: time.monotonic() > ends)
    folder.files, folder.bytes, folder.complete = figures.files, figures.bytes, figures.complete
    folder.unreadable, folder.figures = figures.unreadable, figures


def _read_mlmodel(folder: ModelFolder) -> None:
    path = _find_mlmodel(folder.path)
    if path is None:
        return
    folder.mlmodel_path = path
    read_file = read_yaml(path)
    if read_file.problem:
        folder.problem = read_file.problem
        return
    if not isinstance(read_file.content, dict) or not isinstance(read_file.content.get("flavors"), dict):
        folder.problem = f"{path.name} lists no flavors, so it was not written by MLflow."
        return
    folder.mlmodel = read_file.content
    folder.flavours = tuple(read_file.content["flavors"])
    folder.signature = _signature(read_file.content)
    folder.example = _example(path.parent, read_file.content)


def _find_mlmodel(folder: Path) -> Path | None:
    """MLmodel in the folder itself, or in the first subfolder that has one."""
    if is_file(folder / "MLmodel"):
        return folder / "MLmodel"
    try:
        with os.scandir(folder) as entries:
            inside = sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return None
    # A model has few sub-folders; a data folder that was named by mistake may have thousands.
    return next((Path(name, "MLmodel") for name in inside[:50] if is_file(Path(name, "MLmodel"))), None)


def _signature(mlmodel: dict[str, Any]) -> list[dict[str, str]] | None:
    """The inputs in MLmodel, as name and type; None if there is no readable signature."""
    signature = mlmodel.get("signature")
    written = signature.get("inputs") if isinstance(signature, dict) else None
    if not isinstance(written, str):
        return None
    try:
        inputs = json.loads(written)
    except (ValueError, RecursionError):  # the latter for deep nesting
        return None
    if not isinstance(inputs, list) or not all(isinstance(item, dict) for item in inputs):
        return None
    return [{"name": str(item.get("name") or ""), "type": _type(item)} for item in inputs]


def _type(item: dict[str, Any]) -> str:
    tensor = item.get("tensor-spec")
    if isinstance(tensor, dict):
        return f"tensor {tensor.get('dtype')} {tensor.get('shape')}"
    return str(item.get("type", ""))


def _example(folder: Path, mlmodel: dict[str, Any]) -> Any:
    """The input example that was saved with the model, as JSON data."""
    info = mlmodel.get("saved_input_example_info")
    name = info.get("artifact_path") if isinstance(info, dict) else None
    if not isinstance(name, str):
        return None
    try:
        path = real_path(folder / name)
        if real_path(folder) not in path.parents or path.stat().st_size > 1_000_000:
            return None
        return json.loads(read_regular(path))
    except (OSError, ValueError, RecursionError):
        return None


def input_data(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows in the format of Azure's scoring script for MLflow models (Microsoft, how-to-deploy-mlflow-models)."""
    columns = list(rows[0])
    data = [[row.get(name) for name in columns] for row in rows]
    return {"input_data": {"columns": columns, "index": list(range(len(rows))), "data": data}}


def rows(folder: ModelFolder) -> list[dict[str, Any]] | None:
    """One or more rows to test the model with: from its example, or generated from its signature."""
    example = folder.example
    if isinstance(example, dict) and isinstance(example.get("columns"), list) and isinstance(example.get("data"), list):
        return [dict(zip(example["columns"], row)) for row in example["data"] if isinstance(row, list)]
    if isinstance(example, list) and example and all(isinstance(row, dict) for row in example):
        return example
    columns = folder.signature or []
    if columns and all(column["name"] and column["type"] in _EXAMPLES for column in columns):
        return [{column["name"]: _EXAMPLES[column["type"]] for column in columns}]
    return None
