"""What commands of the Azure CLI print, for their --query: dumps of azure-ai-ml, and answers of Azure."""

from __future__ import annotations

import io
from typing import Any

import yaml

LABEL = {"id": "/subscriptions/s", "name": "n", "type": "t", "location": "westeurope", "tags": {}}
# Of the Azure CLI itself: the parts that are queried, as its documentation shows them.
OF_AZ: dict[str, Any] = {
    "account show": {"id": "i", "name": "n", "tenantId": "t", "state": "Enabled", "user": {"name": "u"}},
    "account list": [{"id": "i", "name": "n", "tenantId": "t", "state": "Enabled"}],
    "account get-access-token": {"accessToken": "a", "expiresOn": "2026-11-28", "subscription": "s", "tenant": "t"},
    "ad sp show": {"id": "i", "appId": "a", "accountEnabled": True, "displayName": "d"},
    "provider show": {"namespace": "n", "registrationState": "Registered"},
    "provider list": [{"namespace": "n", "registrationState": "NotRegistered"}],
    "role assignment list": [
        {"id": "i", "principalId": "p", "principalName": "", "roleDefinitionName": "r", "scope": "s"},
    ],
    "storage account show": {
        **LABEL, "networkRuleSet": {"defaultAction": "Deny"}, "kind": "StorageV2", "allowBlobPublicAccess": False,
        "allowSharedKeyAccess": False, "isHnsEnabled": False, "publicNetworkAccess": "Disabled",
    },
    "acr show": {**LABEL, "loginServer": "ml.azurecr.io", "adminUserEnabled": False, "sku": {"name": "Premium"}},
    "aks show": {**LABEL, "powerState": {"code": "Stopped"}, "kubernetesVersion": "1.33"},
    "identity show": {**LABEL, "clientId": "c", "principalId": "p", "tenantId": "t"},
    "keyvault show": {
        **LABEL,
        "properties": {
            "enableRbacAuthorization": True, "enablePurgeProtection": True, "enableSoftDelete": True, "vaultUri": "v",
            "publicNetworkAccess": "Disabled", "networkAcls": {"bypass": "None", "defaultAction": "Deny"},
            "accessPolicies": [{"objectId": "o", "permissions": {"secrets": ["get"]}}],
        },
    },
    "deployment group list": [{"name": "n", "properties": {"provisioningState": "Running", "timestamp": "t"}}],
    "keyvault network-rule list": {"bypass": "None", "defaultAction": "Deny", "ipRules": []},
    # As Resource Manager sends it: each kind of resource has its own properties.
    "resource show": {
        **LABEL,
        "sku": {"name": "Premium"},
        "properties": {
            "provisioningState": "Succeeded", "v1LegacyMode": False, "networkAcls": {"bypass": "AzureServices"},
        },
    },
    "ml online-endpoint get-credentials": {
        "primaryKey": "k", "secondaryKey": "k", "accessToken": "a", "expiryTimeUtc": 1, "tokenType": "Bearer",
    },
}  # fmt: skip


def outputs() -> dict[str, Any]:
    """An output by command. `az ml … show` prints what an entity's dump has."""
    import azure.ai.ml.entities as e
    from azure.ai.ml.constants import AssetTypes

    identity = e.IdentityConfiguration(type="system_assigned")
    network = e.ManagedNetwork(isolation_mode="allow_internet_outbound")
    network.status = e.ManagedNetworkProvisionStatus(status="Active")
    endpoint = e.ManagedOnlineEndpoint(
        name="churn", auth_mode="key", identity=identity, traffic={"blue": 100}, mirror_traffic={"green": 10},
        public_network_access="enabled", description="d", tags={"a": "b"}, location="westeurope",
        scoring_uri="https://s", openapi_uri="https://o", provisioning_state="Succeeded",
    )  # fmt: skip
    deployment = e.ManagedOnlineDeployment(
        name="blue", endpoint_name="churn", model="azureml:m:1", environment="azureml:e:1", instance_count=1,
        instance_type="Standard_DS3_v2", request_settings=e.OnlineRequestSettings(),
        environment_variables={"A": "b"}, provisioning_state="Succeeded", egress_public_network_access="disabled",
    )  # fmt: skip
    workspace = e.Workspace(
        name="w", location="l", resource_group="g", display_name="w", description="d", tags={"a": "b"},
        storage_account="s", container_registry="c", key_vault="k", application_insights="a", identity=identity,
        image_build_compute="cluster", public_network_access="Disabled", managed_network=network,
        system_datastores_auth_mode="identity", discovery_url="https://d", mlflow_tracking_uri="azureml://m",
        primary_user_assigned_identity="p", workspace_id="i",
    )  # fmt: skip
    model = e.Model(name="m", version="1", path="azureml://p", type=AssetTypes.CUSTOM_MODEL, description="d")
    shown = {"workspace": workspace, "online-endpoint": endpoint, "online-deployment": deployment, "model": model}
    found = {f"ml {name} show": dumped(entity) for name, entity in shown.items()}
    return {**OF_AZ, **found}


def dumped(entity: Any) -> dict[str, Any]:
    """An entity as az prints it: the keys of its dump that have a value."""
    text = io.StringIO()
    tree = entity.dump(dest=text) or yaml.safe_load(text.getvalue())  # endpoints return it, others write it
    return {key: value for key, value in tree.items() if value is not None}
