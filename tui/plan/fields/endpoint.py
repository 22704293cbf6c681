"""Fields for the endpoint, its identity and the deployment's name."""

from __future__ import annotations

from tui.plan import endpoint_identity
from tui.plan.fields.field import LEARN, Field, Help, of_step
from tui.plan.rules import value_rules

IDENTITIES = LEARN + "how-to-access-resources-from-endpoints-managed-identities"

_ENDPOINT = of_step(
    "endpoint",
    Field(
        "endpoint.name",
        "Endpoint name",
        Help(
            "The name that callers see in the scoring URI.",
            "It must be unique in the Azure region.",
            "churn-endpoint-01",
            LEARN + "concept-endpoints-online",
        ),
        rule=value_rules.online_name,
        required=True,
    ),
    Field(
        "endpoint.auth_mode",
        "Authentication",
        Help(
            "How callers authenticate. key: one of two keys. aml_token: an Azure Machine Learning token. aad_token: a "
            "Microsoft Entra token.",
            "It cannot be changed after the endpoint is created.",
            "key",
            LEARN + "concept-endpoints-online-auth",
        ),
        kind="choice",
        choices=("key", "aml_token", "aad_token"),
        rule=value_rules.one_of(("key", "aml_token", "aad_token")),
        default="key",
    ),
    Field(
        "endpoint.description",
        "Description",
        Help("A short description, shown in the studio.", "", "Realtime endpoint to predict churn"),
    ),
    Field(
        "endpoint.tags",
        "Tags",
        Help("Names and values by which to find the endpoint and its cost.", "", "model=XGBoost, team=risk"),
        kind="map",
        rule=value_rules.text_map,
    ),
    Field(
        "deployment.name",
        "Deployment name",
        Help(
            "The deployment that serves the model; an endpoint can have several.",
            "Blue and green are common names: the next version is deployed alongside the current one.",
            "blue",
        ),
        rule=value_rules.online_name,
        required=True,
        default="blue",
    ),
)
_ENDPOINT_ADVANCED = of_step(
    "endpoint",
    Field(
        "endpoint.identity.type",
        "Endpoint identity",
        Help(
            "The identity with which deployments access storage, registry and other services. system_assigned: "
            "created with the endpoint. user_assigned: an existing one with its own roles.",
            "It cannot be changed after the endpoint is created. If empty: system_assigned.",
            "system_assigned",
            IDENTITIES,
        ),
        kind="choice",
        choices=endpoint_identity.TYPES,
        rule=value_rules.one_of(endpoint_identity.TYPES),
    ),
    Field(
        "endpoint.identity.user_assigned_identities",
        "User-assigned identity",
        Help(
            "The resource id of the identity. It needs Storage Blob Data Reader on the workspace's storage and AcrPull "
            "on its registry.",
            "Azure assigns these roles to a system-assigned identity, but not to yours.",
            "/subscriptions/…/resourceGroups/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/churn-uai",
            IDENTITIES,
        ),
        kind="list",
        rule=endpoint_identity.rule,
        required=True,
        only_if=("endpoint.identity.type", ("user_assigned",)),
    ),
    advanced=True,
)
ENDPOINT_FIELDS = (*_ENDPOINT, *_ENDPOINT_ADVANCED)
