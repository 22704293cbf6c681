"""Fields for the identity that deploys and for the workspace."""

from __future__ import annotations

from tui.plan.fields.field import LEARN, Field, Help, of_step
from tui.plan.rules import value_rules

SERVICE_PRINCIPAL = ("credential.method", ("service_principal",))
OWN_APP = ("credential.method", ("service_principal", "managed_identity"))
METHODS = ("default", "service_principal", "managed_identity", "azure_cli")

_CREDENTIALS = of_step(
    "credentials",
    Field(
        "credential.method",
        "Sign in with",
        Help(
            "The source of the identity that deploys.",
            "`default` tries the environment, a managed identity and the Azure CLI, in that order.",
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
        "Tenant",
        Help(
            "The Microsoft Entra tenant of the service principal.",
            "A token is valid in one tenant only.",
            "${env:AZURE_TENANT_ID}",
        ),
        rule=value_rules.tenant,
        required=True,
        only_if=SERVICE_PRINCIPAL,
        default="${env:AZURE_TENANT_ID}",
    ),
    Field(
        "credential.client_id",
        "Client id",
        Help(
            "The application (client) id of the service principal or the user-assigned identity.",
            "This is not the object id; the portal shows both.",
            "${env:AZURE_CLIENT_ID}",
        ),
        rule=value_rules.guid,
        only_if=OWN_APP,
    ),
    Field(
        "credential.client_secret",
        "Client secret",
        Help(
            "The value of the secret, not its id. It is kept in memory only; a resumed run asks for it again.",
            "On Databricks, a cluster gets a secret of a Key Vault-backed scope as a variable: {{secrets/scope/key}}.",
            "${env:AZURE_CLIENT_SECRET}",
        ),
        kind="secret",
        required=True,
        only_if=SERVICE_PRINCIPAL,
        default="${env:AZURE_CLIENT_SECRET}",
    ),
)
_WORKSPACE = of_step(
    "workspace",
    Field(
        "workspace.subscription_id",
        "Subscription",
        Help(
            "The id of the workspace's subscription.",
            "Quota and cost are counted per subscription.",
            "${env:AZURE_SUBSCRIPTION_ID}",
        ),
        rule=value_rules.guid,
        required=True,
        default="${env:AZURE_SUBSCRIPTION_ID}",
    ),
    Field(
        "workspace.resource_group",
        "Resource group",
        Help("The resource group that contains the workspace.", "", "rg-ml"),
        rule=value_rules.resource_group,
        required=True,
        default="${env:AZURE_RESOURCE_GROUP}",
    ),
    Field(
        "workspace.name",
        "Workspace",
        Help(
            "The Azure Machine Learning workspace in which the endpoint is created.",
            "Its network isolation determines the two network flags, which are set from it.",
            "ws-churn",
            LEARN + "concept-workspace",
        ),
        rule=value_rules.workspace_name,
        required=True,
        default="${env:AZURE_ML_WORKSPACE}",
    ),
)
SIGN_IN_FIELDS = (*_CREDENTIALS, *_WORKSPACE)
