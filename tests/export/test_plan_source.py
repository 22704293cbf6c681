"""What exports read from a plan: values, paths, variables, and words for a shell."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from plans import plan, source

from tui.export.plan_source import Source, shell, split, variable
from tui.plan.problems import PlanInvalid, Problem

PRINCIPAL = {"credential__method": "service_principal", "credential__tenant_id": "${env:T}"}


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({}, []),
        ({"endpoint__name": "a_b"}, ["endpoint.name"]),
        ({"endpoint__name": "${env:a_b}"}, []),
        ({"endpoint__tags": "${env:TAGS}"}, ["endpoint.tags"]),
        ({"deployment__data_collector__collections": "${env:C}"}, ["deployment.data_collector.collections"]),
        ({"endpoint__tags": {"a": "${env:A}"}}, []),
        ({"deployment__name": None}, []),
        ({"credential__tenant_id": "?"}, []),  # not asked: another way to sign in
        ({**PRINCIPAL, "credential__client_secret": "s3cret"}, ["credential.client_secret"]),
        (PRINCIPAL, []),
    ],
)
def test_a_plan_is_checked_as_it_is_written(tmp_path: Path, values: dict[str, Any], wrong: list[str]) -> None:
    try:
        source(tmp_path, **values)
        found = []
    except PlanInvalid as invalid:
        found = [problem.key for problem in invalid.problems]
        assert "s3cret" not in str(invalid)
    assert found == wrong


def test_a_problem_of_two_deployments_is_told_once(tmp_path: Path) -> None:
    document = plan(tmp_path, endpoint__name="a_b")
    document.tree["deployments"] = [{"name": "blue"}, {"name": "green"}]
    document.problems = [Problem("x", "unknown")]
    with pytest.raises(PlanInvalid) as invalid:
        Source(document, tmp_path)
    assert [problem.key for problem in invalid.value.problems] == ["x", "endpoint.name"]


def test_values_defaults_and_secrets(tmp_path: Path) -> None:
    made = source(tmp_path)
    assert made.value("endpoint.auth_mode") == "key" and made.written("endpoint.auth_mode") is None
    assert made.written("deployment.instance_count") == 2 and made.value("no.field") is None
    assert made.written("deployment.app_insights_enabled") is None
    made.document.set("credential.client_secret", "s3cret", "test")
    assert made.value("credential.client_secret") is None
    made.document.set("credential.client_secret", "${env:S}", "test")
    assert made.value("credential.client_secret") == "${env:S}"
    assert made.asked("endpoint.name") and not made.asked("credential.tenant_id")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("model", "../model"),
        ("out/m", "m"),
        ("/abs/m", "/abs/m"),
        ("${env:M}", "${env:M}"),
        ("azureml:m:1", "azureml:m:1"),
    ],
)
def test_a_path_starts_from_the_exports_folder(tmp_path: Path, path: str, expected: str) -> None:
    made = source(tmp_path, deployment__model__path=path)
    assert made.path("deployment.model.path") == expected
    assert made.registered_model() == (path if path.startswith("azureml:") else None)
    assert made.path("test.request") is None


def test_a_url_is_kept_for_a_build_context_only(tmp_path: Path) -> None:
    url = "https://github.com/x/y.git"
    context = "deployment.environment.build.path"
    assert source(tmp_path, deployment__environment__build__path=url).path(context) == url
    with pytest.raises(PlanInvalid, match="https:"):
        source(tmp_path, deployment__model__path=url).path("deployment.model.path")


def test_the_split_is_the_plans_or_all_for_the_last(tmp_path: Path) -> None:
    assert source(tmp_path).traffic() == {"blue": 100} == source(tmp_path, traffic={"blue": 100}).traffic()
    shares = {"blue": 90, "green": 10}
    assert source(tmp_path, traffic=shares).traffic() == shares
    two = source(tmp_path, deployments=[{"name": "blue"}, {"name": "green"}])
    assert two.traffic() == {"green": 100} and [one.value("deployment.name") for one in two.deployments()] == [
        "blue",
        "green",
    ]
    with pytest.raises(PlanInvalid, match="several"):
        _ = two.only
    assert source(tmp_path).only.value("deployment.name") == "blue"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {}),
        ({"endpoint__name": "${env:E}"}, {"E": False}),
        ({"deployment__environment_variables": {"T": "a-${env:T}"}}, {"T": True}),
        ({"endpoint__tags": {"a": "${env:X}"}, "deployment__environment_variables": {"T": "${env:X}"}}, {"X": True}),
        (
            {"deployment__environment_variables": {"T": "${env:X}"}, "traffic": None, "description": "${env:X}"},
            {"X": True},
        ),
        ({"deployment__environment_variables": {"T": "${databricks:s/k}"}}, {}),
        ({**PRINCIPAL, "credential__client_secret": "${env:S}"}, {"T": False, "S": True}),
        ({"credential__tenant_id": "${env:T}"}, {}),
    ],
)
def test_the_variables_of_a_plan_and_which_are_secret(tmp_path: Path, values: Any, expected: dict[str, bool]) -> None:
    assert source(tmp_path, **values).variables() == expected


def test_limits_and_golden_requests_are_told_as_left_out(tmp_path: Path) -> None:
    assert source(tmp_path).notes() == []
    assert len(source(tmp_path, limits__total="1h").notes()) == 1
    (note,) = source(tmp_path, test__requests="golden.jsonl").notes()
    assert "invoke --golden" in note


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain", [("text", "plain")]),
        ("", [("text", "")]),
        ("${env:A}", [("env", "A")]),
        ("a${env:A}${databricks:s/k}b", [("text", "a"), ("env", "A"), ("databricks", "s/k"), ("text", "b")]),
        ("a${env:A}", [("text", "a"), ("env", "A")]),
    ],
)
def test_a_text_is_split_at_its_references(text: str, parts: list[tuple[str, str]]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize("text", ["plain", "a b", "it's", '"', "$HOME `x` \\", ""])
def test_a_text_is_one_word_for_a_shell(text: str) -> None:
    assert shlex.split(shell(text)) == [text]
    assert shlex.split(shell(f"{text}${{env:A}}").replace("\\$", "$").replace("\\`", "`")) == [f"{text}${{A}}"]


def test_a_reference_is_a_variable_for_a_shell() -> None:
    assert shell("$x-${env:A}") == '"\\$x-${A}"' and shell(7) == "7"
    assert variable("env", "My_Var") == "My_Var"
    assert variable("databricks", "my-scope/key1") == "MY_SCOPE_KEY1"
