"""Azure's own look at a workspace, from its seat: routes, security rules, locks, DNS, storage, vault, registry.

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

# What is asked for -> the list of the answer, in words.
_ABOUT = {
    "userDefinedRouteResults": "user-defined routes",
    "networkSecurityRuleResults": "network security rules",
    "resourceLockResults": "resource locks",
    "dnsResolutionResults": "DNS",
    "storageAccountResults": "the storage account",
    "keyVaultResults": "the key vault",
    "containerRegistryResults": "the container registry",
    "applicationInsightsResults": "Application Insights",
    "otherResults": "something else",
}
_ASKED = (
    "udr", "nsg", "resourceLock", "dnsResolution", "storageAccount", "keyVault", "containerRegistry",
    "applicationInsights", "others",
)  # fmt: skip


@dataclass(frozen=True)
class Diagnosis:
    """One thing that Azure noticed: code, level (Warning, Error, Information), its words, and what it is about."""

    code: str
    level: str
    message: str
    about: str


def diagnose(cloud: Cloud, stopped: Callable[[], bool] = lambda: False) -> list[Diagnosis]:
    """Asks Azure to look and waits for what it finds; an empty list means that it noticed nothing.

    It can take a minute; `stopped` ends the waiting. Raises CloudError, and TimeoutError when stopped.
    """
    doing = "letting Azure look at the workspace"
    body: dict[str, Any] = {"value": {name: {} for name in _ASKED}}
    resource = f"{cloud.workspace_id}/diagnose"
    answer = cloud.arm.call("POST", resource, arm.WORKSPACES, body=body, doing=doing)
    # The result is at Location; another address would only tell that there is one.
    headers = {name: answer.headers[name] for name in ("Location", "Retry-After") if name in answer.headers}
    started = replace(answer, headers=headers)

    def check() -> None:
        if stopped():
            raise TimeoutError("Azure had not ended its own look.")

    operation: Operation[None] = Operation(
        cloud.arm, started, resource, arm.WORKSPACES, lambda: None, "the look at the workspace", policy="diagnosis"
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
