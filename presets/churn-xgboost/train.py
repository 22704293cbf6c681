"""Train the churn model on synthetic data and save it in MLflow format.

    python train.py

The data is invented: plausible distributions of a retail bank's customers, a fixed seed, and a churn
rate that depends on plausible reasons: unhappy, often refused, new customer, low balance.
Nothing in it describes real people. With your own data, replace `customers()` and keep the rest.

Needs only xgboost-cpu, pandas and numpy, as conda.yml lists them. The MLmodel file is written by hand
here so that training does not need mlflow; with mlflow installed, mlflow.xgboost.save_model does the same.
The preset mlflow-xgboost has the same model for serving without code; it is written too if its folder exists.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost

SEED = 20240607
ROWS = 24_000
HERE = Path(__file__).resolve().parent
WITHOUT_CODE = HERE.parent / "mlflow-xgboost"

# Packages in the model's environment besides its libraries. score.py needs none of them to load the model.
MLFLOW = ("mlflow==2.16.2",)
# Without code, this is the whole environment: mlflow-skinny loads the model, the server serves it, and Azure's scoring
# script imports the monitoring package, which Azure does not add by itself.
SERVING = ("mlflow-skinny==2.16.2", "azureml-inference-server-http==1.5.1", "azureml-ai-monitoring==1.0.0")

# The names and types of the model's inputs, in order. `integer` and `long` are MLflow's terms.
COLUMNS = {
    "Idade": "long",
    "RendaMensal": "double",
    "PercentualUtilizacaoLimite": "double",
    "QtdTransacoesNegadas": "long",
    "AnosDeRelacionamentoBanco": "long",
    "JaUsouChequeEspecial": "long",
    "QtdEmprestimos": "long",
    "NumeroAtendimentos": "long",
    "TMA": "double",
    "IndiceSatisfacao": "long",
    "Saldo": "double",
    "CLTV": "double",
}


def customers(rows: int, seed: int) -> tuple[pd.DataFrame, pd.Series]:
    """Invented customers, and whether each left the bank (1) or stayed (0)."""
    rng = np.random.default_rng(seed)
    age = np.clip(rng.normal(43, 13, rows), 18, 90).round()
    income = np.clip(rng.lognormal(8.45, 0.62, rows), 1_320, 80_000).round(2)
    years = np.minimum(rng.gamma(2.2, 3.4, rows), age - 17).round()
    # The higher the income, the less of the credit limit is used.
    utilisation = 100 * rng.beta(2.0, 3.2, rows) * (9_000 / (income + 6_000)) ** 0.25
    utilisation = np.clip(utilisation, 0, 100).round(1)
    refused = rng.poisson(0.4 + utilisation / 45)
    overdraft = (rng.random(rows) < 0.12 + utilisation / 220).astype(int)
    loans = rng.poisson(0.5 + 0.5 * overdraft)
    contacts = rng.poisson(1.1 + 0.35 * refused)
    # TMA, "tempo medio de atendimento": minutes that a contact takes on average.
    handling = np.where(contacts > 0, np.clip(rng.gamma(4.0, 2.1, rows), 1, 45), 0).round(1)
    satisfaction = np.clip((4.3 - 0.05 * handling - 0.22 * contacts + rng.normal(0, 0.9, rows)).round(), 1, 5)
    balance = (rng.gamma(1.3, income * 1.1) - overdraft * income * rng.random(rows) * 0.6).round(2)
    # CLTV, customer lifetime value: the revenue expected from the customer.
    value = np.clip(income * 0.35 + years * 210 + loans * 640 + rng.normal(0, 700, rows), 100, None).round(2)

    log_odds = (
        -1.55
        - 0.95 * (satisfaction - 3)
        + 0.30 * (refused - 1)
        + 0.22 * (contacts - 1.5)
        + 0.05 * (handling - 8)
        - 0.11 * (years - 7)
        + 0.011 * (utilisation - 38)
        - 0.30 * np.arcsinh(balance / 3_000)
        - 0.00008 * (value - 3_500)
        + 0.35 * overdraft
        + np.where((age < 30) & (years < 3), 0.8, 0.0)
        + rng.normal(0, 0.35, rows)
    )
    churned = (rng.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(int)
    values = [
        age, income, utilisation, refused, years, overdraft,
        loans, contacts, handling, satisfaction, balance, value,
    ]  # fmt: skip
    frame = pd.DataFrame(dict(zip(COLUMNS, values)))
    types = {"long": "int64", "double": "float64"}
    return frame.astype({name: types[kind] for name, kind in COLUMNS.items()}), pd.Series(churned)


def area_under_curve(truth: np.ndarray, score: np.ndarray) -> float:
    """The probability that a customer who left is ranked above one who stayed (ROC AUC)."""
    ranks = pd.Series(score).rank().to_numpy()
    positive = int(truth.sum())
    negative = len(truth) - positive
    return float((ranks[truth == 1].sum() - positive * (positive + 1) / 2) / (positive * negative))


def write_model(booster: xgboost.Booster, example: pd.DataFrame, folder: Path, listed: tuple[str, ...]) -> None:
    """Write the folder that MLflow's xgboost flavour and score.py read; its requirements start with `listed`."""
    folder.mkdir(parents=True, exist_ok=True)
    # UBJ and JSON are XGBoost's portable formats, which later releases can read. A pickle is neither
    # portable nor safe to open.
    booster.save_model(folder / "model.ubj")
    signature = json.dumps([{"type": kind, "name": name, "required": True} for name, kind in COLUMNS.items()])
    output = json.dumps([{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1]}}])
    model_id = uuid.uuid5(uuid.NAMESPACE_URL, f"churn-xgboost/{SEED}/{ROWS}").hex
    (folder / "MLmodel").write_text(
        f"""\
flavors:
  python_function:
    data: model.ubj
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.xgboost
    python_version: 3.12.11
  xgboost:
    code: null
    data: model.ubj
    model_class: xgboost.core.Booster
    model_format: ubj
    xgb_version: {xgboost.__version__}
mlflow_version: 2.16.2
model_uuid: {model_id}
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  type: dataframe
signature:
  inputs: '{signature}'
  outputs: '{output}'
  params: null
""",
        encoding="utf-8",
    )
    requirements = [*listed, f"numpy=={np.__version__}", f"pandas=={pd.__version__}"]
    requirements.append(f"xgboost-cpu=={xgboost.__version__}")
    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")
    (folder / "python_env.yaml").write_text(
        "python: 3.12.11\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n",
        encoding="utf-8",
    )
    conda = ["name: mlflow-env", "channels:", "- conda-forge", "dependencies:"]
    conda += ["- python=3.12.11", "- pip", "- pip:"]
    conda += [f"  - {line}" for line in requirements]
    (folder / "conda.yaml").write_text("\n".join(conda) + "\n", encoding="utf-8")
    split = json.loads(example.to_json(orient="split", index=False))
    (folder / "input_example.json").write_text(json.dumps(split) + "\n", encoding="utf-8")


