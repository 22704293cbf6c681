"""Scoring script: the inference server calls init() once, and run() for every request.

Request   {"data": [[5.1, 3.5, 1.4, 0.2], …]}   sepal length, sepal width, petal length, petal width, in cm
Response  {"predictions": [{"species": "setosa", "probability": 0.9787}, …]}   in the order of the request
"""

import json
import logging
import math
import os
from pathlib import Path

import joblib

logger = logging.getLogger("azmlinfsrv.iris")
model = None


def init():
    """Load the pipeline. An exception here ends the container; its log has the reason."""
    global model
    root = Path(os.environ["AZUREML_MODEL_DIR"])
    found = sorted(root.rglob("model.joblib"))
    if not found:
        raise FileNotFoundError(f"No model.joblib under {root}: was the right folder registered?")
    model = joblib.load(found[0])
    logger.info("model %s loaded", found[0])


def run(raw_data):
    """Answer one request. Invalid input raises, and never returns an error text with status 200."""
    rows = _rows(json.loads(raw_data))
    chances = model.predict_proba(rows)
    logger.info("scored %d row(s)", len(rows))
    best = [max(range(len(row)), key=lambda place, row=row: row[place]) for row in chances]
    return {
        "predictions": [
            {"species": str(model.classes_[place]), "probability": round(float(row[place]), 4)}
            for place, row in zip(best, chances)
        ]
    }


def _rows(body):
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not rows:
        raise ValueError('The request must be {"data": [[…], …]} with at least one row.')
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) != 4:
            raise ValueError(f"Row {number} must be a list of four numbers.")
        if not all(isinstance(value, (int, float)) and math.isfinite(value) for value in row):
            raise ValueError(f"Row {number} holds something that is not a number.")
    return rows
