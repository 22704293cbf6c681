"""Scoring script that needs no library: the inference server calls init() once, and run() for every request.

Replace the file that it loads and what it computes; keep the two functions and their exceptions.

Request   {"data": [{"km": 4.2}, …]}
Response  {"predictions": [21.01, …]}   minutes, in the order of the request
"""

import json
import logging
import os
from pathlib import Path

logger = logging.getLogger("azmlinfsrv.any")
model = None


def init():
    """Load the model. An exception here ends the container; its log has the reason."""
    global model
    root = Path(os.environ["AZUREML_MODEL_DIR"])
    found = sorted(root.rglob("model.json"))
    if not found:
        raise FileNotFoundError(f"No model.json under {root}: was the right folder registered?")
    model = json.loads(found[0].read_text())
    logger.info("model %s loaded", found[0])


def run(raw_data):
    """Answer one request. Invalid input raises, and never returns an error text with status 200."""
    body = json.loads(raw_data)
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not rows:
        raise ValueError('The request must be {"data": [{"km": …}, …]} with at least one object.')
    return {"predictions": [_minutes(number, row) for number, row in enumerate(rows, start=1)]}


def _minutes(number, row):
    value = row.get("km") if isinstance(row, dict) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ValueError(f"Row {number}: km must be a number that is not below zero.")
    return round(model["minutes_at_least"] + model["minutes_per_km"] * value, 2)
