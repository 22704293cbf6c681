"""What is practised is chosen at the start or while the rehearsal runs: scenarios, pace, latency, bandwidth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from practised import Practised

from tests.conftest import ROOT
from tests.rehearsal.scenarios.known_failures import ARTICLE, NETWORK, REPORTED
from tui.rehearsal.scenarios.failures import FAILURES
from tui.rehearsal.scenarios.refusals import REFUSALS
from tui.rehearsal.scenarios.scenarios import SCENARIOS

# The failures that public reports name (31), and the codes of Microsoft's how-to-troubleshoot-online-endpoints.
REPORTS = [
    "inference-server-missing", "mlflow-ncd-monitoring", "resource-not-ready", "quota", "image-build-acr",
    "image-download", "mlflow-legacy-net", "managed-net-not-ready", "v1-legacy", "private-link-denied",
    "endpoint-dns", "storage-403", "storage-keyless", "upload-timeout", "symlink-ignore", "endpoint-name",
    "endpoint-busy", "rbac", "secret-expired", "cred-chain", "token-expired-lro", "marshmallow", "no-traffic",
    "model-424", "mlflow2-input", "upstream-408", "xgb-version", "key-vault-bypass", "region-capacity",
    "missing-driver", "svc-500",
]  # fmt: skip
CODES = [
    "ImageBuildFailure", "OutOfQuota", "BadArgument", "ResourceNotReady", "ResourceNotFound",
    "WorkspaceManagedNetworkNotReady", "OperationCanceled", "SecretsInjectionError", "InternalServerError",
    "ACRSecretError", "TokenRefreshFailed", "GetAADTokenFailed", "ACRAuthenticationChallengeFailed",
    "ACRTokenExchangeFailed", "KubernetesUnaccessible", "ImagePullLoopBackOff", "DeploymentCrashLoopBackOff",
    "KubernetesCrashLoopBackOff", "UserScriptInitFailed", "UserScriptImportError", "UserScriptFunctionNotFound",
    "NamespaceNotFound", "EndpointNotFound", "EndpointAlreadyExists", "ScoringFeUnhealthy", "ValidateScoringFailed",
    "InvalidDeploymentSpec", "PodUnschedulable", "PodOutOfMemory", "InferencingClientCallFailed",
]  # fmt: skip
# Every section and row of that article, and of the one about network isolation that it includes, in this order.
ARTICLE_ROWS = [
    "ImageBuildFailure: registry authorization", "ImageBuildFailure: no image build compute",
    "ImageBuildFailure: build timing out", "ImageBuildFailure: others",
    "OutOfQuota: CPU", "OutOfQuota: cluster", "OutOfQuota: disk", "OutOfQuota: memory",
    "OutOfQuota: role assignments", "OutOfQuota: endpoints", "OutOfQuota: region-wide capacity",
    "OutOfQuota: others", "OutOfQuota: Kubernetes",
    "BadArgument: subscription does not exist", "BadArgument: startup task, authorization",
    "BadArgument: startup task, role assignments", "BadArgument: invalid template function",
    "BadArgument: user container image", "BadArgument: user model", "BadArgument: MLflow with private network",
    "BadArgument: requests greater than limits", "BadArgument: azureml-fe not ready",
    "ResourceNotReady: container crash", "ResourceNotReady: probes", "ResourceNotReady: old inference server",
    "ResourceNotFound: Resource Manager", "ResourceNotFound: registry authorization",
    "WorkspaceManagedNetworkNotReady",
    "OperationCanceled: higher priority", "OperationCanceled: lock confirmation",
    "SecretsInjectionError", "InternalServerError", *CODES[9:],
    "scoring 401", "scoring 404", "scoring 408", "scoring 424", "scoring 429: too many pending requests",
    "scoring 429: rate limit", "scoring 500", "scoring: delay by the bandwidth limit", "scoring: no CORS",
    "scoring 409 (Kubernetes)", "scoring 502 (Kubernetes)", "scoring 503 (Kubernetes)", "scoring 504 (Kubernetes)",
    "network: V1LegacyMode is true", "network: creation with key authentication fails",
    "network: image download (legacy egress)", "network: endpoint can't be resolved",
    "network: private endpoint must be recreated, or DNS forwarding is wrong",
]  # fmt: skip
STATUSES = (401, 404, 408, 409, 424, 429, 500, 502, 503, 504)


def aml_deploy(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tui", *arguments]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(autouse=True)
def as_before(practising: Practised) -> Iterator[None]:
    yield
    done = practising.command("env", "--clear-scenarios", "--pace=fast", "--speed=1", "--latency=0", "--bandwidth=0")
    assert done.returncode == 0, done.stderr


def test_every_failure_that_is_known_is_practised_or_explained() -> None:
    assert len(REPORTS) == 31
    assert [item.failure for item in REPORTED] == REPORTS
    assert [item.failure for item in ARTICLE] == ARTICLE_ROWS
    named = {item.failure.partition(":")[0] for item in ARTICLE}
    assert set(CODES) <= named
    assert {int(name.split()[1]) for name in named if name.startswith("scoring ")} == set(STATUSES)
    for item in (*ARTICLE, *REPORTED, *NETWORK):
        # A reason is a sentence, and excludes a scenario.
        assert bool(item.scenarios or item.itself) != bool(item.cannot), item
        assert not item.cannot or item.cannot.endswith("."), item
        assert set(item.scenarios) <= set(SCENARIOS), item
    assert {name for item in (*ARTICLE, *REPORTED, *NETWORK) for name in item.scenarios} == set(SCENARIOS)


def test_a_code_that_is_practised_is_the_code_that_the_article_names() -> None:
    """A row `CODE: variant` with scenarios has one among them that ends an operation, or refuses, with that code."""
    answered = {name: {item.code} for name, item in FAILURES.items()}
    answered.update({name: {item.code, item.detail} for name, item in REFUSALS.items()})
    # Refused in the recorded shape, whose code is no OutOfQuota; the workspace's own state.
    elsewhere = {"quota": {"OutOfQuota"}, "no-build-compute": set()}
    for row in ARTICLE:
        code = row.failure.partition(":")[0]
        if code in CODES and row.scenarios:
            found = set().union(*(answered.get(name) or elsewhere[name] for name in row.scenarios))
            assert code in found, (row.failure, found)


def test_each_scenario_is_a_line_of_the_list(practising: Practised) -> None:
    listed = aml_deploy(practising.base, "rehearsal", "--list-scenarios").stdout.splitlines()
    assert [line.split()[0] for line in listed] == list(SCENARIOS)
    assert all(line.rstrip().endswith(".") for line in listed)


def test_what_is_practised_changes_while_it_runs(practising: Practised) -> None:
    def status() -> int:
        return practising.arm.call("GET", practising.arm.workspace).status_code

    changed = aml_deploy(practising.base, "rehearsal", "--scenario", "signin-forbidden", "--scenario", "clock-skew")
    assert (changed.returncode, status()) == (0, 403)
    assert "clock-skew, signin-forbidden" in changed.stderr
    told = json.loads(aml_deploy(practising.base, "rehearsal", "--env", "--json").stdout)
    assert told["scenarios"] == ["clock-skew", "signin-forbidden"]
    assert told["pid"] == practising.described["pid"]
    assert aml_deploy(practising.base, "rehearsal", "--env", "--scenario", "none").returncode == 0
    assert status() == 200
    aml_deploy(practising.base, "rehearsal", "--scenario", "signin-forbidden")
    assert status() == 403
    cleared = aml_deploy(practising.base, "rehearsal", "--clear-scenarios")
    assert (cleared.returncode, status()) == (0, 200)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--scenario", "earthquake"), "There is no scenario 'earthquake'"),
        (("--scenario", "quota", "--clear-scenarios"), "either --scenario or --clear-scenarios"),
        (("--env", "--speed", "0"), "--speed must be more than 0"),
        (("--env", "--latency", "-1"), "--latency must be 0 or more"),
        (("--env", "--bandwidth", "nan"), "--bandwidth must be 0 or more"),
        (("--env", "--token-seconds", "-1"), "--token-seconds must be 0 or more"),
        (("--env", "--scoring-python", "/nowhere/python"), "/nowhere/python is not an executable program"),
        (("--stop", "--scenario", "quota"), "--stop does not combine"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    practising: Practised, arguments: tuple[str, ...], words: str
) -> None:
    refused = aml_deploy(practising.base, "rehearsal", *arguments)
    assert refused.returncode in (1, 2)
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
    told = json.loads(practising.command("env", "--json").stdout)
    assert told["scenarios"] == []
    line = {"latency_ms": 0.0, "bandwidth_mbps": 0.0, "token_seconds": 0.0}
    assert told["pace"] == {"pace": "fast", "speed": 1.0, **line}


def test_scenarios_go_with_rehearse_only(practising: Practised) -> None:
    refused = aml_deploy(practising.base, "check", "churn-xgboost", "--scenario", "quota")
    assert refused.returncode == 2
    assert "--scenario requires --rehearse" in refused.stderr
    refused = aml_deploy(practising.base, "apply", "churn-xgboost", "--rehearse", "--yes", "--scenario", "earthquake")
    assert refused.returncode == 2
    assert "There is no scenario 'earthquake'" in refused.stderr


def test_the_pace_of_azure(practising: Practised) -> None:
    def seconds(name: str, **properties: Any) -> float:
        begun = time.monotonic()
        assert practising.endpoint(name, **properties)["properties"]["provisioningState"] == "Succeeded"
        return time.monotonic() - begun

    told = json.loads(practising.command("env", "--json", "--pace", "azure", "--speed", "60").stdout)
    line = {"latency_ms": 0.0, "bandwidth_mbps": 0.0, "token_seconds": 0.0}
    assert told["pace"] == {"pace": "azure", "speed": 60.0, **line}
    # At least what Azure would take: 90 seconds, sixty times as fast.
    assert seconds("paced") >= 1.5
    body = {"location": "eastus", "properties": {"authMode": "Key"}}
    assert practising.arm.call("PUT", "onlineEndpoints/impatient", body).status_code == 201
    state = practising.arm.call("GET", "onlineEndpoints/impatient").json()["properties"]["provisioningState"]
    assert state == "Creating"
    # Nobody needs to wait for the rest of it.
    practising.command("env", "--pace", "azure", "--speed", "100000")
    practising.until("onlineEndpoints/impatient", lambda found: found["properties"]["provisioningState"] == "Succeeded")


def test_a_run_has_typical_times_only_at_the_pace_of_azure(practising: Practised) -> None:
    def typical(*pace: str) -> dict[str, float | None]:
        practising.command("env", *pace)
        blocked = ("--set", "deployment.instance_count=50")  # for want of quota, before it makes anything
        run = aml_deploy(practising.base, "apply", "churn-xgboost", "--rehearse", "--yes", "--json", *blocked)
        assert run.returncode == 3, run.stderr
        started = json.loads(run.stdout.splitlines()[0])
        return {task["name"]: task["typical_seconds"] for task in started["tasks"]}

    assert set(typical("--pace", "fast").values()) == {None}
    assert typical("--pace", "azure", "--speed", "60")["endpoint"] == 1.5


def test_a_deployment_takes_its_six_to_twelve_minutes(practising: Practised, artifacts: Path) -> None:
    practising.artifacts(artifacts)
    practising.endpoint("slow-one")
    practising.command("env", "--pace", "azure", "--speed", "240", "--scenario", "container-crash")
    begun = time.monotonic()
    status = practising.deploy("onlineEndpoints/slow-one/deployments/blue")
    # It fails where the container starts: at the end of its time.
    assert time.monotonic() - begun >= 360 / 240
    assert status["error"]["code"] == "ResourceNotReady"


def test_latency_and_bandwidth(practising: Practised) -> None:
    practising.command("env", "--latency", "300")
    begun = time.monotonic()
    assert practising.arm.call("GET", practising.arm.workspace).status_code == 200
    assert time.monotonic() - begun >= 0.3
    practising.command("env", "--latency", "0", "--bandwidth", "8")
    for method, status in (("PUT", 201), ("GET", 200)):
        begun = time.monotonic()
        answer = practising.storage(method, "wide", b"x" * 500_000 if method == "PUT" else b"")
        # Half a megabyte at a megabyte a second.
        assert (answer.status_code, time.monotonic() - begun >= 0.45) == (status, True)
    assert answer.content == b"x" * 500_000


def test_a_scoring_python_is_passed_on(rehearsal_home: dict[str, str], tmp_path: Path) -> None:
    own = {**rehearsal_home, "AML_DEPLOY_HOME": str(tmp_path / "own")}
    other = tmp_path / "other-python"
    other.symlink_to(sys.executable)
    try:
        for _ in range(2):  # the second finds the first one running
            started = aml_deploy(own, "rehearsal", "--env", "--json", "--scoring-python", sys.executable)
            assert started.returncode == 0, started.stderr
        pid = json.loads(started.stdout)["pid"]
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        assert os.fsencode(sys.executable) == command[command.index(b"--scoring-python") + 1]
        refused = aml_deploy(own, "rehearsal", "--env", "--scoring-python", str(other))
        assert refused.returncode == 1
        assert "--stop" in refused.stderr
    finally:
        assert aml_deploy(own, "rehearsal", "--stop").returncode == 0


def test_what_was_practised_ends_with_the_rehearsal(rehearsal_home: dict[str, str], tmp_path: Path) -> None:
    own = {**rehearsal_home, "AML_DEPLOY_HOME": str(tmp_path / "own")}
    first = aml_deploy(own, "rehearsal", "--env", "--json", "--scenario", "quota", "--latency", "5")
    assert json.loads(first.stdout)["scenarios"] == ["quota"]
    assert aml_deploy(own, "rehearsal", "--stop").returncode == 0
    second = json.loads(aml_deploy(own, "rehearsal", "--env", "--json").stdout)
    assert (second["scenarios"], second["pace"]["latency_ms"]) == ([], 0.0)
    assert aml_deploy(own, "rehearsal", "--stop").returncode == 0
