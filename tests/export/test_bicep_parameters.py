"""The parameters file of the prerequisites: values in Bicep's syntax, isolation and identity by the plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from plans import made, plan, text_of

from tui.export.bicep import value
from tui.export.targets import Export, ExportedFile, export, target, write
from tui.plan.problems import PlanInvalid

IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/uai"


@pytest.mark.parametrize(
    ("given", "bicep"),
    [
        ("it's\\\n", "'it\\'s\\\\\\n'"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        ({}, "{}"),
        ({"a": "b", "c": 1}, "{\n  'a': 'b'\n  'c': 1\n}"),
        ("${env:A}", "readEnvironmentVariable('A')"),
        ("x-${env:A}", "concat('x-', readEnvironmentVariable('A'))"),
        ("${keyvault:v/n}", "readEnvironmentVariable('V_N')"),
    ],
)
def test_a_value_in_bicep(given: Any, bicep: str) -> None:
    assert value(given) == bicep


@pytest.mark.parametrize(
    ("values", "there", "missing"),
    [
        ({}, ["Isolation = 'AllowInternetOutbound'", "param tags = {}", "--resource-group rg ",
              "param clientId = readEnvironmentVariable('AZURE_CLIENT_ID')", "workspaceName = 'ws-1'"],
         ["endpointIdentityId", "legacy"]),
        ({"deployment__egress_public_network_access": "disabled"}, ["Isolation = 'Disabled'", "legacy"], []),
        ({"deployment__egress_public_network_access": "enabled"}, ["Isolation = 'AllowInternetOutbound'"], []),
        ({"workspace__resource_group": "${env:G}", "endpoint__tags": {"a": 1}}, ["--resource-group GROUP ", "'a': 1"],
         []),
        ({"credential__client_id": "${env:APP}"}, ["clientId = readEnvironmentVariable('APP')"], []),
        ({"endpoint__identity": {"type": "user_assigned", "user_assigned_identities": [IDENTITY]}},
         [f"param endpointIdentityId = '{IDENTITY}'"], []),
        ({"endpoint__identity": {"type": "system_assigned"}}, [], ["endpointIdentityId"]),
    ],
)  # fmt: skip
def test_the_parameters(tmp_path: Path, values: Any, there: list[str], missing: list[str]) -> None:
    text = text_of(made("bicep", tmp_path, **values), "main.bicepparam")
    assert [part for part in there if part not in text] == []
    assert [part for part in missing if part in text] == []


def test_a_target_is_found_by_name(tmp_path: Path) -> None:
    assert target("docs").module == "runbook"
    with pytest.raises(PlanInvalid, match="az-yaml"):
        export(plan(tmp_path), "terraform", tmp_path)


def test_written_programs_are_executable(tmp_path: Path) -> None:
    exported = Export([ExportedFile("deep/a.sh", "x", program=True), ExportedFile("b.txt", "y")])
    program, text = write(exported, tmp_path / "new")
    assert (program.read_text(), text.read_text()) == ("x", "y")
    assert program.stat().st_mode & 0o777 == 0o755 and text.stat().st_mode & 0o777 == 0o644
