"""Makes a small model of each library, in an environment of its own that uv keeps in its cache."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import uv

_UV = uv.find_uv_bin()  # once: it is not for threads
_DATA = """
import numpy as np
from pathlib import Path
folder = Path(folder)
rows = np.random.default_rng(7).random((60, 4)).round(3)
target = (rows @ [1.0, 2.0, -1.0, 0.5]).round(3)
classes = (target > 1.2).astype(int)
"""


@dataclass(frozen=True)
class Maker:
    """How a model is made: the packages for it, and the program that writes it into `folder`.

    `newest` and `oldest` are the Python versions that the packages have wheels for.
    """

    packages: tuple[str, ...]
    program: str
    oldest: str = "3.9"
    newest: str = "3.13"
    needs: str = ""
    """Why it is made only when asked for by name: what it downloads."""


MAKERS: dict[str, Maker] = {
    "sklearn-joblib": Maker(
        ("scikit-learn==1.6.1", "numpy<2.3"),
        "import joblib; from sklearn.linear_model import LogisticRegression\n"
        "joblib.dump(LogisticRegression().fit(rows, classes), folder / 'model.joblib')",
    ),
    "sklearn-pickle": Maker(
        ("scikit-learn==1.5.2", "pandas==2.2.3", "numpy<2.3"),
        "import pickle; import pandas as pd\n"
        "from sklearn.compose import make_column_transformer; from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import OneHotEncoder; from sklearn.linear_model import LinearRegression\n"
        "table = pd.DataFrame({'size': rows[:, 0], 'kind': ['a', 'b', 'c'] * 20})\n"
        "parts = make_column_transformer((OneHotEncoder(), ['kind']), remainder='passthrough')\n"
        "model = make_pipeline(parts, LinearRegression()).fit(table, target)\n"
        "pickle.dump(model, (folder / 'pipeline.pkl').open('wb'))",
    ),
    "xgboost-json": Maker(
        ("xgboost==2.1.4", "scikit-learn==1.6.1", "numpy<2.3"),
        "import xgboost\nxgboost.XGBRegressor(n_estimators=5).fit(rows, target).save_model(folder / 'model.json')",
    ),
    "xgboost-ubj": Maker(
        ("xgboost==2.0.3", "numpy<2"),
        "import xgboost\n"
        "booster = xgboost.train({}, xgboost.DMatrix(rows, target, feature_names=list('abcd')), 5)\n"
        "booster.save_model(folder / 'booster.ubj')",
        newest="3.12",
    ),
    "lightgbm": Maker(
        ("lightgbm==4.6.0", "numpy<2.3"),
        "import lightgbm\n"
        "data = lightgbm.Dataset(rows, target, params={'min_data_in_leaf': 5})\n"
        "lightgbm.train({'verbose': -1}, data, 5).save_model(folder / 'model.txt')",
    ),
    "catboost": Maker(
        ("catboost==1.2.8", "numpy<2.3"),
        "from catboost import CatBoostRegressor\n"
        "model = CatBoostRegressor(iterations=5, verbose=0, allow_writing_files=False).fit(rows, target)\n"
        "model.save_model(str(folder / 'model.cbm'))",
    ),
    "onnx": Maker(
        ("scikit-learn==1.5.2", "skl2onnx==1.18.0", "onnx==1.17.0", "numpy<2"),
        "from skl2onnx import to_onnx; from sklearn.linear_model import LinearRegression\n"
        "model = to_onnx(LinearRegression().fit(rows, target), rows[:1].astype('float32'))\n"
        "(folder / 'model.onnx').write_bytes(model.SerializeToString())",
        newest="3.12",
    ),
    "keras": Maker(
        ("tensorflow-cpu==2.18.1", "numpy<2.1"),
        "import keras\n"
        "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])\n"
        "model.save(folder / 'model.keras')",
        newest="3.12",
    ),
    "tensorflow": Maker(
        ("tensorflow-cpu==2.18.1", "numpy<2.1"),
        "import keras\nkeras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]).export(folder / 'saved')",
        newest="3.12",
    ),
    "spacy": Maker(
        ("spacy==3.8.7", "click", "numpy<2.3"),
        "import spacy\n"
        "model = spacy.blank('en')\n"
        "model.add_pipe('entity_ruler').add_patterns([{'label': 'ORG', 'pattern': 'Acme'}])\n"
        "model.to_disk(folder / 'ner')",
    ),
    "prophet": Maker(
        ("prophet==1.1.7", "cmdstanpy<1.3", "pandas==2.2.3", "numpy<2.3"),
        "import pandas as pd; from prophet import Prophet; from prophet.serialize import model_to_json\n"
        "table = pd.DataFrame({'ds': pd.date_range('2026-01-01', periods=60), 'y': target})\n"
        "model = Prophet(yearly_seasonality=False, daily_seasonality=False).fit(table)\n"
        "(folder / 'model.json').write_text(model_to_json(model))",
    ),
    "statsmodels": Maker(
        ("statsmodels==0.14.4", "scipy<1.16", "pandas==2.2.3", "numpy<2.3"),
        "import statsmodels.api as sm\nsm.OLS(target, sm.add_constant(rows)).fit().save(str(folder / 'ols.pickle'))",
    ),
    "torchscript": Maker(
        ("torch==2.4.1", "numpy<2"),
        "import torch\ntorch.jit.script(torch.nn.Linear(4, 1)).save(str(folder / 'model.pt'))",
        newest="3.12",
        needs="torch, whose build on PyPI brings CUDA: some three gigabytes",
    ),
    "transformers": Maker(
        ("transformers==4.46.3", "torch==2.4.1", "numpy<2"),
        "from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast\n"
        "(folder / 'vocab.txt').write_text('\\n'.join(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'good', 'bad']))\n"
        "tokenizer = BertTokenizerFast(str(folder / 'vocab.txt'))\n"
        "size = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)\n"
        "model = BertForSequenceClassification(BertConfig(vocab_size=7, **size))\n"
        "model.save_pretrained(folder / 'sentiment'); tokenizer.save_pretrained(folder / 'sentiment')\n"
        "(folder / 'vocab.txt').unlink()",
        newest="3.12",
        needs="torch, whose build on PyPI brings CUDA: some three gigabytes",
    ),
}
"""By name. Versions are pinned, so that a table of today can be repeated."""

_MLFLOW = (
    "import mlflow, pandas as pd; from sklearn.linear_model import LinearRegression\n"
    "table = pd.DataFrame(rows, columns=list('abcd'))\n"
    "mlflow.sklearn.save_model(LinearRegression().fit(table, target), str(folder / 'model'), input_example=table[:2],\n"
    "    signature=mlflow.models.infer_signature(table, target))"
)
MLFLOW: dict[str, Maker] = {}
# MLflow asks for neither, and its old releases import pkg_resources, which newer releases of setuptools do not have.
_OLD = ("setuptools<81",)
for _version, _oldest, _newest, _more in (
    ("2.9.2", "3.8", "3.11", ("scikit-learn==1.3.2", "pandas==2.0.3", "numpy<1.27", *_OLD)),
    ("2.12.2", "3.8", "3.11", ("scikit-learn==1.3.2", "pandas==2.0.3", "numpy<1.27", *_OLD)),
    ("2.16.2", "3.9", "3.12", ("scikit-learn==1.5.2", "pandas==2.2.3", "numpy<2")),
    ("2.22.1", "3.9", "3.13", ("scikit-learn==1.6.1", "pandas==2.2.3", "numpy<2.3")),
    ("3.6.0", "3.10", "3.13", ("scikit-learn==1.7.2", "pandas==2.3.3", "numpy<2.4")),
):
    MLFLOW[f"mlflow-{_version}"] = Maker((f"mlflow=={_version}", *_more), _MLFLOW, _oldest, _newest)
MAKERS.update(MLFLOW)


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def suits(maker: Maker, version: str) -> bool:
    """Whether a model's packages have wheels for a version of Python, such as 3.12."""
    return _number(maker.oldest) <= _number(version) <= _number(maker.newest)


def interpreters() -> dict[str, str]:
    """The Python interpreters here, the oldest first: path by version, such as 3.12."""
    found = {".".join(map(str, sys.version_info[:2])): sys.executable}
    for path in Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv").glob("versions/3.*/bin/python"):
        found[".".join(path.parts[-3].split(".")[:2])] = str(path)
    return dict(sorted(found.items(), key=lambda one: _number(one[0])))


def make(name: str, python: str, folder: Path) -> None:
    """Make a model in an empty folder. Raises subprocess.CalledProcessError, with its output, if that fails."""
    maker = MAKERS[name]
    folder.mkdir(parents=True)
    packages = [argument for package in maker.packages for argument in ("--with", package)]
    subprocess.run(
        [_UV, "run", "--quiet", "--no-project", "--python", python, *packages, "python", "-"],
        input=f"folder = {str(folder)!r}\n{_DATA}\n{maker.program}\n",
        check=True, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
