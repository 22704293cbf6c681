"""Azure's own look at a workspace, from its seat: routes, security rules, locks, DNS, storage, vault, registry.

The operation is Workspaces_Diagnose of Microsoft's API description: POST, 202, and a Location that answers 202 until
the result is there.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable

from tui.cloud.http import arm
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


def diagnose(
    cloud: Cloud, stopped: Callable[[], bool] = lambda: False, pause: Callable[[float], None] = time.sleep
) -> list[Diagnosis]:
    """Asks Azure to look and waits for what it finds; an empty list means that it noticed nothing.

    It can take a minute; `stopped` ends the waiting. Raises CloudError, and TimeoutError when stopped.
    """
    doing = "letting Azure look at the workspace"
    body: dict[str, Any] = {"value": {name: {} for name in _ASKED}}
    answer = cloud.arm.call("POST", f"{cloud.workspace_id}/diagnose", arm.WORKSPACES, body=body, doing=doing)
    wait = 0.2
    while answer.status == 202:
        where = answer.headers.get("Location") or answer.headers.get("Azure-AsyncOperation")
        if not where or stopped():
            raise TimeoutError("Azure had not ended its own look.")
        pause(_seconds(answer.headers.get("Retry-After"), wait))
        wait = min(2.0, wait * 1.5)
        answer = cloud.arm.call("GET", str(where), doing=doing)
    return _results(answer.body)


def _seconds(told: Any, otherwise: float) -> float:
    try:
        return min(10.0, max(0.2, float(told)))
    except (TypeError, ValueError):
        return otherwise


def _results(body: Any) -> list[Diagnosis]:
    value = body.get("value") if isinstance(body, dict) else None
    found = []
    for name, about in _ABOUT.items():
        for item in (value or {}).get(name) or []:
            if isinstance(item, dict):
                level = str(item.get("level") or "Warning")
                found.append(Diagnosis(str(item.get("code") or ""), level, str(item.get("message") or ""), about))
    return found
