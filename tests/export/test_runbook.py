"""The runbook: facts of each deployment, identity, costs, and commands for each kind of sign-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from plans import made

COLLECTOR = "deployment__data_collector__"
IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/uai"


def runbook(base: Path, **values: Any) -> str:
    (file,) = made("docs", base, **values).files
    assert file.path == "RUNBOOK.md"
    return file.text


@pytest.mark.parametrize(
    ("values", "there", "missing"),
    [
        ({}, ["Runbook: churn", "only through", "system-assigned", "m on 2 × Standard_D4as_v4", "keyvault secret set",
              "primaryKey", "5000 ms", "1 concurrent", '{"input_data": []}', "blue 100 %",
              "blue needs 12 cores of the quota of standardDASv4Family"],
         ["Data collected", "Monitoring of", "Image of", "Container of", "user-assigned", "the internet",
          "has no price"]),
        ({"endpoint__public_network_access": "enabled"}, ["the internet"], ["only through"]),
        ({"endpoint__auth_mode": "aml_token"}, ["accessToken", "Tokens expire"], ["primaryKey", "keyvault secret set"]),
        ({"endpoint__auth_mode": "aad_token"}, ["Entra", "Tokens expire"], ["primaryKey"]),
        ({"endpoint__auth_mode": "${env:AUTH}"}, ["$AUTH", "primaryKey", "keyvault secret set"], ["Tokens expire"]),
        ({"test__request": "r.json"}, ["@../r.json"], ["input_data"]),
        ({"description": "What it is."}, ["What it is. Written"], ["A model behind"]),
        ({"traffic": {"blue": 100, "old": 0}}, ["blue 100 %, old 0 %"], []),
        ({"deployment__model__path": "azureml:m:7"}, ["azureml:m:7 on 2"], []),
        ({"deployment__model__name": None}, ["model on 2"], []),
        ({"deployment__name": "${env:D}", "workspace__name": "w-${env:W}"}, ["Deployment $D", "w-$W"], []),
        ({COLLECTOR + "collections": {"a": {"enabled": "True"}, "b": {"enabled": "False"}}},
         ["Data collected by blue | a; 1 of requests"], []),
        ({COLLECTOR + "collections": {"a": {"enabled": "True"}}, COLLECTOR + "sampling_rate": 0.5},
         ["a; 0.5 of requests"], []),
        ({COLLECTOR + "collections": {"a": {"enabled": "True"}}, COLLECTOR + "sampling_rate": 0},
         ["a; 0 of requests"], []),
        ({COLLECTOR + "collections": {"b": {"enabled": "False"}}}, [], ["Data collected"]),
        ({"deployment__app_insights_enabled": True}, ["Monitoring of blue"], []),
        ({"deployment__app_insights_enabled": "${env:A}"}, [], ["Monitoring of blue"]),
        ({"deployment__environment": {"build": {"path": "docker"}}}, ["from Dockerfile in ../docker"], []),
        ({"deployment__environment": {"build": {"path": "docker", "dockerfile_path": "D"}}}, ["from D in"], []),
        ({"deployment__environment__inference_config": {"scoring_route": {"path": "/s", "port": 80}}},
         ["scoring route /s on port 80"], []),
        ({"endpoint__identity": {"type": "user_assigned", "user_assigned_identities": [IDENTITY]}},
         ["uai (user-assigned"], ["system-assigned"]),
        ({"deployment__instance_count": "${env:C}"}, ["unknown", "has no price"], ["USD |", "cores of the quota"]),
        ({"deployment__instance_type": "Standard_Odd_v9"}, ["unknown", "has no price"], ["USD |"]),
        ({"deployment__instance_type": "Standard_D96a_v4"}, ["cores of the quota", "has no price"], ["USD |"]),
    ],
)  # fmt: skip
def test_what_the_runbook_says(tmp_path: Path, values: Any, there: list[str], missing: list[str]) -> None:
    text = runbook(tmp_path, **values)
    assert [part for part in there if part not in text] == []
    assert [part for part in missing if part in text] == []


def test_prices_are_those_of_all_instances_and_of_few_regions(tmp_path: Path) -> None:
    text = runbook(tmp_path)
    rows = [line for line in text.splitlines() if "USD |" in line]
    assert len(rows) == 6
    assert "| blue, 2 × Standard_D4as_v4 | eastus | 0.384 USD | 280 USD |" in rows


def test_every_deployment_has_its_facts_and_log_command(tmp_path: Path) -> None:
    text = runbook(tmp_path, deployments=[{"name": "blue"}, {"name": "green", "instance_count": 1}])
    for name, cores in (("blue", 12), ("green", 8)):
        assert f"| Deployment {name} |" in text and f"get-logs -e $ENDPOINT -n {name} " in text
        assert f"{name} needs {cores} cores" in text
