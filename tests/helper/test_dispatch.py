"""How an answer or an error becomes plain data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tui.cloud.errors import CloudError
from tui.common import redact
from tui.helper import dispatch
from tui.plan.problems import PlanInvalid, Problem


@dataclass
class Part:
    path: Path
    items: tuple[int, ...] = (1, 2)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        ("text", "text"),
        (0, 0),
        (False, False),
        (PurePosixPath("/a"), "/a"),
        ((1, PurePosixPath("b")), [1, "b"]),
        ({3}, [3]),
        ({1: (2,)}, {"1": [2]}),
        (Part(Path("/a")), {"path": "/a", "items": [1, 2]}),
        ([Part(Path("/a"), ())], [{"path": "/a", "items": []}]),
        (Part, Part),  # a class is no value
    ],
)
def test_values_become_json_types(value: Any, shown: Any) -> None:
    assert dispatch.plain(value) == shown


def answer(monkeypatch: pytest.MonkeyPatch, error: Exception) -> dict[str, Any]:
    def fail(plan: Any) -> None:
        raise error

    monkeypatch.setattr("tui.helper.questions.cost.cost", fail)
    found: dict[str, Any] = dispatch.ask("cost", {"plan": {}})["error"]
    return found


def test_an_error_of_azure_keeps_its_code_and_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    error = CloudError("Title", "Cause.", "Remedy.", "raw", code="Conflict", request_ids=["id-1"], status=409)
    assert answer(monkeypatch, error) == {
        "title": "Title", "cause": "Cause.", "remedy": "Remedy.", "raw": "raw",
        "code": "Conflict", "status": 409, "request_ids": ["id-1"],
    }  # fmt: skip


def test_an_incomplete_plan_is_no_fault_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    error = answer(monkeypatch, PlanInvalid([Problem("endpoint.name", "Name is required.", "", "plan")]))
    assert "incomplete" in error["title"] and "Name is required" in error["cause"]
    assert error["raw"] == ""


def test_a_fault_of_the_program_is_told_with_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    error = answer(monkeypatch, KeyError("name"))
    assert error["cause"].startswith("KeyError")
    assert "test_dispatch.py" in error["raw"]


def test_a_question_with_arguments_it_does_not_know_is_answered_too() -> None:
    assert "TypeError" in dispatch.ask("cost", {"colour": 1})["error"]["cause"]
    assert "must be one of" in dispatch.ask("weather", {})["error"]["cause"]


def test_secrets_are_hidden_in_answers_and_in_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    redact.learn("hunter2-hunter2")
    assert "hunter2" not in str(answer(monkeypatch, CloudError("hunter2-hunter2 is wrong", raw="hunter2-hunter2")))
    monkeypatch.setattr("tui.helper.questions.cost.cost", lambda plan: {"a": "hunter2-hunter2"})
    assert "hunter2" not in str(dispatch.ask("cost", {"plan": {}})["result"])
