"""Runs Azure's workspace diagnostics: routes, security rules, locks, DNS, storage, key vault, registry.

The operation is Workspaces_Diagnose of Microsoft's API description: POST, 202, and a Location that answers 202 until
the result is there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable

from tui.cloud.http import arm
from tui.cloud.http.operation import Operation
from tui.cloud.http.run_operation import follow
from tui.cloud.session import Cloud

# The name of a result list -> its topic as text.
_ABOUT = {
    "userDefinedRouteResults": "user-defined routes",
    "networkSecurityRuleResults": "network security rules",
    "resourceLockResults": "resource locks",
    "dnsResolutionResults": "DNS",
    "storageAccountResults": "the storage account",
    "keyVaultResults": "the key vault",
    "containerRegistryResults": "the container registry",
    "applicationInsightsResults": "Application Insights",
    "otherResults": "other topics",
}
_ASKED = (
    "udr", "nsg", "resourceLock", "dnsResolution", "storageAccount", "keyVault", "containerRegistry",
    "applicationInsights", "others",
)  # fmt: skip


@dataclass(frozen=True)
class Diagnosis:
    """A problem found by Azure: code, level (Warning, Error, Information), message, and topic."""

    code: str
    level: str
    message: str
    about: str


def diagnose(cloud: Cloud, stopped: Callable[[], bool] = lambda: False) -> list[Diagnosis]:
    """Run the diagnostics and wait for the result; an empty list means that no problems were found.

    This can take a minute; `stopped` ends the waiting. Raises CloudError, and TimeoutError when stopped.
    """
    doing = "running the workspace diagnostics"
    body: dict[str, Any] = {"value": {name: {} for name in _ASKED}}
    resource = f"{cloud.workspace_id}/diagnose"
    answer = cloud.arm.call("POST", resource, arm.WORKSPACES, body=body, doing=doing)
    # The result is at Location; the other address reports only the state.
    headers = {name: answer.headers[name] for name in ("Location", "Retry-After") if name in answer.headers}
    started = replace(answer, headers=headers)

    def check() -> None:
        if stopped():
            raise TimeoutError("The workspace diagnostics have not finished.")

    operation: Operation[None] = Operation(
        cloud.arm, started, resource, arm.WORKSPACES, lambda: None, "the workspace diagnostics", policy="diagnosis"
    )
    follow(operation, check=check)
    return _results(operation.body)


def _results(body: Any) -> list[Diagnosis]:
    value = body.get("value") if isinstance(body, dict) else None
    found = []
    for name, about in _ABOUT.items():
        for item in (value or {}).get(name) or []:
            if isinstance(item, dict):
                level = str(item.get("level") or "Warning")
                found.append(Diagnosis(str(item.get("code") or ""), level, str(item.get("message") or ""), about))
    return found
