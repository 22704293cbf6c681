"""Scoring script: the inference server calls init() once, and run() for every request.

Request   {"data": [{"age": 59, "sex": 2, "bmi": 32.1, …}, …]}   one object per patient, all ten columns
Response  {"predictions": [206.4, …]}   the disease's progression after a year, in the order of the request
"""

import json
import logging
import os
from pathlib import Path

import lightgbm

logger = logging.getLogger("azmlinfsrv.diabetes")
model = None


def init():
    """Load the booster. An exception here ends the container; its log has the reason."""
    global model
    root = Path(os.environ["AZUREML_MODEL_DIR"])
    found = sorted(root.rglob("model.txt"))
    if not found:
        raise FileNotFoundError(f"No model.txt under {root}: was the right folder registered?")
    model = lightgbm.Booster(model_file=str(found[0]))
    logger.info("model %s loaded, %d trees", found[0], model.num_trees())


def run(raw_data):
    """Answer one request. Invalid input raises, and never returns an error text with status 200."""
    columns = model.feature_name()
    body = json.loads(raw_data)
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not rows:
        raise ValueError('The request must be {"data": [{…}, …]} with at least one object.')
    table = [_row(number, row, columns) for number, row in enumerate(rows, start=1)]
    logger.info("scoring %d row(s)", len(table))
    return {"predictions": [round(float(value), 2) for value in model.predict(table)]}


def _row(number, row, columns):
    missing = [name for name in columns if not isinstance(row, dict) or name not in row]
    if missing:
        raise ValueError(f"Row {number} lacks {', '.join(missing)}.")
    try:
        return [float(row[name]) for name in columns]
    except (TypeError, ValueError):
        raise ValueError(f"Row {number} holds something that is not a number.") from None
