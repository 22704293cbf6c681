"""Writes a scoring script for a model that has none, as its library's documentation loads and calls it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from tui.checks.model.model_files import ModelFile

TEMPLATE = Path(__file__).with_name("score.py.template")


@dataclass(frozen=True)
class Loader:
    """How a kind of model is loaded and called: an import, expressions of `path` and of `rows`, and what a row is."""

    imported: str
    load: str
    predict: str
    takes: str = "table"


_JOBLIB = Loader("import joblib", "joblib.load(path)", "model.predict(rows)")
_CATBOOST = 'model.predict(rows, "Probability" if len(model.classes_) else "RawFormulaVal")'
_PROPHET = 'model.predict(rows.assign(ds=pd.to_datetime(rows["ds"])))[["ds", "yhat", "yhat_lower", "yhat_upper"]]'
_TORCH = 'torch.load(str(path), map_location="cpu", weights_only=False).eval()'
_TORCHSCRIPT = 'torch.jit.load(str(path), map_location="cpu").eval()'
_STATSMODELS = "from statsmodels.iolib.smpickle import load_pickle"
LOADERS: dict[str, Loader] = {
    "sklearn": _JOBLIB,
    "pickle": _JOBLIB,
    "statsmodels": Loader(_STATSMODELS, "load_pickle(str(path))", "model.predict(rows)"),
    "xgboost": Loader(
        "import xgboost", "xgboost.Booster(model_file=str(path))", "model.predict(xgboost.DMatrix(rows))"
    ),
    "lightgbm": Loader("import lightgbm", "lightgbm.Booster(model_file=str(path))", "model.predict(rows)"),
    "catboost": Loader("from catboost import CatBoost", "CatBoost().load_model(str(path))", _CATBOOST),
    "onnx": Loader("import onnxruntime", "onnxruntime.InferenceSession(str(path))", "_run_onnx(rows)", "tensors"),
    "torchscript": Loader("import torch", _TORCHSCRIPT, "_run_torch(rows)", "array"),
    "torch": Loader("import torch", _TORCH, "_run_torch(rows)", "array"),
    "keras": Loader("import keras", "keras.models.load_model(str(path))", "model.predict(rows, verbose=0)", "array"),
    "tensorflow": Loader(
        "import tensorflow as tf", "tf.saved_model.load(str(path))", "_run_saved_model(rows)", "array"
    ),
    "transformers": Loader(
        "from transformers import pipeline", "pipeline($task, model=str(path))", "model(rows)", "texts"
    ),
    "spacy": Loader("import spacy", "spacy.load(path)", "[_of_document(model(text)) for text in rows]", "texts"),
    "prophet": Loader("from prophet.serialize import model_from_json", "model_from_json(path.read_text())", _PROPHET),
    "prophet-pickle": Loader("import joblib", "joblib.load(path)", _PROPHET),
}
"""By the kind of `ModelFile`; other kinds need a script that somebody writes who knows the model's class."""


_REQUESTS = {
    "table": '{"data": [{"column": value, ...}, ...]} or {"input_data": {"columns": [...], "data": [[...], ...]}}',
    "array": '{"data": [[...], ...]}, one row of numbers for each prediction',
    "texts": '{"data": ["text", ...]}',
    "tensors": '{"inputs": {"name": [...], ...}}, or {"data": [[...], ...]} for a model with one input',
}


def takes(model: ModelFile) -> str:
    """What the script takes for a row: a table's, an array's, a text, or named tensors."""
    loader = LOADERS.get(model.kind)
    return model.task if model.task in _REQUESTS else loader.takes if loader else ""


def make(model: ModelFile, name: str) -> str | None:
    """The script for a model that lies at `name` below AZUREML_MODEL_DIR; None if its kind cannot be loaded so."""
    loader = LOADERS.get(model.kind)
    if loader is None:
        return None
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        about=f"a model of {model.package}",
        request=_REQUESTS[takes(model)],
        columns=json.dumps(model.inputs, ensure_ascii=False),
        imports="@",
        name=json.dumps(name, ensure_ascii=False),
        load=loader.load.replace("$task", repr(model.task)),
        predict=loader.predict,
        rows=f"_{takes(model)}(json.loads(raw_data))",
    )
    text = _only_used(text)
    imports = [line for line, use in (("import numpy as np", r"\bnp\."), ("import pandas as pd", r"\bpd\."))
               if re.search(use, text)]  # fmt: skip
    return text.replace("@", "\n".join(["from pathlib import Path", "", *sorted([loader.imported, *imports])]), 1)


def _only_used(text: str) -> str:
    """The script without helpers that nothing calls."""
    parts = text.rstrip().split("\n\n\n")
    while True:
        whole = "\n".join(parts)
        names = [re.match(r"(?:def )?(_\w+|[A-Z]+)\b", part) for part in parts]
        kept = [part for part, name in zip(parts, names) if not name or len(re.findall(rf"\b{name[1]}\b", whole)) > 1]
        if kept == parts:
            break
        parts = kept
    text = "\n\n\n".join(parts) + "\n"
    used = text.count("COLUMNS") > 1
    return text if used else re.sub(r"^COLUMNS = .*\n", "", text, flags=re.MULTILINE)


def sample(model: ModelFile) -> Any:
    """A request with made-up values for the names, the number or the shape of the inputs; None if these are unknown."""
    kind = takes(model)
    if kind == "texts":
        return None if model.task.startswith("image") else {"data": ["This is a text."]}
    if kind == "table" and model.inputs:
        return {"data": [{name: model.examples.get(name, 0.0) for name in model.inputs}]}
    if kind == "tensors" and len(model.inputs) > 1:
        return {"inputs": {name: [[model.examples.get(name, 0.0)]] for name in model.inputs}}
    shape = model.shape or ((model.features,) if model.features else ())
    value: Any = next(iter(model.examples.values()), 0.0)
    for length in reversed(shape):
        value = [value] * length
    return {"data": [value]} if shape else None
