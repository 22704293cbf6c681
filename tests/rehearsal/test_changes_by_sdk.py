"""Who sends what changes Azure, as a run's recording at the socket tells it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from recorded_run import RecordedRun

LOOKS = ("/listSecrets", "/listKeys", "/token", "/getLogs", "/startPendingUpload", "/diagnose")


@pytest.mark.smoke
@pytest.mark.slow
def test_what_changes_azure_is_sent_by_the_sdk(recorded_run: RecordedRun) -> None:
    senders: dict[str, set[str]] = {}
    for line in recorded_run.lines:
        path = urlsplit(line.get("url") or "").path
        if line.get("method") in (None, "GET", "HEAD") or "/Microsoft.MachineLearningServices/" not in path:
            continue
        if path.endswith(LOOKS):
            continue
        kind = path.partition("/workspaces/{workspace}/")[2].split("/")
        headers = {name.lower(): value for name, value in line["request"]["headers"].items()}
        senders.setdefault("deployments" if "deployments" in kind else kind[0], set()).add(headers["user-agent"])
    by_sdk = {kind for kind, agents in senders.items() if all(" azure-ai-ml/" in agent for agent in agents)}
    assert by_sdk == {"onlineEndpoints", "deployments", "models", "environments", "data"}
    assert set(senders) - by_sdk == {"codes"}, "which the SDK does not offer in public"
