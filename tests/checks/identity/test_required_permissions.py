"""An identity's permissions compared with what a plan needs, and the role to request."""

from __future__ import annotations

import dataclasses

import pytest
from plan_files import MakePlan
from test_cloud_checks import ID, a_workspace

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
        (required_permissions.PROVIDERS[1], "NotRegistered", "warning"),
        (required_permissions.PROVIDERS[1], "Registered", None),
        (required_permissions.PROVIDERS[1], None, None),
    ],
)
def test_resource_providers(name: str, state: str | None, severity: str | None) -> None:
    found = required_permissions.provider(name, state)
    assert (found.severity if found else None) == severity
    if severity == "blocker":
        assert found is not None and f"az provider register --namespace {name}" in found.remedy
