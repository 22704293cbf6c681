"""Paths of Resource Manager that several parts of the rehearsal answer for, and the region they are in."""

from __future__ import annotations

PROVIDER = "Microsoft.MachineLearningServices"
WORKSPACE = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices"
    "/workspaces/{workspace}"
)
ENDPOINT = f"{WORKSPACE}/onlineEndpoints/{{endpoint}}"
DEPLOYMENT = f"{ENDPOINT}/deployments/{{deployment}}"
REGION = "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{location}"
REGION_NAME = "eastus"
