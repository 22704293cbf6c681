"""Scoring script: the inference server calls init() once, and run() for every request.

Request   {"data": [{"Idade": 45, "RendaMensal": 5200.0, …}, …]}   one object per customer, all twelve columns
Response  {"predictions": [{"churn": "yes", "probability": 0.8312}, …]}   in the order of the request
"""

import json
import logging
import math
import os
from pathlib import Path

import pandas as pd
import xgboost

MODEL_FILE = "model.ubj"
# At or above this probability the answer is "yes".
THRESHOLD = 0.5
COLUMNS = {
    "Idade": int,
    "RendaMensal": float,
    "PercentualUtilizacaoLimite": float,
    "QtdTransacoesNegadas": int,
    "AnosDeRelacionamentoBanco": int,
    "JaUsouChequeEspecial": int,
    "QtdEmprestimos": int,
    "NumeroAtendimentos": int,
    "TMA": float,
    "IndiceSatisfacao": int,
    "Saldo": float,
    "CLTV": float,
}

# A child of the server's own logger, which writes INFO to the container's log; other loggers write nothing there.
logger = logging.getLogger("azmlinfsrv.churn")
model = None


def init():
    """Load the model. An exception here ends the container; its log has the reason."""
    global model
    # Azure puts the registered folder *inside* AZUREML_MODEL_DIR under its own name (…/model/model.ubj),
    # but a local test often points to the folder itself. So search for the file at any depth.
    root = Path(os.environ["AZUREML_MODEL_DIR"])
    found = sorted(root.rglob(MODEL_FILE))
    if not found:
        raise FileNotFoundError(f"No {MODEL_FILE} under {root}: was the right folder registered?")
    booster = xgboost.Booster()
    booster.load_model(found[0])
    if booster.feature_names != list(COLUMNS):
        raise ValueError(f"{found[0].name} was trained on other columns: {booster.feature_names}")
    model = booster
    logger.info("model %s loaded, %d trees", found[0], booster.num_boosted_rounds())


def run(raw_data):
    """Answer one request. `raw_data` is the body as text; the dict returned is sent as JSON.

    Invalid input raises. Never `return "error: …"`: the caller would get status 200, and the endpoint's
    metrics would count a success. A raised error becomes a 500 here, and a 424 at the endpoint.
    """
    rows = _rows(raw_data)
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    answers = [round(float(value), 4) for value in model.predict(xgboost.DMatrix(frame))]
    # Log the number of rows, never their content: requests contain personal data, and logs are stored.
    logger.info("scored %d row(s)", len(rows))
    return {"predictions": [{"churn": "yes" if p >= THRESHOLD else "no", "probability": p} for p in answers]}


def _rows(raw_data):
    """The validated customers in the body: exactly twelve columns each, with the right types."""
    try:
        body = json.loads(raw_data)
    except ValueError as error:
        raise ValueError(f"The request is not JSON: {error}") from None
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list) or not data:
        raise ValueError('The request must be {"data": [{…}, …]} with at least one object.')
    return [_row(number, row) for number, row in enumerate(data, start=1)]


def _row(number, row):
    if not isinstance(row, dict):
        raise ValueError(f"Row {number} must be an object with the columns as its keys.")
    missing = [name for name in COLUMNS if name not in row]
    if missing:
        raise ValueError(f"Row {number} lacks {', '.join(missing)}.")
    unknown = [str(name) for name in row if name not in COLUMNS]
    if unknown:
        raise ValueError(f"Row {number} has unknown columns: {', '.join(unknown)}.")
    return {name: _value(number, name, kind, row[name]) for name, kind in COLUMNS.items()}


def _value(number, name, kind, value):
    # The messages name the column, not the value, because they appear in the container's log.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"Row {number}: {name} must be a number, without quotes.")
    if kind is int and value != int(value):
        raise ValueError(f"Row {number}: {name} must be a whole number.")
    return kind(value)
