"""Create score.py, conda file and sample request for an MLflow model for which Azure generates no scoring script.

Without code, Azure provides the script and builds the environment from the model's own conda file. Azure rejects that
with `egress_public_network_access: disabled`, and it fails if the container cannot reach a package index (Microsoft,
how-to-deploy-mlflow-models-online-endpoints). With the files created here, the same model can be deployed there too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.checks.environment import conda_file, old_setuptools
from tui.checks.environment.conda_file import SERVER
from tui.checks.model import model_folder
from tui.checks.model.model_folder import ModelFolder
from tui.common.conda_file import name_in_model
from tui.common.redact import without_logins

IMAGE = "mcr.microsoft.com/azureml/openmpi5.0-ubuntu24.04:20260901.v1"
"""The base image of the presets, with a dated tag."""

SMALL_FILES = ("MLmodel", "conda.yaml", "requirements.txt", "python_env.yaml", "input_example.json")
"""The files of an MLflow model that describe it; the weights are not among them."""

_MLFLOW = ("mlflow", "mlflow-skinny")


@dataclass(frozen=True)
class ScoringFiles:
    """File contents by name below the folder; `added` are the packages that the model's own list lacks."""

    files: dict[str, str]
    added: tuple[str, ...]
    notes: tuple[str, ...]


class NotMlflow(Exception):
    """The folder has no readable MLflow model; the message says why."""


def make(model: ModelFolder) -> ScoringFiles:
    """Create the files for a model. Raises NotMlflow."""
    if model.mlmodel is None or model.mlmodel_path is None:
        raise NotMlflow(model.problem or f"{model.path} has no MLmodel file, so MLflow did not save it.")
    if "python_function" not in model.flavours:
        raise NotMlflow(f"{model.path} has no python_function flavour, which MLflow needs to load it for scoring.")
    conda, added, notes = _conda(model)
    files = {"onlinescoring/score.py": SCORE, "conda.yml": conda}
    sample = sample_request(model)
    if sample is None:
        notes.append(
            "The model has neither an input example nor a signature with named columns: write the sample request "
            "yourself."
        )
    else:
        files["sample-request.json"] = json.dumps(sample, indent=2) + "\n"
        if model.example is None:
            notes.append("The model has no input example: the sample request has made-up values.")
    return ScoringFiles(files, tuple(added), tuple(notes))


def sample_request(model: ModelFolder) -> dict[str, Any] | None:
    """A request that both Azure's script for MLflow models and score.py here accept; None if it cannot be derived."""
    rows = model_folder.rows(model)
    return model_folder.input_data(rows) if rows else None


def _conda(model: ModelFolder) -> tuple[str, list[str], list[str]]:
    """The model's conda file with the packages that serving needs; these packages; notes about it."""
    import yaml

    assert model.mlmodel_path is not None
    folder = model.mlmodel_path.parent
    notes: list[str] = []
    own = conda_file.read(folder / name_in_model(model.details("python_function")))
    if not own.found or own.problem:
        python = model.versions.get("python") or "3.12"
        listed = [f"python={python}", "pip", {"pip": _requirements(folder / "requirements.txt")}]
        own = conda_file.CondaFile(own.path)
        conda_file.take(own, {"dependencies": listed})
        notes.append("The model has no readable conda file; its requirements.txt was used.")
    dependencies = list(own.content["dependencies"])
    pip = next((item["pip"] for item in dependencies if isinstance(item, dict) and "pip" in item), None)
    if pip is None:
        pip = []
        if not any(isinstance(item, str) and item.split("=")[0].strip() == "pip" for item in dependencies):
            dependencies.append("pip")
        dependencies.append({"pip": pip})
    added = [] if own.has_server else [SERVER]
    added += [] if "pandas" in own.packages else ["pandas"]
    if not any(name in own.packages for name in _MLFLOW):
        version = model.versions.get("mlflow")
        added.append(f"mlflow-skinny=={version}" if version else "mlflow-skinny")
    if old_setuptools.culprit(own):
        added.append(old_setuptools.LINE)
    pip.extend(added)
    if own.local:
        notes.append(f"These lines refer to local files, which are not sent to Azure: {', '.join(own.local)}.")
    made = {
        "name": "mlflow-scoring",
        "channels": own.content.get("channels") or ["conda-forge"],
        "dependencies": dependencies,
    }
    head = "# Made from the MLflow model's own environment.\n"
    if added:
        head += f"# Added for the scoring server: {', '.join(added)}.\n"
    text = head + yaml.safe_dump(made, sort_keys=False)
    written = without_logins(text)
    if written != text:
        notes.append("A login in a URL is left out: a connection of the workspace can give it to the build.")
    return written, added, notes


def _requirements(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


SCORE = '''\
"""Scoring script for an MLflow model: the inference server calls init() once, and run() for every request.

Request   {"input_data": {"columns": [...], "index": [...], "data": [[...], ...]}}   as for models without code,
          or {"data": [{"column": value, ...}, ...]}
Response  [prediction, ...]   in the order of the request
"""

import json
import logging
import os
from pathlib import Path

import mlflow.pyfunc
import pandas as pd
from mlflow.utils.proto_json_utils import dataframe_from_parsed_json

logger = logging.getLogger("azmlinfsrv.mlflow")
model = None
schema = None


def init():
    """Load the model. An exception here ends the container; its log has the reason."""
    global model, schema
    root = Path(os.environ["AZUREML_MODEL_DIR"])
    found = sorted(root.rglob("MLmodel"))
    if not found:
        raise FileNotFoundError(f"No MLmodel under {root}: was the right folder registered?")
    model = mlflow.pyfunc.load_model(str(found[0].parent))
    schema = model.metadata.get_input_schema()
    logger.info("model %s loaded", found[0].parent.name)


def run(raw_data):
    """Answer one request. Invalid input raises: a 500 here, a 424 at the endpoint, never a 200 with an error text."""
    frame = _frame(json.loads(raw_data))
    logger.info("scoring %d row(s)", len(frame))
    return _plain(model.predict(frame))


def _frame(body):
    """The rows of the request as a table, typed by the model's signature."""
    table = body.get("input_data", body.get("dataframe_split")) if isinstance(body, dict) else None
    rows = body.get("data") if isinstance(body, dict) else None
    if isinstance(table, dict) and "data" in table:
        split = {name: table[name] for name in ("columns", "index", "data") if name in table}
        return dataframe_from_parsed_json(split, pandas_orient="split", schema=schema)
    if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
        return dataframe_from_parsed_json(rows, pandas_orient="records", schema=schema)
    raise ValueError(\'The request must be {"input_data": {"columns": [...], "data": [[...]]}} or {"data": [{...}]}.\')


def _plain(result):
    """Predictions as JSON has them."""
    if isinstance(result, pd.DataFrame):
        return json.loads(result.to_json(orient="records"))
    if isinstance(result, pd.Series):
        return json.loads(result.to_json(orient="values"))
    return result.tolist() if hasattr(result, "tolist") else result
'''
