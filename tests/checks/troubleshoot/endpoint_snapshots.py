"""Made-up states of an endpoint, as they are read before a diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.checks.troubleshoot.snapshot import Snapshot
from tui.cloud.auth.sign_in import SignedIn
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.monitor.activity_log import Change
from tui.cloud.monitor.log_analytics import Diagnostics
from tui.cloud.monitor.metrics import Hour
from tui.cloud.workspace.workspace import WorkspaceInfo

WORKSPACE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
ENDPOINT = f"{WORKSPACE}/onlineEndpoints/churn"
KEPT = Diagnostics(("/log-analytics",), ("AmlOnlineEndpointConsoleLog",), ("logs",))


def deployment(name: str = "blue", state: str = "Succeeded", **more: Any) -> DeploymentInfo:
    settings = {"request_timeout_ms": 5000, "max_concurrent_requests_per_instance": 1}
    return DeploymentInfo(
        **{
            "name": name, "id": f"{ENDPOINT}/deployments/{name}", "provisioning_state": state,
            "instance_type": "Standard_DS3_v2", "instance_count": 1, "model": "m", "environment": "e", "code": "c",
            "scoring_script": "score.py", "environment_variables": {}, "egress_public_network_access": None,
            "app_insights_enabled": False, "description": "", "tags": {}, "request_settings": settings,
            "liveness_probe": {"initial_delay": 10}, "readiness_probe": {"initial_delay": 10}, **more,
        }  # type: ignore[arg-type]
    )  # fmt: skip


def snapshot(*deployments: DeploymentInfo, traffic: Mapping[str, int] | None = None, **more: Any) -> Snapshot:
    found = deployments or (deployment(),)
    endpoint = EndpointInfo(
        "churn", ENDPOINT, "Succeeded", "https://churn.eastus.inference.ml.azure.com/score", "key", "disabled", "",
        more.pop("tags", {}), dict(traffic if traffic is not None else {found[0].name: 100}), "eastus",
        deployments=list(found),
    )  # fmt: skip
    told: dict[str, Any] = {
        "who": SignedIn("operator", "user", "t", "c", None, "default", "AzureCli"),
        "changes": [],
        "hour": Hour("", ""),
        "diagnostics": KEPT,
        **more,
    }
    seen = Snapshot("churn", endpoint=endpoint)
    for name, value in told.items():
        setattr(seen, name, value)
    return seen


def change(status: str, *, what: str = "deployments/blue", time: str = "2026-11-23T10:00:00Z", **more: Any) -> Change:
    action = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/write"
    resource = f"{ENDPOINT}/{what}" if what else ENDPOINT
    return Change(time, "Create or Update", more.pop("action", action), resource, status, "ann", **more)


def workspace(**more: Any) -> WorkspaceInfo:
    told: dict[str, Any] = {
        "id": WORKSPACE, "name": "ws", "location": "eastus", "isolation": "legacy", "public_network_access": "Disabled",
        "managed_network": None, "image_build_compute": None, "portal_url": "", "explain": "", **more,
    }  # fmt: skip
    return WorkspaceInfo(**told)
