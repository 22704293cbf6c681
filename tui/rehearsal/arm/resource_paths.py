"""Paths of Resource Manager that several modules of the rehearsal handle, and the rehearsal's region."""

from __future__ import annotations

PROVIDER = "Microsoft.MachineLearningServices"
WORKSPACE = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices"
    "/workspaces/{workspace}"
)
REGISTRY = f"{WORKSPACE.rpartition('/workspaces/')[0]}/registries/{{registry}}"
ENDPOINT = f"{WORKSPACE}/onlineEndpoints/{{endpoint}}"
DEPLOYMENT = f"{ENDPOINT}/deployments/{{deployment}}"
REGION = "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{location}"
REGION_NAME = "eastus"
