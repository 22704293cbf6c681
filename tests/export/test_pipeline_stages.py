"""The common part of the pipelines: the plan's copy, what is watched, variables and notes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from plans import made, source

from tui.export.pipeline_stages import Pipeline, as_yaml, translated


def pipeline(base: Path, **values: Any) -> Pipeline:
    """The pipeline of a plan in a repository `base`/out, with the files of the plan in it."""
    (base / "out" / "dir").mkdir(parents=True, exist_ok=True)
    (base / "out" / "dir" / "r.json").touch()
    return Pipeline(source(base, **values))


@pytest.mark.parametrize(
    ("name", "title", "slug"),
    [("churn", "churn", "churn"), ("Churn-01", "Churn-01", "churn-01"), ("${env:N}", "the endpoint", "the-endpoint")],
)
def test_the_pipeline_is_named_after_the_endpoint(tmp_path: Path, name: str, title: str, slug: str) -> None:
    one = pipeline(tmp_path, endpoint__name=name)
    assert (one.title, one.slug, one.plan_file.path) == (title, slug, f"{slug}.plan.yml")


@pytest.mark.parametrize(
    ("values", "watched"),
    [
        ({"deployment__model__path": "out/dir"}, ["dir/**"]),
        ({"deployment__model__path": "out/dir/r.json"}, ["dir/r.json"]),
        ({"deployment__model__path": "model"}, []),  # outside the repository
        ({"deployment__model__path": "/abs"}, []),
        ({"deployment__model__path": "azureml:m:1"}, []),
        ({"deployment__model__path": "${env:M}"}, []),
        ({"deployment__model__path": "models:/m/1", "test__request": "out/dir/r.json"}, ["dir/r.json"]),
        ({"deployment__model__path": "/abs", "deployment__code_configuration__code": "out/gone"}, ["gone/**"]),
    ],
)
def test_the_files_in_the_repository_are_watched(tmp_path: Path, values: Any, watched: list[str]) -> None:
    assert pipeline(tmp_path, **values).watched == ["churn.plan.yml", *watched]


def test_the_copy_signs_in_with_the_cli_and_has_no_secret(tmp_path: Path) -> None:
    one = pipeline(tmp_path, credential__method="service_principal", credential__client_secret="${env:S}",
                   credential__tenant_id="${env:T}", deployment__model__path="out/dir")  # fmt: skip
    copy = yaml.safe_load(one.plan_file.text)
    assert copy["credential"] == {"method": "azure_cli"} and copy["deployment"]["model"]["path"] == "dir"
    assert (one.plain, one.hidden) == ([], []), (
        "the CLI signs in: the variables of the plan's own sign-in are not needed"
    )


def test_variables_of_the_plan_are_plain_or_hidden(tmp_path: Path) -> None:
    values = {"deployment__environment_variables": {"T": "${env:TOKEN}"}, "workspace__name": "${env:W}"}
    one = pipeline(tmp_path, **values)
    assert (one.plain, one.hidden) == (["W"], ["TOKEN"])
    filled = one.values("$(%s)")
    assert filled["secrets"] == "TOKEN" and pipeline(tmp_path).values("$(%s)")["secrets"] is None


@pytest.mark.parametrize(
    ("values", "notes"),
    [
        ({"deployment__model__path": "out/dir", "test__request": "out/dir/r.json"}, []),
        ({"deployment__model__path": "out/dir"}, ["test.request"]),
        ({"deployment__model__path": "model", "test__request": "out/dir/r.json"}, ["deployment.model.path"]),
        ({"deployment__model__path": "out/dir", "test__request": "out/dir/r.json", "rollout__pause": 5}, ["rollout"]),
    ],
)
def test_what_the_user_should_know(tmp_path: Path, values: Any, notes: list[str]) -> None:
    found = pipeline(tmp_path, **values).notes
    assert len(found) == len(notes) and all(word in note for word, note in zip(notes, found))


def test_the_values_of_a_template(tmp_path: Path) -> None:
    values = pipeline(tmp_path, endpoint__name="a-${env:N}", test__request="out/dir/r.json").values("$(%s)")
    assert values["endpoint"] == "a-$(N)" and "--request dir/r.json" in values["call"]
    assert values["request"] == "dir/r.json" and values["private"] is True
    bare = pipeline(tmp_path, endpoint__public_network_access="enabled").values("$(%s)")
    assert (bare["call"], bare["request"], bare["private"]) == (":", None, False)
    assert translated("${env:A}-x", "<%s>") == "<A>-x" and translated(7, "<%s>") == "7"
    assert as_yaml("text") == "text" and as_yaml(["a"]) == "- a" and as_yaml("0123") == "'0123'"
    assert as_yaml("größer") == "größer"
    assert as_yaml({"b": 1, "a": 2}) == "b: 1\na: 2"


@pytest.mark.parametrize(
    ("values", "there", "missing"),
    [
        ({}, ["self-hosted"], ["ubuntu-latest", "${{ secrets."]),
        ({"endpoint__public_network_access": "enabled"}, ["ubuntu-latest"], ["self-hosted"]),
        ({"workspace__name": "${env:W}"}, ["W: ${{ vars.W }}"], ["${{ secrets."]),
        ({"deployment__environment_variables": {"T": "${env:T}"}}, ["T: ${{ secrets.T }}"], ["vars.T "]),
    ],
)
def test_a_workflow_of_github(tmp_path: Path, values: Any, there: list[str], missing: list[str]) -> None:
    exported = made("github-actions", tmp_path, **values)
    assert [item.path for item in exported.files] == [".github/workflows/deploy-churn.yml", "churn.plan.yml"]
    text = exported.files[0].text
    assert all(part in text for part in there) and not any(part in text for part in missing)
    assert ("env" in yaml.safe_load(text) and "vars." in text) or not values.get("workspace__name")


@pytest.mark.parametrize(("hidden", "lines"), [(True, True), (False, False)])
def test_a_pipeline_of_azure_gives_secrets_to_its_steps(tmp_path: Path, hidden: bool, lines: bool) -> None:
    values = {"deployment__environment_variables": {"T": "${env:T}"}} if hidden else {}
    exported = made("azure-pipelines", tmp_path, **values)
    assert [item.path for item in exported.files] == ["azure-pipelines-churn.yml", "churn.plan.yml"]
    assert ("T: $(T)" in exported.files[0].text) == lines
