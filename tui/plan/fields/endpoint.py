"""The endpoint, and the deployment's name behind it."""

from __future__ import annotations

from tui.plan import endpoint_identity
from tui.plan.fields.field import LEARN, Field, Help
from tui.plan.rules import value_rules

IDENTITIES = LEARN + "how-to-access-resources-from-endpoints-managed-identities"

ENDPOINT_FIELDS: tuple[Field, ...] = (
    Field(
        "endpoint.name",
        "endpoint",
        "Endpoint name",
        Help(
            "The name that callers see in the scoring URI.",
            "It is unique in the whole Azure region.",
            "churn-endpoint-01",
            LEARN + "concept-endpoints-online",
        ),
        rule=value_rules.online_name,
        required=True,
    ),
    Field(
        "endpoint.auth_mode",
        "endpoint",
        "Callers sign in with",
        Help(
            "key: one of two keys. aml_token: a token of the workspace. aad_token: a Microsoft Entra token.",
            "It cannot be changed once the endpoint exists.",
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
        "endpoint",
        "Description",
        Help("A sentence for whoever finds the endpoint in the studio.", "", "Realtime endpoint to predict churn"),
    ),
    Field(
        "endpoint.tags",
        "endpoint",
        "Tags",
        Help("Names and values to find and bill the endpoint by.", "", "model=XGBoost, team=risk"),
        kind="map",
        rule=value_rules.text_map,
    ),
    Field(
        "deployment.name",
        "endpoint",
        "Deployment name",
        Help(
            "The deployment that serves behind the endpoint; an endpoint can have several.",
            "Blue and green are the usual names: the next version is deployed beside the one that serves.",
            "blue",
        ),
        rule=value_rules.online_name,
        required=True,
        default="blue",
    ),
    Field(
        "endpoint.identity.type",
        "endpoint",
        "Endpoint identity",
        Help(
            "What the deployments are towards storage, registry and other services. system_assigned: an identity that "
            "Azure makes with the endpoint. user_assigned: one that exists, with roles of its own.",
            "It cannot be changed once the endpoint exists. Left empty: system_assigned.",
            "system_assigned",
            IDENTITIES,
        ),
        kind="choice",
        choices=endpoint_identity.TYPES,
        rule=value_rules.one_of(endpoint_identity.TYPES),
        advanced=True,
    ),
    Field(
        "endpoint.identity.user_assigned_identities",
        "endpoint",
        "User-assigned identity",
        Help(
            "The resource id of the identity. It needs Storage Blob Data Reader on the workspace's storage and AcrPull "
            "on its registry.",
            "Azure gives these to an identity of its own making, and not to yours.",
            "/subscriptions/…/resourceGroups/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/churn-uai",
            IDENTITIES,
        ),
        kind="list",
        rule=endpoint_identity.rule,
        required=True,
        only_if=("endpoint.identity.type", ("user_assigned",)),
        advanced=True,
    ),
)
