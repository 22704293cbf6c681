"""A plan that cannot be used: exit code 2 with file, line, key, what is wrong and what would be right, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import PRESET, aml_deploy

pytestmark = pytest.mark.smoke

BAD = """\
workspace:
  subscription_id: not-a-guid
  resource_group: rg-ml
  name: ws-churn
endpoint:
  name: churn_endpoint
  auth_mode: password
deployment:
  name: blue
  model: {name: churn, path: nowhere/model}
  instance_count: many
  instance_typ: Standard_DS3_v2
  autoscale:
    minimum: 0
    rules:
      - {condition: "CpuUtilisation > 70 avg 5m", scale: out 1}
"""


@pytest.mark.parametrize("command", [["check"], ["apply", "--yes"], ["apply", "--yes", "--rehearse", "--json"]])
def test_every_problem_is_named_with_its_place(command: list[str], lonely: dict[str, str], tmp_path: Path) -> None:
    plan = tmp_path / "plan.yml"
    plan.write_text(BAD, encoding="utf-8")
    done = aml_deploy(command[0], plan, *command[1:], environ=lonely)
    assert done.returncode == 2
    assert done.stdout == ""
    for line, key, said in (
        (2, "workspace.subscription_id", "32 hexadecimal digits"),
        (6, "endpoint.name", "try churn-endpoint"),
        (7, "endpoint.auth_mode", "key, aml_token, aad_token"),
        (10, "deployment.model.path", "does not exist"),
        (11, "deployment.instance_count", "not a whole number"),
        (12, "deployment.instance_typ", "Did you mean deployment.instance_type?"),
        (14, "deployment.autoscale.minimum", "from 1 to 50"),
        (16, "deployment.autoscale.rules", "Did you mean CpuUtilizationPercentage?"),
    ):
        place = f"{plan}, line {line}, {key}"
        assert place in done.stderr
        assert said in done.stderr.partition(place)[2].splitlines()[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [("endpoint: [", "line 1"), ("- a\n- b\n", "A plan must be a map"), ("", "A plan must be a map")],
)
def test_a_file_that_is_no_plan(text: str, said: str, lonely: dict[str, str], tmp_path: Path) -> None:
    plan = tmp_path / "plan.yml"
    plan.write_text(text, encoding="utf-8")
    done = aml_deploy("apply", plan, "--yes", environ=lonely)
    assert done.returncode == 2
    assert str(plan) in done.stderr
    assert said in done.stderr


def test_set_and_overlay_problems_name_their_origin(lonely: dict[str, str]) -> None:
    done = aml_deploy("check", PRESET, "--set", "endpoint.nam=x", environ=lonely)
    assert done.returncode == 2
    assert "--set" in done.stderr
    assert "Did you mean endpoint.name?" in done.stderr


def test_variables_that_are_not_set_are_named_where_no_rehearsal_fills_them(lonely: dict[str, str]) -> None:
    done = aml_deploy("apply", PRESET, "--yes", environ=lonely)
    assert done.returncode == 2
    for name in ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AZURE_ML_WORKSPACE"):
        assert name in done.stderr


def test_a_missing_model_folder_starts_nothing(lonely: dict[str, str], tmp_path: Path) -> None:
    """Not the rehearsal either: its folder would lie in the cache."""
    done = aml_deploy(
        "apply", PRESET, "--rehearse", "--yes", "--set", "deployment.model.path=/nowhere/model", environ=lonely
    )
    assert done.returncode == 2
    assert "/nowhere/model does not exist." in done.stderr
    assert not (tmp_path / "cache").exists()
    assert aml_deploy("runs", "--json", environ=lonely).stdout == ""
