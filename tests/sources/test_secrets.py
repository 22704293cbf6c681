"""Secrets of Databricks scopes and Key Vaults: read by the real SDKs, used, and never shown or written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tui.cloud.auth.secrets import Reader, fill
from tui.cloud.auth.secrets import test as tested
from tui.cloud.errors import CloudError
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve
from tui.plan.model import Credential
from tui.plan.problems import PlanInvalid

from .conftest import SECRET, Vault

SCOPE = "${databricks:deploy/sp-secret}"
IN_VAULT = "${keyvault:churn-kv/sp-secret}"
WORKSPACE = {
    "AZURE_SUBSCRIPTION_ID": "11111111-2222-3333-4444-555555555555",
    "AZURE_RESOURCE_GROUP": "rg-ml",
    "AZURE_ML_WORKSPACE": "ws-churn",
}


def plan_with(secret: str, **variables: str) -> Any:
    """The preset with a service principal and its secret."""
    document = load("churn-xgboost")
    for key, value in (
        ("method", "service_principal"),
        ("tenant_id", "11111111-2222-3333-4444-555555555555"),
        ("client_id", "11111111-2222-3333-4444-555555555555"),
        ("client_secret", secret),
    ):
        document.set(f"credential.{key}", value, "test")
    if variables:
        document.set("deployment.environment_variables", variables, "test")
    return document


@pytest.mark.smoke
def test_a_secret_stays_a_reference_until_it_is_read() -> None:
    plan = resolve(plan_with(SCOPE, TOKEN=f"Bearer {IN_VAULT}"), WORKSPACE)
    assert plan.credential.client_secret == SCOPE
    assert plan.deployment.environment_variables == {"TOKEN": f"Bearer {IN_VAULT}"}


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("credential.client_secret", "${databricks:deploy}", "use ${databricks:SCOPE/KEY}"),
        ("credential.client_secret", "${keyvault:https://kv/x}", "use ${keyvault:VAULT/NAME}"),
        ("credential.client_secret", "${vault:a/b}", "${keyvault:VAULT/NAME}"),
        ("endpoint.name", SCOPE, "not allowed here"),
        ("deployment.instance_count", IN_VAULT, "not allowed here"),
    ],
)
def test_a_reference_in_a_wrong_place_or_shape_is_refused(key: str, value: str, said: str) -> None:
    document = plan_with(SCOPE)
    document.set(key, value, "test")
    with pytest.raises(PlanInvalid) as refused:
        resolve(document, WORKSPACE)
    assert [problem.key for problem in refused.value.problems] == [key]
    assert said in str(refused.value)


def test_a_secret_of_a_scope_takes_its_place_everywhere(databricks: str) -> None:
    plan = fill(resolve(plan_with(SCOPE, TOKEN=f"Bearer {SCOPE}"), WORKSPACE))
    assert plan.credential.client_secret == SECRET
    assert plan.deployment.environment_variables == {"TOKEN": f"Bearer {SECRET}"}
    assert SECRET not in repr(plan.credential)


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("deploy/other", 404, "There is no scope deploy, or no key other in it"),
        ("closed/x", 403, "put-acl closed"),
        ("notebooks-only/x", 400, "{{secrets/notebooks-only/x}}"),
    ],
)
def test_what_databricks_refuses_is_explained(databricks: str, name: str, status: int, said: str) -> None:
    with pytest.raises(CloudError) as refused:
        Reader().read("databricks", name)
    assert refused.value.status == status
    assert said in f"{refused.value} {refused.value.remedy}"


def test_a_wrong_token_is_told_from_a_missing_one(databricks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_TOKEN", "wrong")
    with pytest.raises(CloudError, match="did not accept the token"):
        Reader().read("databricks", "deploy/sp-secret")
    for variable in ("DATABRICKS_TOKEN", "DATABRICKS_HOST"):
        monkeypatch.delenv(variable)
    with pytest.raises(CloudError, match="Cannot sign in to Databricks"):
        Reader().read("databricks", "deploy/sp-secret")


@pytest.mark.smoke
def test_where_the_package_is_missing_the_other_way_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "databricks.sdk", None)
    with pytest.raises(CloudError) as refused:
        Reader().read("databricks", "deploy/sp-secret")
    told = f"{refused.value.cause} {refused.value.remedy}"
    assert "aml-deploy[databricks]" in told or "{{secrets/deploy/sp-secret}}" in told


def test_a_secret_of_a_key_vault_is_read_with_the_plans_credential(vault: Vault) -> None:
    assert Reader().read("keyvault", "churn-kv/sp-secret") == SECRET
    assert vault.audience == "https://vault.azure.net"
    assert Reader().read("keyvault", f"{Vault.host}/sp-secret/{'0' * 32}") == SECRET


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((403, {}, {"error": {"code": "Forbidden", "message": "x", "innererror": {"code": "ForbiddenByRbac"}}}),
         "Key Vault Secrets User"),
        ((403, {}, {"error": {"code": "Forbidden", "message": "x", "innererror": {"code": "ForbiddenByConnection"}}}),
         "privatelink.vaultcore.azure.net"),
        ((403, {}, {"error": {"code": "Forbidden", "message": "x", "innererror": {"code": "ForbiddenByFirewall"}}}),
         "firewall"),
    ],
)  # fmt: skip
def test_what_a_key_vault_refuses_is_explained(vault: Vault, answer: Any, said: str) -> None:
    vault.refusal = answer
    with pytest.raises(CloudError) as refused:
        Reader().read("keyvault", "churn-kv/sp-secret")
    assert refused.value.status == 403
    assert said in f"{refused.value.cause} {refused.value.remedy}"


def test_each_reference_is_tested_and_none_is_shown(
    databricks: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERE", "a value")
    monkeypatch.delenv("NOT_HERE", raising=False)
    tree = {
        "credential": {"client_secret": SCOPE},
        "deployment": {"environment_variables": {"A": IN_VAULT, "B": "${keyvault:churn-kv/none}", "C": SCOPE}},
        "workspace": {"name": "${env:HERE}", "resource_group": "${env:NOT_HERE}"},
    }
    found = {one.reference: one for one in tested(tree, Credential())}
    assert {reference: one.state for reference, one in found.items()} == {
        SCOPE: "ok",
        IN_VAULT: "ok",
        "${keyvault:churn-kv/none}": "missing",
        "${env:HERE}": "ok",
        "${env:NOT_HERE}": "missing",
    }
    assert found[SCOPE].keys == ("credential.client_secret", "deployment.environment_variables.C")
    assert SECRET not in repr(found)


def command(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """`aml-deploy …` with this process's environment and a state folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tui", *arguments],
        env={**os.environ, "AML_DEPLOY_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_check_signs_in_with_a_secret_of_a_scope(
    databricks: str, rehearsal: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in rehearsal["set"].items():
        monkeypatch.setenv(name, value)
    for name in rehearsal["unset"]:
        monkeypatch.delenv(name, raising=False)
    document = plan_with(SCOPE)
    document.set("credential.tenant_id", "${env:REHEARSAL_TENANT_ID}", "test")
    document.set("credential.client_id", "${env:REHEARSAL_CLIENT_ID}", "test")
    path = document.save(tmp_path / "plan.yml").path
    done = command("check", str(path), "--json", home=tmp_path / "home")
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    # The value reached Microsoft Entra's stand-in, which knows another one: the reference was read, and is refused.
    said = " ".join(f"{one['message']} {one['remedy']}" for one in findings if one["severity"] == "blocker")
    assert done.returncode == 3 and "secret" in said.lower(), done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr

    document.set("credential.client_secret", "${databricks:notebooks-only/x}", "test")
    document.save(tmp_path / "plan.yml")
    done = command("check", str(path), "--json", home=tmp_path / "home")
    blockers = [one for one in map(json.loads, done.stdout.splitlines()) if one["severity"] == "blocker"]
    assert done.returncode == 3
    assert [one["id"] for one in blockers] == ["secret"]
    assert "{{secrets/notebooks-only/x}}" in blockers[0]["remedy"]
    for file in (tmp_path / "home").rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


def test_a_secret_among_the_containers_variables_is_in_no_answer(
    databricks: str, rehearsal: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui.helper.dispatch import ask

    for name, value in rehearsal["set"].items():
        monkeypatch.setenv(name, value)
    for name in rehearsal["unset"]:
        monkeypatch.delenv(name, raising=False)
    document = load("churn-xgboost")
    document.set("deployment.environment_variables", {"TOKEN": f"Bearer {SCOPE}"}, "test")
    answer = ask("changes", {"plan": {"document": document.tree, "base": str(document.base)}})
    assert "result" in answer, answer
    assert SECRET not in json.dumps(answer)
    assert ask("references", {"plan": {"document": document.tree, "base": str(document.base)}})["result"]
