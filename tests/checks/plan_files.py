"""Contents of a valid plan's files, and the type of the fixture that writes them."""

from __future__ import annotations

from typing import Any, Callable

SCORE = """\
import json
import os

import xgboost


def init():
    pass


def run(raw_data):
    return json.loads(raw_data)
"""

CONDA = """\
name: scoring
dependencies:
  - python=3.10
  - pip
  - pip:
      - azureml-inference-server-http==1.5.1
      - xgboost-cpu==2.1.4
"""

MLMODEL = """\
flavors:
  python_function:
    loader_module: mlflow.xgboost
    python_version: 3.10.13
  xgboost:
    data: model.ubj
    xgb_version: 2.1.4
signature:
  inputs: '[{"type": "long", "name": "age"}, {"type": "double", "name": "income"}, {"type": "string", "name": "town"}]'
"""

MakePlan = Callable[..., Any]
