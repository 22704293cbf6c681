"""Contents of a valid plan's files, the type of the fixture that writes them, and answers to a check's questions."""

from __future__ import annotations

from typing import Any, Callable

from tui.common.deadlines import Question

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


def answering(value: Any) -> Question[Any]:
    """A question with this answer; an exception is raised."""

    def ask() -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    return Question(ask, 30)
