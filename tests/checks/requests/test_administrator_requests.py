"""Which finding becomes a request to whom, and what is filled in."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from plan_files import MakePlan
from test_cloud_checks import ID, a_workspace

from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding
from tui.checks.requests import administrator_requests
from tui.checks.requests.administrator_requests import Page
from tui.cloud.auth.sign_in import SignedIn
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.plan import model as m

WHO = SignedIn("trainer", "user", "tenant", "signed-in-client", None, "default", "AzureCli", "11111111-aaaa")
ACCOUNT = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/store"
INFO = a_workspace(storage_account=ACCOUNT)
ASSIGN = "Ask for it. az role assignment create --role R"


def pages(
    make_plan: MakePlan, *findings: Finding, info: WorkspaceInfo | None = INFO, who: SignedIn | None = WHO
) -> list[Page]:
    return administrator_requests.pages(make_plan(), list(findings), info, who, "plan.yml")


@pytest.mark.parametrize(
    ("id", "severity", "remedy", "asked"),
    [
        ("roles", BLOCKER, "", ["identity"]),
        ("roles", WARNING, ASSIGN, ["identity"]),
        ("roles", OK, "Do.", []),
        ("roles", UNKNOWN, "Do.", []),
        ("sign-in", BLOCKER, "", ["identity", "databricks"]),
        ("reach-storage", UNKNOWN, "Open it.", ["network"]),
        ("reach-storage", UNKNOWN, "", []),  # nothing is known to be wrong
        ("reach-storage", OK, "Open it.", []),
        ("reach", BLOCKER, "", []),
        ("image-build-compute", UNKNOWN, "Set one.", ["ml"]),
        ("quota", BLOCKER, "", ["ml"]),
        ("quota-together", BLOCKER, "", ["ml"]),
        ("quot", BLOCKER, "", []),
        ("diagnose", WARNING, "", ["network"]),
        ("diagnose-2", WARNING, "", ["network"]),
        ("traffic", BLOCKER, "", []),  # the plan's own
        ("workspace", BLOCKER, "Wait.", ["ml"]),
        ("workspace", BLOCKER, ASSIGN, ["identity"]),
        ("storage", BLOCKER, "", []),
        ("storage", BLOCKER, "The account REFUSES this machine.", ["network"]),
        ("storage", BLOCKER, "The account does not accept keys.", ["ml"]),
    ],
)
def test_who_is_asked(make_plan: MakePlan, id: str, severity: str, remedy: str, asked: list[str]) -> None:
    found = pages(make_plan, Finding(id, severity, message="It does not work.", remedy=remedy))
    assert sorted(page.who for page in found) == sorted(asked)
    assert all(request.finding == id for page in found for request in page.requests)


def test_what_concerns_nobody_else_hides_nothing_after_it(make_plan: MakePlan) -> None:
    found = pages(make_plan, Finding("roles", OK), Finding("traffic", BLOCKER), Finding("roles", BLOCKER))
    assert [(page.who, len(page.requests)) for page in found] == [("identity", 1)]
    assert found[0].title == "Identity administrator"


def filled(
    make_plan: MakePlan,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    finding: Finding,
    *,
    field: str = "what",
    info: WorkspaceInfo | None = INFO,
    who: SignedIn | None = WHO,
    credential: m.Credential | None = None,
) -> str:
    """What one text of a request becomes."""
    entries = [{"id": finding.id, "who": "ml", field: text}]
    monkeypatch.setattr(administrator_requests, "_entries", lambda: entries)
    plan = dataclasses.replace(make_plan(), credential=credential or m.Credential())
    (page,) = administrator_requests.pages(plan, [finding], info, who, "plan.yml")
    return str(getattr(page.requests[0], field))


PLAIN = Finding("x", BLOCKER, message="It is so.", remedy="Do.", commands=("one", "two"), looked_at="host.org:443")


@pytest.mark.parametrize(
    ("text", "known", "unknown"),
    [
        ("{message} {remedy}", "It is so. Do.", "MESSAGE REMEDY"),
        ("{command}", "one; two", "COMMAND"),
        ("{looked_at}", "host.org:443", "ws"),
        ("{host_name}", "host.org", "HOST"),
        ("{workspace} {group} {type} {endpoint}", "ws rg Standard_D4as_v4 churn-endpoint", None),
        ("{plan}", "plan.yml", None),
        ("{region}", "eastus2", "the region"),
        ("{principal}", "trainer", "the identity of this plan"),
        ("{object_id}", "11111111-aaaa", "OBJECT_ID"),
        ("{storage}", ACCOUNT, "STORAGE_ACCOUNT_ID"),
        ("{storage_name}", "store", "STORAGE_ACCOUNT"),
        ("{vnet} {{name}} {{secrets/SCOPE}}", "VNET {{name}} {{secrets/SCOPE}}", None),
        ("", "", ""),
    ],
)
def test_what_is_filled_in(
    make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, text: str, known: str, unknown: str | None
) -> None:
    assert filled(make_plan, monkeypatch, text, PLAIN) == known
    nothing = filled(make_plan, monkeypatch, text, Finding("x", BLOCKER), info=None, who=None)
    assert nothing == (known if unknown is None else unknown)


@pytest.mark.parametrize(
    ("commands", "message", "expected"),
    [
        ((), "", ""),
        (("one",), "", "one"),
        (
            ("one",),
            f"The client 'c' with object id 'o' does not have authorization to perform action 'x/write' over scope "
            f"'{ID}'",
            "az role assignment create --assignee-object-id o",
        ),
    ],
)
def test_the_command_of_a_request(
    make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, commands: tuple[str, ...], message: str, expected: str
) -> None:
    finding = Finding("x", BLOCKER, message=message, commands=commands)
    command = filled(make_plan, monkeypatch, "{command}", finding, field="command")
    assert command.startswith(expected) and bool(command) is bool(expected)


def test_the_object_id_of_nobody_in_particular(make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = dataclasses.replace(WHO, object_id=None)
    assert filled(make_plan, monkeypatch, "{object_id}", PLAIN, who=nobody) == "OBJECT_ID"


@pytest.mark.parametrize(
    ("credential", "who", "principal", "command"),
    [
        (m.Credential(), None, "the identity of this plan", "az ad sp create-for-rbac"),
        (m.Credential(client_id="own"), None, "own", "az ad sp create-for-rbac"),
        (m.Credential(client_id="own"), WHO, "trainer", "az ad sp create-for-rbac"),
        (m.Credential("azure_cli"), None, "the identity of this plan", "az ad sp create-for-rbac"),
        (m.Credential("service_principal", client_id="own"), None, "own", "reset --id own "),
        (m.Credential("service_principal", client_id="own"), WHO, "trainer", "reset --id own "),
        (m.Credential("service_principal"), WHO, "trainer", "reset --id signed-in-client "),
        (m.Credential("service_principal"), None, "the identity of this plan", "reset --id CLIENT_ID "),
        (m.Credential("managed_identity"), WHO, "trainer", "az vm identity assign"),
        (m.Credential("workload_identity"), WHO, "trainer", "az ad sp create-for-rbac"),
    ],
)
def test_the_identity_that_must_sign_in(
    make_plan: MakePlan,
    monkeypatch: pytest.MonkeyPatch,
    credential: m.Credential,
    who: SignedIn | None,
    principal: str,
    command: str,
) -> None:
    text = "{principal}: {credential_command}"
    said = filled(make_plan, monkeypatch, text, PLAIN, who=who, credential=credential)
    assert said.startswith(f"{principal}: ") and command in said


def test_a_page_counts_and_numbers_its_requests(make_plan: MakePlan) -> None:
    role = Finding("roles", BLOCKER, message="A role.", commands=("az one",), docs="https://docs.example")
    tenant = Finding("tenant", WARNING, message="A tenant.")
    (one,) = pages(make_plan, role)
    assert "one task" in one.markdown and "## 1." in one.markdown and "## 2." not in one.markdown
    assert "az one" in one.markdown and "More: https://docs.example" in one.markdown
    (two,) = pages(make_plan, tenant, role)
    assert "2 tasks" in two.markdown and "## 2." in two.markdown and "## 0." not in two.markdown
    (bare,) = pages(make_plan, tenant)
    assert not {"```", "More:", "How."} & set(bare.markdown.split()) and "**How.**" not in bare.markdown
    (host,) = pages(make_plan, Finding("reach-storage", BLOCKER, remedy="Open it.", looked_at="host.org:443"))
    assert "**How.** Open it." in host.markdown and "getent hosts host.org" in host.markdown


@pytest.mark.parametrize(
    ("severity", "said"), [(BLOCKER, "cannot work"), (WARNING, "might fail"), (UNKNOWN, "not be verified")]
)
def test_the_urgency_of_a_request(make_plan: MakePlan, severity: str, said: str) -> None:
    (page,) = pages(make_plan, Finding("reach-storage", severity, remedy="Open it."))
    assert said in page.markdown


def test_a_page_is_data(make_plan: MakePlan) -> None:
    (page,) = pages(make_plan, Finding("roles", BLOCKER))
    data: dict[str, Any] = page.as_dict()
    assert data["who"] == "identity" and data["requests"][0]["finding"] == "roles"
