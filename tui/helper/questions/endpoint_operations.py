"""Operates an existing endpoint: calls it, reads its logs, shifts its traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.cloud.endpoints import deployments, endpoints, keys, scoring
from tui.cloud.endpoints import traffic as splits
from tui.cloud.monitor import log_analytics
from tui.common import golden_requests
from tui.helper import sessions


def score(plan: dict[str, Any], body: str, deployment: str | None = None) -> scoring.ScoreResult:
    """Call the endpoint once, by its traffic split or at the named deployment. `body` is JSON, or `@PATH` of a file."""
    cloud = sessions.cloud_of(plan)
    found = endpoints.existing(cloud, cloud.plan.endpoint.name, deployments=False)
    return scoring.score(cloud, found, scoring.body_of(body), deployment)


def golden(plan: dict[str, Any], path: str = "", deployment: str | None = None) -> dict[str, Any]:
    """Send the golden requests of a file, else of the plan, each once, and compare the answers. Raises CloudError.

    `requests` are their verdicts; `lines` tell the same to people.
    """
    cloud = sessions.cloud_of(plan)
    wanted = scoring.golden_of(Path(path) if path else cloud.plan.test.requests)
    found = endpoints.existing(cloud, cloud.plan.endpoint.name, deployments=False)
    credential, verdicts = keys.credentials(cloud, found), []
    for one in wanted:
        answer = scoring.score(cloud, found, one.body, deployment, credential=credential)
        verdicts.append(golden_requests.judged(one, answer.status_code, answer.body, answer.note, answer.latency_ms))
    words = golden_requests.in_words(verdicts) + (f" by {deployment}" if deployment else "")
    lines = [line for one in verdicts for line in one.told()]
    return {"ok": all(one.good for one in verdicts), "words": words, "requests": verdicts, "lines": lines}


def logs(
    plan: dict[str, Any], deployment: str | None = None, lines: int = 200, container: str = "inference-server"
) -> dict[str, str]:
    """The last lines of a container's log: inference-server (score.py) or storage-initializer (downloads)."""
    cloud = sessions.cloud_of(plan)
    name = deployment or cloud.plan.deployment.name
    return {"content": deployments.logs(cloud, cloud.plan.endpoint.name, name, container, lines)}


def kept_logs(plan: dict[str, Any], deployment: str) -> dict[str, Any]:
    """Where the lines of every instance are kept: `workspaces` of Log Analytics (ids) and the `query` for them.

    `workspaces` is empty if the endpoint's diagnostic settings do not send the console log. Raises CloudError.
    """
    cloud = sessions.cloud_of(plan)
    name = cloud.plan.endpoint.name
    found = log_analytics.diagnostics(cloud, endpoints.path(cloud, name))
    return {
        "workspaces": list(found.workspaces) if found.on else [],
        "query": log_analytics.console_query(name, deployment),
    }


def traffic(plan: dict[str, Any], shares: dict[str, int]) -> splits.Shift:
    """Set the endpoint's traffic split in per cent by deployment; returns the split before and after."""
    cloud = sessions.cloud_of(plan)
    return splits.shift(cloud, cloud.plan.endpoint.name, shares)


def rollback(plan: dict[str, Any]) -> splits.Shift:
    """Restore the split from before the last change."""
    cloud = sessions.cloud_of(plan)
    return splits.rollback(cloud, cloud.plan.endpoint.name)
