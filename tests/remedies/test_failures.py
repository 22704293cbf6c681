"""Every known failure is either prevented by a check or recognised afterwards."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_catalogue import REPORTED
from texts_of_entries import TEXTS

from tui.plan.load_save.document import Document
from tui.plan.load_save.resolve import resolve
from tui.plan.problems import PlanInvalid
from tui.rehearsal.scenarios.failures import FAILURES
from tui.rehearsal.scenarios.refusals import REFUSALS, SCORING_ANSWERS, STORAGE_REFUSALS
from tui.rehearsal.scenarios.scenarios import SCENARIOS
from tui.remedies.catalogue import Catalogue
from tui.remedies.matcher import match

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TABLE: list[dict[str, Any]] = yaml.safe_load((HERE / "failures.yml").read_text(encoding="utf-8"))

MOST_EMPTY = 5


def card_of(row: dict[str, Any]) -> str:
    return str(row.get("card") or row["failure"])


@lru_cache(maxsize=1)
def findings_of_checks() -> tuple[set[str], list[str]]:
    """All strings in the checks' sources that can be a finding's id, and the prefixes of computed ones."""
    texts: set[str] = set()
    beginnings = []
    for path in (ROOT / "tui" / "checks").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            elif isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
                beginnings.append(str(node.values[0].value))
    return texts, [text for text in beginnings if re.fullmatch(r"[a-z]+-", text)]


def test_the_table_has_every_failure_once() -> None:
    """All reported failures, and those of the catalogue that a check detects beforehand."""
    failures = [row["failure"] for row in TABLE]
    assert len(set(failures)) == len(failures)
    assert set(REPORTED.split()) <= set(failures)
    assert len(failures) > 50


def test_at_most_five_are_not_prevented_and_each_says_why() -> None:
    empty = [row for row in TABLE if not row.get("check")]
    assert len(empty) <= MOST_EMPTY
    assert all(len(row.get("reason", "")) > 20 for row in empty)


@pytest.mark.parametrize("row", TABLE, ids=[row["failure"] for row in TABLE])
def test_it_is_prevented_by_a_check_that_is_tested(row: dict[str, Any]) -> None:
    check = str(row.get("check") or "")
    kind, _, name = check.partition(": ")
    if kind == "plan":
        with pytest.raises(PlanInvalid) as refused:
            resolve(_without(name), {})
        assert name in [problem.key for problem in refused.value.problems]
    elif kind == "requires":
        assert re.search(rf'"{name}\s*>=', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    elif check:
        texts, beginnings = findings_of_checks()
        assert check in texts or any(check.startswith(text) for text in beginnings), check
        tests = "\n".join(path.read_text(encoding="utf-8") for path in (HERE.parent / "checks").rglob("*.py"))
        assert re.search(rf"[\"']{check}[\"']", tests), f"no test of the checks names {check}"


def _without(key: str) -> Document:
    """A plan with a custom model that lacks one thing."""
    folder = str(ROOT / "presets" / "churn-xgboost" / "model")
    document = Document()
    for name, value in (
        ("workspace.subscription_id", "11111111-2222-3333-4444-555555555555"),
        ("workspace.resource_group", "rg"),
        ("workspace.name", "ws"),
        ("endpoint.name", "churn"),
        ("deployment.model.path", folder),
        ("deployment.model.type", "custom_model"),
    ):
        document.set(name, value, "test")
    assert document.value(key) is None
    return document


@pytest.mark.parametrize("row", TABLE, ids=[row["failure"] for row in TABLE])
def test_it_is_recognised_in_a_scenario_or_in_a_real_text(row: dict[str, Any], catalogue: Catalogue) -> None:
    card, scenario = card_of(row), row.get("scenario")
    assert card in catalogue.entries
    real = [case["text"] for case in TEXTS if case["id"] == card]
    if scenario:
        assert scenario in SCENARIOS
    told = _told(str(scenario)) if scenario else None
    if told is None:  # it consists of real requests, or is not one of the service's own failures, so its text is quoted
        assert real
        assert any(match(text, catalogue=catalogue)[0].id == card for text in real)
        return
    text, code = told
    cards = [found.id for found in match(text, code=code, catalogue=catalogue)]
    assert card in cards[:2], cards


def _told(name: str) -> tuple[str, str] | None:
    """The error of the rehearsal in a scenario, and the service's code; None if the rehearsal has none."""
    if name in FAILURES:
        failure = FAILURES[name]
        return "\n".join([*failure.log, *failure.initializer, failure.text()]), failure.code
    if name in REFUSALS:
        return REFUSALS[name].message, REFUSALS[name].detail or REFUSALS[name].code
    if name in STORAGE_REFUSALS:
        return f"x-ms-error-code: {STORAGE_REFUSALS[name].code}\n{STORAGE_REFUSALS[name].message}", ""
    if name in SCORING_ANSWERS:
        answer = SCORING_ANSWERS[name]
        headers = "\n".join(": ".join(header) for header in answer.headers)
        return f"HTTP {answer.status} from the online endpoint\n{answer.body}\n{headers}", ""
    return None
