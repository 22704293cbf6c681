"""An identity's permissions compared with what a plan needs, and the role to request."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from plan_files import MakePlan, answering
from test_cloud_checks import ID, a_workspace, an_endpoint, told

from tui.checks import ask_azure
from tui.checks.finding import Finding
from tui.checks.identity import required_permissions
from tui.cloud.auth import permissions, roles
from tui.cloud.auth.permissions import Permission
from tui.cloud.auth.sign_in import SignedIn
from tui.cloud.errors import CloudError
from tui.cloud.http.hosts import Store
from tui.common.deadlines import Question
from tui.plan import model as m
from tui.plan.autoscale import Autoscale

ML = "Microsoft.MachineLearningServices/workspaces"
# The role AzureML Data Scientist as Microsoft documents it.
DATA_SCIENTIST = Permission(
    tuple(f"{ML}/*/{verb}" for verb in ("read", "action", "delete", "write")),
    (f"{ML}/delete", f"{ML}/write", f"{ML}/computes/*/write", f"{ML}/computes/listKeys/action"),
)
READER = Permission(("*/read",))
WHO = SignedIn("trainer", "user", "tenant", "client", None, "default", "AzureCli", "11111111-aaaa")
KEYED = Store("workspaceblobstore", "store", "https://store.blob.core.windows.net", "blobs", False)
ACCOUNT = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/store"
KEYLESS = dataclasses.replace(KEYED, identity=True, account_id=ACCOUNT)


@pytest.mark.parametrize(
    ("entry", "action", "allowed"),
    [
        (READER, f"{ML}/onlineEndpoints/read", True),
        (READER, f"{ML}/onlineEndpoints/write", False),
        (DATA_SCIENTIST, f"{ML}/read", True),
        (DATA_SCIENTIST, f"{ML}/onlineEndpoints/deployments/write", True),
        (DATA_SCIENTIST, f"{ML}/ONLINEENDPOINTS/listkeys/action", True),  # names are case-insensitive
        (DATA_SCIENTIST, f"{ML}/write", False),
        (DATA_SCIENTIST, f"{ML}/computes/cluster/write", False),
        (DATA_SCIENTIST, "Microsoft.Storage/storageAccounts/read", False),
        (
            Permission(("*",), ("Microsoft.Authorization/*/Write",)),
            "Microsoft.Authorization/roleAssignments/write",
            False,
        ),
        (Permission(("*",)), f"{ML}/onlineEndpoints/write", True),
        (Permission(()), f"{ML}/read", False),
        # A dot in an action is literal, and the whole action must match.
        (Permission(("MicrosoftXMachineLearningServices/*",)), f"{ML}/read", False),
        (Permission((f"{ML}/re",)), f"{ML}/read", False),
    ],
)
def test_wildcards_are_azures(entry: Permission, action: str, allowed: bool) -> None:
    assert entry.allows(action) is allowed


def test_data_actions_are_apart_from_actions() -> None:
    write = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
    assert not Permission(("*",)).allows(write, data=True)
    assert Permission(data_actions=("Microsoft.Storage/*",)).allows(write, data=True)


def test_one_role_may_give_what_another_leaves_out() -> None:
    assert permissions.missing([READER, Permission((f"{ML}/write",))], [f"{ML}/read", f"{ML}/write"]) == []


def test_who_may_do_all_is_told_so(make_plan: MakePlan) -> None:
    found = required_permissions.roles(make_plan(), a_workspace(), [DATA_SCIENTIST], WHO, KEYED)
    assert found.severity == "ok" and "trainer" in found.message


def test_what_a_reader_lacks_is_named_with_role_scope_and_command(make_plan: MakePlan) -> None:
    found = required_permissions.roles(make_plan(), a_workspace(), [READER], WHO, KEYED)
    assert found.severity == "blocker"
    assert "onlineEndpoints/write" in found.message or " more." in found.message
    assert "AzureML Data Scientist" in found.remedy
    assert found.commands[0] == (
        "az role assignment create --assignee-object-id 11111111-aaaa --assignee-principal-type User "
        f'--role "AzureML Data Scientist" --scope {ID}'
    )


def test_only_what_the_plan_needs_is_asked_for(make_plan: MakePlan) -> None:
    plan = make_plan()
    assert f"{ML}/datastores/listSecrets/action" in required_permissions.actions(plan, KEYED)
    assert f"{ML}/datastores/listSecrets/action" not in required_permissions.actions(plan, KEYLESS)
    registered = m.Model(name="x", registered="azureml:x:1")
    plan = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, model=registered))
    assert f"{ML}/models/versions/write" not in required_permissions.actions(plan, KEYED)
    for mode, action in (("key", "listKeys"), ("aml_token", "token"), ("aad_token", "score")):
        endpoint = dataclasses.replace(plan.endpoint, auth_mode=mode)
        assert f"{ML}/onlineEndpoints/{action}/action" in required_permissions.actions(
            dataclasses.replace(plan, endpoint=endpoint), KEYED
        )


def test_without_the_right_to_read_logs_the_plan_still_works(make_plan: MakePlan) -> None:
    nothing = dataclasses.replace(DATA_SCIENTIST, not_actions=(f"{ML}/onlineEndpoints/deployments/getLogs/action",))
    assert required_permissions.roles(make_plan(), a_workspace(), [nothing], WHO, KEYED).severity == "warning"


def test_a_datastore_without_a_key_needs_a_data_role() -> None:
    found = required_permissions.storage_role(KEYLESS, [Permission(("*",))], WHO)
    assert found.severity == "blocker"
    assert '--role "Storage Blob Data Contributor"' in found.commands[0] and ACCOUNT in found.commands[0]
    assert required_permissions.storage_role(KEYLESS, [Permission(data_actions=("*",))], WHO).severity == "ok"


@pytest.mark.parametrize(
    ("action", "scope", "role", "at"),
    [
        (f"{ML}/onlineEndpoints/write", f"{ID}/onlineEndpoints/churn", "AzureML Data Scientist", ID),
        (f"{ML}/write", ID, "Contributor", ID),
        (f"{ML}/computes/start/action", f"{ID}/computes/c", "AzureML Compute Operator", ID),
        (
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
            f"{ACCOUNT}/blobServices/default/containers/x",
            "Storage Blob Data Contributor",
            ACCOUNT,
        ),
        ("Microsoft.KeyVault/vaults/read", "/subscriptions/s", "Reader", "/subscriptions/s"),
        ("Microsoft.Resources/deployments/write", "/subscriptions/s", "Contributor", "/subscriptions/s"),
    ],
)
def test_the_role_for_an_action(action: str, scope: str, role: str, at: str) -> None:
    asked = roles.request_for(action, scope)
    assert (asked.role, asked.scope) == (role, at)


# The message as Resource Manager writes it (Microsoft, Azure RBAC troubleshooting).
REFUSAL = (
    "The client '{id}' with object id '{id}' does not have authorization to perform "
    "action 'Microsoft.MachineLearningServices/workspaces/onlineEndpoints/write' over scope '{scope}' or the "
    "scope is invalid. If access was recently granted, please refresh your credentials."
)


def test_authorization_failed_becomes_the_role_and_the_scope_to_ask_for() -> None:
    def ask() -> str:
        text = REFUSAL.format(id="abc-123", scope=f"{ID}/onlineEndpoints/churn")
        raise CloudError(
            "The identity has no permission for this", text, "Ask.", code="AuthorizationFailed", status=403
        )

    found = ask_azure.ask(Question(ask, 30), "endpoint", "endpoint.name", "It")
    assert isinstance(found, Finding) and found.severity == "blocker"
    assert found.remedy.startswith("Ask for the role AzureML Data Scientist on ws,")
    assert found.commands[0].endswith(f'--role "AzureML Data Scientist" --scope {ID}')
    assert "--assignee-object-id abc-123" in found.commands[0]


def test_other_refusals_keep_their_remedy() -> None:
    assert roles.refused("The storage account's firewall does not admit you.") is None


@pytest.mark.parametrize(
    ("name", "state", "severity"),
    [
        (required_permissions.PROVIDERS[0], "Registered", "ok"),
        (required_permissions.PROVIDERS[0], "NotRegistered", "blocker"),
        (required_permissions.PROVIDERS[0], "Registering", "warning"),
        (required_permissions.PROVIDERS[0], None, "unknown"),
        (required_permissions.PROVIDERS[0], "registered", "ok"),
        (required_permissions.PROVIDERS[0], "Unregistered", "blocker"),
        (required_permissions.MONITOR, "NotRegistered", "blocker"),
        (required_permissions.PROVIDERS[2], "Registered", None),
        (required_permissions.PROVIDERS[2], "Unregistered", "warning"),
        (required_permissions.PROVIDERS[2], None, None),
        (required_permissions.PROVIDERS[1], "NotRegistered", "warning"),
        (required_permissions.PROVIDERS[1], "Registered", None),
        (required_permissions.PROVIDERS[1], None, None),
    ],
)
def test_resource_providers(name: str, state: str | None, severity: str | None) -> None:
    found = required_permissions.provider(name, state)
    assert (found.severity if found else None) == severity
    if severity == "blocker":
        assert found is not None and found.commands == (f"az provider register --namespace {name}",)


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({}, True),
        ({"model": m.Model(name="x", registered="azureml:x:1")}, False),
    ],
)
def test_only_a_model_from_here_is_registered(make_plan: MakePlan, changes: dict[str, Any], needed: bool) -> None:
    asked = required_permissions.actions(changed(make_plan(), **changes), KEYED)
    assert (f"{ML}/models/versions/write" in asked) is needed
    assert (f"{ML}/datastores/listSecrets/action" in asked) is needed


def changed(plan: m.Plan, **changes: Any) -> m.Plan:
    return dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, **changes))


ENVIRONMENT, CODE, DATA = (f"{ML}/{name}/versions/write" for name in ("environments", "codes", "data"))


@pytest.mark.parametrize(
    ("changes", "action", "needed"),
    [
        ({}, CODE, True),
        ({"code_configuration": None}, CODE, False),
        ({}, ENVIRONMENT, True),
        ({"environment": m.Environment(image="image:1")}, ENVIRONMENT, True),
        ({"environment": m.Environment(registered="azureml:env:1")}, ENVIRONMENT, False),
        ({"environment": m.Environment()}, ENVIRONMENT, False),  # the model's own
        ({}, DATA, False),
        ({"data_collector": m.DataCollector()}, DATA, True),
    ],
)
def test_what_is_registered_needs_its_permission(
    make_plan: MakePlan, changes: dict[str, Any], action: str, needed: bool
) -> None:
    assert (action in required_permissions.actions(changed(make_plan(), **changes), KEYED)) is needed


def test_an_unknown_datastore_needs_no_key(make_plan: MakePlan) -> None:
    assert f"{ML}/datastores/listSecrets/action" not in required_permissions.actions(make_plan(), None)


def test_the_test_needs_the_key_or_token_of_the_endpoint_that_exists(make_plan: MakePlan) -> None:
    plan = make_plan()
    there = an_endpoint(auth_mode="aml_token")
    assert f"{ML}/onlineEndpoints/token/action" in required_permissions.actions(plan, KEYED, there)
    unknown = an_endpoint(auth_mode="")
    assert f"{ML}/onlineEndpoints/listKeys/action" in required_permissions.actions(plan, KEYED, unknown)
    untested = dataclasses.replace(plan, test=m.Test(None))
    calls = {f"{ML}/onlineEndpoints/{name}/action" for name in ("listKeys", "token", "score")}
    assert calls.isdisjoint(required_permissions.actions(untested, KEYED))


@pytest.mark.parametrize(("lacking", "more"), [(1, ""), (4, ""), (5, "and 1 more"), (6, "and 2 more")])
def test_at_most_four_permissions_are_listed(make_plan: MakePlan, lacking: int, more: str) -> None:
    needed = required_permissions.actions(make_plan(), KEYED)
    given = [Permission(tuple(needed[lacking:]))]
    found = required_permissions.roles(make_plan(), a_workspace(), given, WHO, KEYED)
    assert found.severity == "blocker"
    listed = found.message.rpartition(": ")[2].partition(" and ")[0].rstrip(".").split(", ")
    assert listed == [action.partition("/")[2] for action in needed[: min(lacking, 4)]]
    assert (more in found.message) and (" more." in found.message) is bool(more)


def test_logs_are_not_all_that_is_missing(make_plan: MakePlan) -> None:
    logs, write = (f"{ML}/onlineEndpoints/deployments/{verb}" for verb in ("getLogs/action", "write"))
    both = [dataclasses.replace(DATA_SCIENTIST, not_actions=(logs, write))]
    assert required_permissions.roles(make_plan(), a_workspace(), both, WHO, KEYED).severity == "blocker"


def test_an_unknown_identity_has_no_name(make_plan: MakePlan) -> None:
    found = required_permissions.roles(make_plan(), a_workspace(), [READER], None, KEYED)
    assert "trainer" not in found.message and "OBJECT_ID" in found.commands[0]


@pytest.mark.parametrize(
    ("verbs", "role"),
    [
        ((), "Storage Blob Data Contributor"),
        (("read",), "Storage Blob Data Contributor"),
        (("write",), "Storage Blob Data Reader"),
        (("read", "write"), None),
    ],
)
def test_the_data_role_that_is_missing(verbs: tuple[str, ...], role: str | None) -> None:
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
    given = [Permission(data_actions=tuple(f"{blobs}/{verb}" for verb in verbs))]
    found = required_permissions.storage_role(KEYLESS, given, WHO)
    assert found.severity == ("blocker" if role else "ok")
    assert role is None or f'--role "{role}"' in found.commands[0]


REGISTERED = {required_permissions.PROVIDERS[0]: "Registered", required_permissions.PROVIDERS[1]: "NotRegistered"}
SAID = {"provider-machinelearningservices": "ok", "provider-policyinsights": "warning"}
REFUSED = CloudError("Refused", "No role", "Ask.", status=403)


@pytest.mark.parametrize(
    ("store", "account", "uploads", "scope"),
    [
        (KEYED, ACCOUNT, True, None),
        (None, ACCOUNT, True, None),
        (KEYLESS, None, True, ACCOUNT),
        (KEYLESS, None, False, None),
        (dataclasses.replace(KEYLESS, account_id=""), f"{ACCOUNT}2", True, f"{ACCOUNT}2"),
        (dataclasses.replace(KEYLESS, account_id=""), None, True, None),
    ],
)
def test_the_data_role_is_checked_where_uploads_need_it(
    make_plan: MakePlan, store: Store | None, account: str | None, uploads: bool, scope: str | None
) -> None:
    asked: list[str] = []

    def items(path: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(path.partition("/providers/Microsoft.Authorization")[0])
        return []

    cloud: Any = SimpleNamespace(arm=SimpleNamespace(items=items))
    model = m.Model(name="x", path=Path("model")) if uploads else m.Model(name="x", registered="azureml:x:1")
    plan, info = changed(make_plan(), model=model), a_workspace(storage_account=account)
    rights = answering([Permission(("*",))])
    found = list(required_permissions.findings(plan, cloud, info, rights, answering(REGISTERED), WHO, store, None))
    assert told(found) == {"roles": "ok", **({"storage-role": "blocker"} if scope else {}), **SAID}
    assert asked == ([scope] if scope else [])
    assert all(f"--scope {scope}" in one.commands[0] for one in found if one.id == "storage-role")


GROUP = ID.partition("/providers/")[0]
OPERATOR = Permission(("Microsoft.Insights/autoscaleSettings/*",))


@pytest.mark.parametrize(
    ("rules", "given", "severity"),
    [
        (True, [DATA_SCIENTIST, READER], "blocker"),
        (True, [READER, OPERATOR], "ok"),
        (True, [Permission(("*",))], "ok"),
        (False, [DATA_SCIENTIST], None),
    ],
)
def test_the_right_to_set_rules_is_checked_on_the_group_if_the_plan_has_some(
    make_plan: MakePlan, rules: bool, given: list[Permission], severity: str | None
) -> None:
    asked: list[str] = []

    def items(path: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(path.partition("/providers/Microsoft.Authorization")[0])
        return [{"actions": one.actions, "notActions": one.not_actions} for one in given]

    cloud: Any = SimpleNamespace(arm=SimpleNamespace(items=items))
    plan = changed(make_plan(), autoscale=Autoscale(1, 2) if rules else None)
    rights = answering([Permission(("*",))])
    found = required_permissions.findings(plan, cloud, a_workspace(), rights, answering(REGISTERED), WHO, KEYED, None)
    one = next((one for one in found if one.id == "autoscale-role"), None)
    assert asked == ([GROUP] if rules else [])
    assert (one.severity if one else None) == severity
    if one and severity == "blocker":
        assert one.message.endswith("it lacks Microsoft.Insights/autoscaleSettings/write.")
        (command,) = one.commands
        assert "--role Contributor" in command and command.endswith(f"--scope {GROUP}")


def test_permissions_that_may_not_be_read_block_nothing(make_plan: MakePlan) -> None:
    def items(*_: Any, **__: Any) -> list[Any]:
        raise REFUSED

    cloud: Any = SimpleNamespace(arm=SimpleNamespace(items=items))
    refused = answering(REFUSED)
    found = required_permissions.findings(make_plan(), cloud, a_workspace(), refused, refused, WHO, KEYLESS, None)
    ids = ("roles", "storage-role", "provider-machinelearningservices")
    assert told(list(found)) == dict.fromkeys(ids, "unknown")


def test_only_the_required_provider_must_be_readable() -> None:
    first, *others = required_permissions.PROVIDERS

    def find(path: str, *_: Any, **__: Any) -> dict[str, str]:
        if not path.endswith(first):
            raise REFUSED
        return {"registrationState": "Registered"}

    workspace = m.Workspace("s", "rg", "ws")
    cloud: Any = SimpleNamespace(arm=SimpleNamespace(find=find), plan=m.Plan(workspace=workspace))
    assert required_permissions.providers(cloud) == {first: "Registered", **dict.fromkeys(others)}
    scaled = m.Plan(workspace=workspace, deployment=m.Deployment(autoscale=Autoscale(1, 2)))
    asked = required_permissions.providers(SimpleNamespace(arm=cloud.arm, plan=scaled))
    assert asked == {first: "Registered", **dict.fromkeys(others), required_permissions.MONITOR: None}
