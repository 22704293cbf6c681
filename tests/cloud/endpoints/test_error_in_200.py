"""A 200 that carries an error text is not a success; predictions of any shape are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tui.cloud.endpoints.error_in_200 import error_in_200

ERRORS = [
    "could not convert string to float: 'abc'",
    json.dumps("could not convert string to float: 'abc'"),
    json.dumps("ValueError: could not convert string to float: 'abc'"),
    json.dumps({"error": "feature_names mismatch: ['Idade'] ['idade']"}),
    json.dumps({"error": {"code": "BadInput", "message": "12 columns are expected"}}),
    json.dumps({"error": "no model", "status": "failed"}),
    json.dumps({"Error": "KeyError('data')"}),
    json.dumps({"status": "error", "message": "No rows"}),
    json.dumps({"Status": "Failed", "Reason": "No rows", "result": None}),
    json.dumps(json.dumps({"error": "'data' missing"})),
    json.dumps({"result": "KeyError: 'Idade'"}),
    json.dumps(["xgboost.core.XGBoostError: [22:10] Check failed"]),
    "Traceback (most recent call last):\n  File \"score.py\", line 9, in run\nKeyError: 'data'",
    json.dumps("list index out of range"),
    json.dumps("'NoneType' object has no attribute 'predict'"),
    json.dumps("X has 11 features, but XGBClassifier is expecting 12 features as input"),
    json.dumps("\"['Idade'] not in index\""),
    json.dumps("name 'model' is not defined"),
]
PREDICTIONS = [
    "",
    "[0, 1, 0]",
    "0.87",
    json.dumps({"predictions": [0.1, 0.9]}),
    json.dumps({"result": ["yes"]}),
    json.dumps({"error": 0.12, "mae": 0.1}),
    json.dumps({"error": None, "prediction": 1}),
    json.dumps({"error": "", "prediction": 1}),
    json.dumps({"error": False}),
    json.dumps({"errors": [], "predictions": [1]}),
    json.dumps({"error": "none"}),
    json.dumps({"predictions": [1], "error": "row 3 was skipped"}),
    json.dumps(["error", "ok"]),
    json.dumps("error"),
    json.dumps("Errors in billing are handled by the finance team."),
    json.dumps({"label": "TypeError"}),
    json.dumps({"label": "ErrorProne: low"}),
    json.dumps("The customer reported an Exception: the clause in section 3."),
    json.dumps({"text": "Traceback is a term of programming."}),
    json.dumps([{"label": "error", "score": 0.9}]),
    json.dumps({"message": "hello", "status": "ok"}),
    json.dumps({"status": "failed"}),
    json.dumps({"status": "failed", "label": "late", "score": 0.8}),
    json.dumps("No module needs replacing."),
    "[" * 100_000,
    json.dumps("[" * 100_000),
]


@pytest.mark.parametrize("text", ERRORS)
def test_error_texts_are_told(text: str) -> None:
    note = error_in_200(text)
    assert note is not None
    assert "not a prediction" in note


@pytest.mark.parametrize("text", PREDICTIONS)
def test_predictions_are_left_alone(text: str) -> None:
    assert error_in_200(text) is None


def test_the_note_quotes_the_last_line_of_a_traceback() -> None:
    note = error_in_200("Traceback (most recent call last):\n  File 'x'\nKeyError: 'data'")
    assert note is not None and note.endswith("KeyError: 'data'")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"error": "no model", "prediction": 1}, False),
        ({"error": "no model", "code": 7, "Detail": "x"}, True),
        ({"ERROR": ["a"]}, True),
        ({"error": {}}, False),
        ({"error": True}, False),
        ({"error": "0"}, False),
        ({"error": "No "}, False),
        ({"status": "Failed", "message": "No rows"}, True),
        ({"status": "failed", "message": 3}, False),
        ({"status": "a", "message": "No rows"}, False),
        ({"status": "failed"}, False),
        ({"text": "KeyError: 'x'", "other": 1}, False),
        ({"text": "fine"}, False),
        ([{"error": "no model"}], True),
        ([{"error": "no model"}, {"error": "no model"}], False),
        ([], False),
        ([["KeyError: 'x'"]], False),
        ("  KeyError: 'x'", True),
        ("first\nTraceback (most recent call last):\nKeyError: 'x'", True),
        (7, False),
    ],
)
def test_only_what_carries_nothing_but_an_error_is_one(body: Any, told: bool) -> None:
    assert (error_in_200(json.dumps(body)) is not None) is told


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("KeyError: 'x'\nsecond line", ": KeyError: 'x'"),
        ("Traceback (most recent call last):\n  File\nKeyError: 'x'", ": KeyError: 'x'"),
        (json.dumps({"error": {"a": "ü"}}), ': {"a": "ü"}'),
        ("KeyError: " + "x" * 300, ": KeyError: " + "x" * 190),
        (json.dumps({"error": "z: [1]"}), ": z: [1]"),
    ],
)
def test_the_note_quotes_the_error(text: str, ends: str) -> None:
    note = error_in_200(text)
    assert note is not None and note.endswith(ends)
