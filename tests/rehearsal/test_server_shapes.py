"""The rehearsal's answers have the members that recordings of Azure have, with their types.

The shapes are condensed from the test recordings that Azure PowerShell publishes (2024-07, 2025-11). "time",
"text" and the like stand for any value of that type; a type in brackets may be null.
"""

from __future__ import annotations

import re
from typing import Any

from arm_client import Arm
from test_server_rules import Settled, _assets, _deployment, _make_endpoint

MADE = {"createdAt": "time", "createdBy": "text", "lastModifiedAt": "time"}
PROBE = {
    "failureThreshold": "number",
    "successThreshold": "number",
    "timeout": "duration",
    "period": "duration",
    "initialDelay": "duration",
}
ENDPOINT = {
    "id": "text",
    "name": "text",
    "type": "text",
    "properties": {
        "description": "[text]",
        "properties": {"azureml.onlineendpointid": "text", "AzureAsyncOperationUri": "text"},
        "scoringUri": "[text]",
        "swaggerUri": "[text]",
        "authMode": "text",
        "provisioningState": "text",
        "compute": "[text]",
        "publicNetworkAccess": "text",
        "traffic": {},
        "mirrorTraffic": {},
    },
    "systemData": MADE,
    "tags": {},
    "location": "text",
    "kind": "text",
    "identity": {"type": "text", "principalId": "text", "tenantId": "text"},
}
DEPLOYMENT = {
    "id": "text",
    "name": "text",
    "type": "text",
    "properties": {
        "description": "[text]",
        "properties": {"AzureAsyncOperationUri": "text"},
        "codeConfiguration": {"codeId": "text", "scoringScript": "text"},
        "environmentId": "text",
        "environmentVariables": {},
        "scaleSettings": {"scaleType": "text"},
        "requestSettings": {
            "maxQueueWait": "duration",
            "requestTimeout": "duration",
            "maxConcurrentRequestsPerInstance": "number",
        },
        "modelMountPath": "[text]",
        "appInsightsEnabled": "boolean",
        "livenessProbe": PROBE,
        "readinessProbe": PROBE,
        "provisioningState": "text",
        "instanceType": "text",
        "model": "text",
        "egressPublicNetworkAccess": "text",
        "dataCollector": "[text]",
        "endpointComputeType": "text",
    },
    "systemData": MADE,
    "tags": {},
    "location": "text",
    "kind": "text",
    "sku": {"name": "text", "tier": "text", "capacity": "number"},
}
ASSET = {"description": "[text]", "tags": {}, "properties": {}, "isArchived": "boolean", "isAnonymous": "boolean"}
VERSION = {
    "id": "text",
    "name": "text",
    "type": "text",
    "systemData": {**MADE, "createdByType": "text", "lastModifiedBy": "text", "lastModifiedByType": "text"},
}
MODEL = {
    **VERSION,
    "properties": {
        **ASSET,
        "flavors": {},
        "modelType": "text",
        "modelUri": "text",
        "jobName": "[text]",
        "provisioningState": "text",
        "stage": "text",
    },
}
CODE = {**VERSION, "properties": {**ASSET, "codeUri": "text", "provisioningState": "text"}}
ENVIRONMENT = {
    **VERSION,
    "properties": {
        **ASSET,
        "environmentType": "text",
        "image": "text",
        "condaFile": "text",
        "osType": "text",
        "autoRebuild": "text",
        "provisioningState": "text",
        "stage": "text",
    },
}
DATASTORE = {
    "id": "text",
    "name": "text",
    "type": "text",
    "properties": {
        "description": "[text]",
        "tags": "[text]",
        "properties": "[text]",
        "isDefault": "boolean",
        "credentials": {"credentialsType": "text"},
        "subscriptionId": "[text]",
        "resourceGroup": "[text]",
        "datastoreType": "text",
        "accountName": "text",
        "containerName": "text",
        "endpoint": "text",
        "protocol": "text",
        "serviceDataAccessAuthIdentity": "text",
    },
    "systemData": {"createdAt": "time", "lastModifiedAt": "time"},
}
USAGE = {
    "unit": "text",
    "currentValue": "number",
    "limit": "number",
    "name": {"value": "text", "localizedValue": "text"},
    "type": "text",
    "id": "text",
}
QUOTA = {
    "unit": "text",
    "limit": "number",
    "name": {"value": "text", "localizedValue": "text"},
    "type": "text",
    "id": "text",
    "location": "[text]",
}
SIZE = {
    "name": "text",
    "family": "text",
    "vCPUs": "number",
    "gpus": "number",
    "osVhdSizeMB": "number",
    "maxResourceVolumeMB": "number",
    "memoryGB": "number",
    "lowPriorityCapable": "boolean",
    "premiumIO": "boolean",
    "supportedComputeTypes": ["text"],
    "generation": "text",
    "supportsIB": "boolean",
}
SKU = {
    "resourceType": "text",
    "sku": {"name": "text", "tier": "text"},
    "capacity": {"minimum": "number", "maximum": "number", "default": "number", "scaleType": "text"},
}
OPERATION = {"id": "text", "name": "text", "status": "text", "startTime": "time", "percentComplete": "number"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00$")
DURATION = re.compile(r"PT(\d+H)?(\d+M)?(\d+S)?$")


def differences(shape: Any, found: Any, where: str = "") -> list[str]:
    """What a recorded shape has and the answer has not, or has with another type."""
    if isinstance(shape, dict):
        if not isinstance(found, dict):
            return [f"{where} is no object"]
        missing = [f"{where}.{name} is missing" for name in shape if name not in found]
        return missing + [
            line for name in shape if name in found for line in differences(shape[name], found[name], f"{where}.{name}")
        ]
    if isinstance(shape, list):
        if not isinstance(found, list) or not found:
            return [f"{where} is no list with members"]
        return [line for item in found for line in differences(shape[0], item, where)]
    if shape.startswith("["):
        return [] if found is None else differences(shape[1:-1], found, where)
    good = {
        "text": isinstance(found, str) and found != "",
        "number": isinstance(found, (int, float)) and not isinstance(found, bool),
        "boolean": isinstance(found, bool),
        "time": isinstance(found, str) and TIME.match(found) is not None,
        "duration": isinstance(found, str) and DURATION.match(found) is not None,
    }[shape]
    return [] if good else [f"{where} is {found!r}, not a {shape}"]


def test_the_comparison_finds_what_differs() -> None:
    shape = {"a": "text", "b": ["number"], "c": "[time]", "d": {"e": "boolean"}}
    assert differences(shape, {"a": "x", "b": [1], "c": None, "d": {"e": True}, "more": 1}) == []
    found = differences(shape, {"a": 1, "b": ["x"], "c": "yesterday", "d": {}})
    assert len(found) == 4


def test_endpoints_and_deployments(arm: Arm, name: str, settled: Settled) -> None:
    _make_endpoint(arm, name, settled)
    assets = _assets(arm, name)
    path = f"onlineEndpoints/{name}"
    answer = arm.call("PUT", f"{path}/deployments/blue", _deployment(assets))
    assert differences(DEPLOYMENT, answer.json()) == []
    assert answer.json()["properties"]["livenessProbe"] == {
        "failureThreshold": 30,
        "successThreshold": 1,
        "timeout": "PT2S",
        "period": "PT10S",
        "initialDelay": "PT10S",
    }
    assert differences(OPERATION, arm.call("GET", answer.headers["Azure-AsyncOperation"]).json()) == []
    assert differences(ENDPOINT, arm.call("GET", path).json()) == []
    assert differences({"value": [ENDPOINT]}, arm.call("GET", "onlineEndpoints").json()) == []
    assert differences({"value": [SKU]}, arm.call("GET", f"{path}/deployments/blue/skus").json()) == []
    assert list(arm.call("POST", f"{path}/deployments/blue/getLogs").json()) == ["content"]


def test_assets(arm: Arm, name: str) -> None:
    assets = _assets(arm, name)
    for resource, shape in ((assets["model"], MODEL), (assets["codeId"], CODE), (assets["environmentId"], ENVIRONMENT)):
        assert differences(shape, arm.call("GET", resource).json()) == []


def test_what_belongs_to_workspace_and_region(arm: Arm) -> None:
    assert differences(DATASTORE, arm.call("GET", "datastores/workspaceblobstore").json()) == []
    subscription = "/".join(arm.workspace.split("/")[:3])
    region = f"{subscription}/providers/Microsoft.MachineLearningServices/locations/eastus"
    for what, shape in (("usages", USAGE), ("quotas", QUOTA), ("vmSizes", SIZE)):
        assert differences({"value": [shape]}, arm.call("GET", f"{region}/{what}").json()) == []
