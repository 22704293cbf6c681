"""Scores an MLflow model that is deployed without code; runs in the deployment's environment, under the server.

Azure brings a scoring script of its own for such models, and publishes it (Azure/azureml-assets, environment
mlflow-py312-inference). This one is another text with the same outside: the model lies at AZUREML_MODEL_DIR
and MLFLOW_MODEL_FOLDER, the body is {"input_data": …, "params": {…}}, and the answer is the bare prediction as
JSON. As there, inference-schema converts the input after the model's example, else after its signature. Unlike
there, nothing is collected for monitoring. Needs mlflow or mlflow-skinny, and what the server itself brings.
"""

from __future__ import annotations

import inspect
import json
import logging
import os
from typing import Any

import numpy as np
import pandas as pd
from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema
from mlflow.models import Model
from mlflow.pyfunc import load_model

log = logging.getLogger(__name__)

FOLDER = os.path.join(os.environ["AZUREML_MODEL_DIR"], os.environ.get("MLFLOW_MODEL_FOLDER", ""))  # noqa: PTH118


class AsItIs(AbstractParameterType):
    """An input that is passed on as the caller sent it."""

    def __init__(self) -> None:
        super().__init__(None)

    def deserialize_input(self, input_data: Any) -> Any:
        """Returns its argument."""
        return input_data

    def input_to_swagger(self) -> dict[str, Any]:
        """Any object."""
        return {"type": "object", "example": {}}


def _zeros(spec: Any) -> Any:
    # The first dimension is -1 where the model takes batches.
    return np.zeros([1 if size == -1 else size for size in spec.shape], dtype=spec.type)


def example(about: Any) -> Any:
    """An input like those that the model takes: a data frame, an array, named arrays; None when it says nothing.

    First the example that was saved with the model, then its signature.
    """
    info = about.saved_input_example_info
    if info:
        try:
            with open(os.path.join(FOLDER, info["artifact_path"]), encoding="utf-8") as file:  # noqa: PTH118, PTH123
                saved = json.load(file)
            if info["type"] == "dataframe":
                return pd.DataFrame(saved["data"], columns=saved.get("columns"))
            if info["type"] == "ndarray":
                inputs = saved["inputs"]
                named = isinstance(inputs, dict)
                return {k: np.asarray(v) for k, v in inputs.items()} if named else np.asarray(inputs)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("The model's input example is not used: %s", error)
    inputs = about.signature.inputs if about.signature else None
    if inputs is None:
        return None
    if inputs.is_tensor_spec():
        if inputs.has_input_names():
            return {spec.name: _zeros(spec) for spec in inputs.inputs}
        return _zeros(inputs.inputs[0])
    try:
        columns = inputs.input_names()
        return pd.DataFrame(columns=columns).astype(dict(zip(columns, inputs.pandas_types())))
    except Exception as error:  # a signature of objects and lists has no such types
        log.warning("The model's signature is not used: %s", error)
        return None


def converter(sample: Any) -> Any:
    """What turns JSON into inputs like `sample`."""
    if isinstance(sample, pd.DataFrame):
        return PandasParameterType(sample, enforce_shape=False, orient="split")
    if isinstance(sample, np.ndarray):
        return NumpyParameterType(sample, enforce_shape=False)
    if isinstance(sample, dict):
        named = {name: NumpyParameterType(value, enforce_shape=False) for name, value in sample.items()}
        return StandardPythonParameterType(named)
    return AsItIs()


def parsed(sent: Any) -> Any:
    """The input for a model that says nothing about its own: an array, a data frame or named arrays.

    A data frame needs "columns", "index" and "data" here.
    """
    if isinstance(sent, list):
        return np.asarray(sent)
    if isinstance(sent, dict) and all(key in sent for key in ("columns", "index", "data")):
        return pd.DataFrame(sent["data"], index=sent["index"], columns=sent["columns"])
    if isinstance(sent, dict):
        return {name: np.asarray(value) for name, value in sent.items()}
    return sent


def plain(result: Any) -> Any:
    """A prediction as JSON data: a list for an array, a list of objects for a data frame."""
    if isinstance(result, np.ndarray):
        return result.tolist()
    if isinstance(result, pd.Series):
        result = result.to_frame()
    if isinstance(result, pd.DataFrame):
        return result.to_dict(orient="records")
    return result


_sample = example(Model.load(FOLDER))
log.info("loading model from model path: %s", FOLDER)
model = load_model(FOLDER)
_takes_params = "params" in inspect.signature(model.predict).parameters


def init() -> None:
    """Nothing is left to do: the model is loaded with the script, so that a failure is the import's, as on Azure."""


@output_schema(AsItIs())
def run(input_data: Any, params: Any = None) -> Any:
    """The model's prediction for the body's `input_data`."""
    if _sample is None:
        input_data = parsed(input_data)
    result = model.predict(input_data, params=params) if params and _takes_params else model.predict(input_data)
    return plain(result)


# Before 1.7, inference-schema knows no optional input: `params` is then passed on as it comes, as AsItIs does.
# The server for Python 3.8 and older, or beside an old MLflow's gunicorn, needs 1.5.
if "optional" in inspect.signature(input_schema).parameters:
    run = input_schema("params", AsItIs(), optional=True)(run)
run = input_schema("input_data", converter(_sample))(run)
