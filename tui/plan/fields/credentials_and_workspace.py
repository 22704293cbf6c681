"""Who deploys, and into which workspace."""

from __future__ import annotations

from tui.plan.fields.field import LEARN, Field, Help
from tui.plan.rules import value_rules

SERVICE_PRINCIPAL = ("credential.method", ("service_principal",))
OWN_APP = ("credential.method", ("service_principal", "managed_identity"))
METHODS = ("default", "service_principal", "managed_identity", "azure_cli")

SIGN_IN_FIELDS: tuple[Field, ...] = (
    Field(
        "credential.method",
        "credentials",
        "Sign in with",
        Help(
            "Where the identity that deploys comes from.",
            "`default` tries the environment, a managed identity and the Azure CLI, in Azure's own order.",
            "service_principal",
            "https://learn.microsoft.com/python/api/overview/azure/identity-readme",
        ),
        kind="choice",
        choices=METHODS,
        rule=value_rules.one_of(METHODS),
        default="default",
    ),
    Field(
        "credential.tenant_id",
        "credentials",
        "Tenant",
        Help(
            "The Microsoft Entra tenant of the service principal.",
            "A token is only valid in one tenant.",
            "${env:AZURE_TENANT_ID}",
        ),
        rule=value_rules.tenant,
        required=True,
        only_if=SERVICE_PRINCIPAL,
        default="${env:AZURE_TENANT_ID}",
    ),
    Field(
        "credential.client_id",
        "credentials",
        "Client id",
        Help(
            "The application (client) id of the service principal or the user-assigned identity.",
            "Not the object id: the portal shows both.",
            "${env:AZURE_CLIENT_ID}",
        ),
        rule=value_rules.guid,
        only_if=OWN_APP,
    ),
    Field(
        "credential.client_secret",
        "credentials",
        "Client secret",
        Help(
            "The value of the secret, not its id. Kept in memory only, and asked again when a run is resumed.",
            "On Databricks, a Key Vault-backed scope reaches the cluster as a variable: {{secrets/scope/key}}.",
            "${env:AZURE_CLIENT_SECRET}",
        ),
        kind="secret",
        required=True,
        only_if=SERVICE_PRINCIPAL,
        default="${env:AZURE_CLIENT_SECRET}",
    ),
    Field(
        "workspace.subscription_id",
        "workspace",
        "Subscription",
        Help(
            "The id of the subscription that the workspace is in.",
            "Quota and cost belong to it.",
            "${env:AZURE_SUBSCRIPTION_ID}",
        ),
        rule=value_rules.guid,
        required=True,
        default="${env:AZURE_SUBSCRIPTION_ID}",
    ),
    Field(
        "workspace.resource_group",
        "workspace",
        "Resource group",
        Help("The resource group that holds the workspace.", "", "rg-ml"),
        rule=value_rules.resource_group,
        required=True,
        default="${env:AZURE_RESOURCE_GROUP}",
    ),
    Field(
        "workspace.name",
        "workspace",
        "Workspace",
        Help(
            "The Azure Machine Learning workspace that will own the endpoint.",
            "Its network isolation decides the two network flags; they are read from it.",
            "ws-churn",
            LEARN + "concept-workspace",
        ),
        rule=value_rules.workspace_name,
        required=True,
        default="${env:AZURE_ML_WORKSPACE}",
    ),
)
