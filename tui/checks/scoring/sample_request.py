"""Read the test request: its kind, and whether JSON matches the model's signature."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.common.request_body import JSON, RequestBody

_LONGEST = 20_000_000  # bytes
_WHOLE = {"integer", "long"}
_NUMBER = {"float", "double"}
_CLASSES: dict[str, type] = {"boolean": bool, "string": str}


@dataclass(frozen=True)
class SampleRequest:
    """A sample request; `line` is the line of `problem`. `kind` is its content type; only JSON has a `body`."""

    path: Path
    body: Any = None
    kind: str = JSON
    problem: str = ""
    line: int | None = None


def read(path: Path) -> SampleRequest:
    """Read a request; never raises."""
    try:
        if path.stat().st_size > _LONGEST:
            return SampleRequest(path, problem=f"{path.name} is larger than {_LONGEST // 1_000_000} MB.")
        sent = RequestBody.of_file(path)
        if sent.content_type != JSON:
            return SampleRequest(path, kind=sent.content_type)
        text = sent.decode("utf-8-sig")
    except UnicodeDecodeError:
        return SampleRequest(path, problem=f"{path.name} is not text in UTF-8, so it is not JSON.")
    except OSError as error:
        return SampleRequest(path, problem=f"{path.name} cannot be read: {error.strerror or error}.")
    try:
        return SampleRequest(path, body=json.loads(text))
    except RecursionError:
        return SampleRequest(path, problem=f"{path.name} is nested too deeply.")
    except json.JSONDecodeError as error:
        where = f"{path.name}, line {error.lineno}, column {error.colno}"
        return SampleRequest(path, problem=f"{where}: not JSON, {error.msg.lower()}.", line=error.lineno)


def rows(body: Any) -> list[dict[str, Any]] | None:
    """The rows in a body of a known format; None for any other format.

    Known formats are {"data": [{…}]}, MLflow's dataframe_records and dataframe_split, and Azure's {"input_data": …}
    (Microsoft, how-to-deploy-mlflow-models).
    """
    data = body
    if isinstance(body, dict):
        for key in ("data", "input_data", "dataframe_split", "dataframe_records", "inputs"):
            if key in body:
                data = body[key]
                break
    if isinstance(data, dict) and isinstance(data.get("columns"), list) and isinstance(data.get("data"), list):
        if not all(isinstance(row, list) for row in data["data"]):
            return None
        return [dict(zip(map(str, data["columns"]), row)) for row in data["data"]]
    if isinstance(data, list) and data and all(isinstance(row, dict) for row in data):
        return data
    return None


def misfits(found: list[dict[str, Any]], signature: list[dict[str, str]]) -> list[str]:
    """Differences between rows and a signature with named columns, in sentences; a few at most."""
    types = {column["name"]: column["type"] for column in signature if column["name"]}
    if not types:
        return []
    wrong: list[str] = []
    for number, row in enumerate(found, start=1):
        missing = [name for name in types if name not in row]
        extra = [str(name) for name in row if name not in types]
        if missing:
            wrong.append(f"Row {number} has no {_some(missing)}.")
        if extra:
            wrong.append(f"Row {number} has unknown columns: {_some(extra)}.")
        for name in types:
            if name in row and not _fits(row[name], types[name]):
                wrong.append(f"Row {number}: {name} is not of type {types[name]}.")
        if len(wrong) >= 5:
            break
    return wrong[:5]


def _some(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _fits(value: Any, kind: str) -> bool:
    if value is None:
        return True  # whether a value can be missing is up to the model
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in _WHOLE:
        return number and float(value).is_integer()
    if kind in _NUMBER:
        return number
    return isinstance(value, _CLASSES.get(kind, object))