def main() -> None:
    """Train, print the quality on customers that the model has not seen, write the folder `model`."""
    features, churned = customers(ROWS, SEED)
    held_out = ROWS // 5
    train = xgboost.DMatrix(features[:-held_out], label=churned[:-held_out])
    test = xgboost.DMatrix(features[-held_out:], label=churned[-held_out:])
    booster = xgboost.train(
        {
            "objective": "binary:logistic",
            "eval_metric": "auc",
            "max_depth": 4,
            "eta": 0.12,
            "subsample": 0.8,
            "colsample_bytree": 0.8,
            "min_child_weight": 8,
            "seed": SEED,
            # One thread sums in the same order everywhere, so the result is always the same model.
            "nthread": 1,
        },
        train,
        num_boost_round=90,
    )
    auc = area_under_curve(churned[-held_out:].to_numpy(), booster.predict(test))
    write_model(booster, features[:2], HERE / "model", MLFLOW)
    if WITHOUT_CODE.is_dir():
        write_model(booster, features[:2], WITHOUT_CODE / "model", SERVING)
    print(f"customers {ROWS}, of them left {churned.mean():.1%}; AUC on {held_out} held out: {auc:.3f}")
    print(f"written to {HERE / 'model'}")


if __name__ == "__main__":
    main()
