"""What is kept of a plan's variables and tags, and of code that it does not name."""

from __future__ import annotations

from typing import Any

import pytest

from tui.engine.tasks.keep_plan import _refer, _without_secrets


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("DB_PASSWORD", "Pa55word-${env:STAGE}", "${env:DB_PASSWORD}"),
        ("API_KEY", "Zm9vYmFyYmF6cXV4-${env:STAGE}", "${env:API_KEY}"),
        ("CONN", "Server=x;Pwd=hunter2;Db=${env:DB}", "${env:CONN}"),
        ("DB_PASSWORD", "${env:DB_PASSWORD}", "${env:DB_PASSWORD}"),
        ("LOGIN_TOKEN", "${env:USER}:${databricks:scope/key}", "${env:USER}:${databricks:scope/key}"),
        ("MODE", "fast-${env:STAGE}", "fast-${env:STAGE}"),
        ("MAX_TOKENS", 12, "12"),
    ],
)
def test_a_variable_is_kept_without_the_part_that_is_a_secret(name: str, value: object, kept: str) -> None:
    assert _without_secrets({"environment_variables": {name: value}})["environment_variables"] == {name: kept}
    tags = _without_secrets({"tags": {name: value}})["tags"]
    assert tags == ({} if kept != str(value) else {name: kept})


@pytest.mark.parametrize("code", [{}, None])
def test_code_that_was_not_registered_is_not_kept(code: object) -> None:
    tree: dict[str, Any] = {"name": "blue", "code_configuration": code, "model": {"path": "m"}}
    _refer(tree, "blue", {"model": None, "environment": None, "code": None}, "/w")
    assert tree == {"name": "blue"}
