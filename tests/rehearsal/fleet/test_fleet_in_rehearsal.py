"""`aml-deploy rehearsal --fleet`: what it makes, that Azure's clients can work on it, and that nothing runs for it."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from practised import Practised

from tests.conftest import ROOT

PRODUCTION, TEST, ANALYTICS = (f"5eed0000-0000-4000-8000-00000000a10{number}" for number in (1, 2, 3))
NAMES = {"Contoso Production": PRODUCTION, "Contoso Test": TEST, "Fabrikam Analytics": ANALYTICS}
ML = "providers/Microsoft.MachineLearningServices"
SHOP = f"/subscriptions/{PRODUCTION}/resourceGroups/rg-scoring/{ML}/workspaces/shop-prod"
SILENT = f"/subscriptions/{TEST}/resourceGroups/rg-old/{ML}/workspaces/risk-archive"
REFUSING = f"/subscriptions/{ANALYTICS}/resourceGroups/rg-partners/{ML}/workspaces/partners"
NUMBER = 100


def command(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`aml-deploy rehearsal …`, run to its end."""
    run = [sys.executable, "-m", "tui", "rehearsal", *arguments]
    return subprocess.run(run, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


class Fleet(Practised):
    """A rehearsal with a fleet, made by the command before it first starts."""

    def __init__(self, env: dict[str, str]) -> None:
        made = command("--env", "--json", "--fleet", str(NUMBER), env=env)
        assert made.returncode == 0, made.stderr
        assert f"{NUMBER} endpoints in 6 workspaces of 3 subscriptions" in made.stderr
        super().__init__(env)

    def all_of(self, path: str) -> list[dict[str, Any]]:
        """A list's items, of all its pages."""
        found: list[dict[str, Any]] = []
        while path:
            answer = self.get(path)
            assert answer.status_code == 200, answer.text
            found += answer.json()["value"]
            path = str(answer.json().get("nextLink") or "")
        return found

    def get(self, path: str) -> requests.Response:
        """One request; a path with a query has the version too."""
        if "?" not in path:
            return self.arm.call("GET", path)
        return self.arm.session.get(path if path.startswith("https") else f"{self.origin}{path}", timeout=60)

    def workspaces(self) -> list[dict[str, Any]]:
        """Those of the fleet."""
        return [item for one in NAMES.values() for item in self.all_of(f"/subscriptions/{one}/{ML}/workspaces")]

    def endpoints(self) -> list[dict[str, Any]]:
        """Those of the workspaces that answer."""
        answering = [one["id"] for one in self.workspaces() if one["id"] not in (SILENT, REFUSING)]
        return [item for one in answering for item in self.all_of(f"{one}/onlineEndpoints")]

    def deployments(self, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
        """Those of an endpoint."""
        return self.all_of(f"{endpoint['id']}/deployments")

    def events(self, subscription: str, ending: str = "") -> list[dict[str, Any]]:
        """The activity log of a subscription."""
        path = f"/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values"
        # The log reaches 90 days back, and refuses more.
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 90 * 86_400 + 300))
        chosen = quote(f"eventTimestamp ge '{since}'{ending}")
        return self.all_of(f"{path}?api-version=2015-04-01&$filter={chosen}")

    def logs(self, deployment: dict[str, Any], tail: int = 50) -> str:
        """The content of getLogs."""
        answer = self.arm.call("POST", f"{deployment['id']}/getLogs", {"tail": tail})
        return str(answer.json()["content"])

    def client(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        """The unmodified client of the workspace shop-prod."""
        from azure.ai.ml import MLClient
        from azure.identity import DefaultAzureCredential

        for name in self.described["unset"]:
            monkeypatch.setenv(name, "")
            monkeypatch.delenv(name)
        for name, value in self.described["set"].items():
            monkeypatch.setenv(name, value)
        return MLClient(DefaultAzureCredential(), PRODUCTION, "rg-scoring", "shop-prod")

    def pick(self, wanted: str) -> dict[str, Any]:
        """An endpoint of shop-prod with deployments of these names and shares, such as `blue 90 green 10`."""
        for endpoint in self.all_of(f"{SHOP}/onlineEndpoints"):
            traffic = endpoint["properties"]["traffic"]
            names = [one["name"] for one in self.deployments(endpoint)]
            if " ".join(f"{name} {traffic.get(name, 0)}" for name in names) == wanted:
                return endpoint
        raise AssertionError(wanted)


@pytest.fixture(scope="module")
def fleet(rehearsal_home: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A rehearsal with a fleet of 100."""
    found = Fleet({**rehearsal_home, "AML_DEPLOY_HOME": str(tmp_path_factory.mktemp("fleet"))})
    yield found
    assert found.command("stop").returncode == 0


@pytest.mark.parametrize("number", ["0", "2001", "-5", "many", "1.5"])
def test_a_wrong_number_is_refused_and_nothing_is_made(number: str, tmp_path: Path) -> None:
    env = {**os.environ, "AML_DEPLOY_HOME": str(tmp_path / "home"), "AML_DEPLOY_CACHE": str(tmp_path / "cache")}
    done = command("--env", f"--fleet={number}", env=env)
    assert (done.returncode, done.stdout) == (2, "")
    assert "from 1 to 2000" in done.stderr
    assert number in done.stderr
    assert not list(tmp_path.rglob("server.json"))


def test_subscriptions_workspaces_and_number(fleet: Fleet) -> None:
    found = {item["displayName"]: item["subscriptionId"] for item in fleet.all_of("/subscriptions")}
    assert NAMES.items() <= found.items()
    assert found["Rehearsal"] == fleet.env["AZURE_SUBSCRIPTION_ID"]
    assert fleet.get(f"/subscriptions/{TEST}").json()["displayName"] == "Contoso Test"
    workspaces = fleet.workspaces()
    assert Counter(item["id"].split("/")[2] for item in workspaces) == dict.fromkeys(NAMES.values(), 2)
    networks = {
        (item["properties"]["publicNetworkAccess"], item["properties"]["managedNetwork"]["isolationMode"])
        for item in workspaces
    }
    assert networks == {("Disabled", "AllowInternetOutbound"), ("Disabled", "Disabled"), ("Enabled", "Disabled")}
    for subscription in NAMES.values():
        scope = f"/subscriptions/{subscription}"
        assert fleet.all_of(f"{scope}/providers/Microsoft.Authorization/permissions")
        usages = {one["name"]["value"]: one for one in fleet.all_of(f"{scope}/{ML}/locations/eastus/usages")}
        assert 0 < usages["TotalDedicatedCores"]["currentValue"] < usages["TotalDedicatedCores"]["limit"]
    portal = f"{fleet.described['set']['ARM_CLOUD_METADATA_URL']}"
    word = portal.partition("portal=")[2]
    page = requests.get(
        f"{fleet.origin}/{word}/portal.azure.com",
        headers={"Accept": "application/json"},
        verify=fleet.env["REQUESTS_CA_BUNDLE"],
        timeout=60,
    ).json()
    assert sum(len(one["endpoints"]) for one in page["workspaces"]) == NUMBER
    assert len(fleet.endpoints()) == NUMBER - 4, "two in each of the workspaces that do not answer"


def test_all_kinds_of_health_come_in_each_workspace(fleet: Fleet) -> None:
    seen: dict[str, set[str]] = {}
    for endpoint in fleet.endpoints():
        properties, tags = endpoint["properties"], endpoint["tags"]
        parts = {one["name"]: one for one in fleet.deployments(endpoint)}
        states = {name: one["properties"]["provisioningState"] for name, one in parts.items()}
        traffic = properties["traffic"]
        by = endpoint["systemData"]
        facts = {
            f"endpoint {properties['provisioningState']}": True,
            "half-made": not parts and properties["provisioningState"] == "Succeeded",
            "to nothing": bool(traffic.keys() - parts.keys()),
            "failed with traffic": any(states[name] == "Failed" and share for name, share in traffic.items()
                                       if name in states),
            "failed without traffic": any(state == "Failed" and not traffic.get(name) for name, state in states.items()
                                          if name not in properties["mirrorTraffic"]),
            "mirrored": bool(properties["mirrorTraffic"]),
            "mirror failed": any(states[name] == "Failed" for name in properties["mirrorTraffic"]),
            "updating": "Updating" in states.values(),
            "three": len(parts) == 3,
            "shared": traffic.get("green") == 10,
            "tokens": properties["authMode"] == "AADToken",
            "Kubernetes": endpoint["kind"] == "Kubernetes" and bool(properties["compute"]),
            "own": {"aml-deploy", "aml-deploy-plan", "aml-deploy-run", "aml-deploy-by"} <= tags.keys(),
            "foreign": "aml-deploy" not in tags and by["createdByType"] == "User",
            "by hand": "aml-deploy" in tags and by["lastModifiedByType"] == "User",
            "retires": any(one["properties"]["instanceType"] == "Standard_NC6s_v3" for one in parts.values()),
        }  # fmt: skip
        for fact in (name for name, true in facts.items() if true):
            seen.setdefault(fact, set()).add(endpoint["id"].split("/")[8])
    assert {*facts} | {f"endpoint {state}" for state in ("Creating", "Deleting", "Failed")} <= seen.keys()
    # In a fleet of 100 each kind comes four times, and a few of them are where nothing answers.
    assert {fact: where for fact, where in seen.items() if len(where) < 3} == {}
    sizes = {one["properties"]["instanceType"] for item in fleet.endpoints() for one in fleet.deployments(item)}
    assert len(sizes) > 5


def test_the_log_tells_changes_by_hand_and_new_keys(fleet: Fleet) -> None:
    events = fleet.events(PRODUCTION)
    happened = Counter((one["operationName"]["value"].partition("/")[2], one["status"]["value"]) for one in events)
    below = "workspaces/onlineEndpoints"
    assert {(f"{below}/write", "Succeeded"), (f"{below}/regenerateKeys/action", "Succeeded"),
            (f"{below}/deployments/write", "Failed")} <= happened.keys()  # fmt: skip
    failed = next(one for one in events if one["status"]["value"] == "Failed")
    assert "ResourceNotReady" in failed["properties"]["statusMessage"]
    by_hand = next(
        one for one in fleet.all_of(f"{SHOP}/onlineEndpoints")
        if "aml-deploy" in one["tags"] and one["systemData"]["lastModifiedByType"] == "User"
    )  # fmt: skip
    own = fleet.events(PRODUCTION, f" and resourceUri eq '{by_hand['id']}'")
    latest = max(own, key=lambda one: str(one["eventTimestamp"]))
    assert latest["caller"].endswith("@contoso.com")
    assert latest["eventTimestamp"][:16] == by_hand["systemData"]["lastModifiedAt"][:16]
    kept = fleet.all_of(f"{SHOP.partition('/providers/')[0]}/providers/Microsoft.Insights/autoscaleSettings")
    names = {one["properties"]["targetResourceUri"] for one in kept}
    scaled = [one for one in fleet.all_of(f"{SHOP}/onlineEndpoints") if f"{one['id']}/deployments/blue" in names]
    assert scaled, names


def test_metrics_follow_the_figures(fleet: Fleet) -> None:
    now = time.time()
    span = "/".join(time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(now + shift)) for shift in (-3600, 0))
    shares, statuses = [], quote("statusCode eq '*'")
    for endpoint in fleet.all_of(f"{SHOP}/onlineEndpoints"):
        query = f"metricnames=RequestsPerMinute,RequestLatency_P95&timespan={span}&interval=PT1M&aggregation=Average"
        path = f"{endpoint['id']}/providers/Microsoft.Insights/metrics?api-version=2018-01-01&{query}"
        both = fleet.get(f"{path}&$filter={statuses}").json()["value"]
        counts = {
            one["metadatavalues"][0]["value"]: sum(point.get("average", 0) for point in one["data"])
            for one in both[0]["timeseries"]
        }
        slow = max((point.get("average", 0) for one in both[1]["timeseries"] for point in one["data"]), default=0)
        total = sum(counts.values())
        shares.append((total > 0, (total - counts.get("200", 0)) / (total or 1), slow > 5000))
    assert any(not busy for busy, _, _ in shares), "some are idle"
    assert any(busy and not wrong and not slow for busy, wrong, slow in shares), "some are healthy"
    assert any(0.01 < wrong < 0.1 for _, wrong, _ in shares), "some have errors"
    assert any(wrong > 0.5 for _, wrong, _ in shares), "some fail"
    assert any(slow for _, _, slow in shares), "some are slow"


def test_a_silent_workspace_holds_up_nobody(fleet: Fleet) -> None:
    context = ssl.create_default_context(cafile=fleet.env["REQUESTS_CA_BUNDLE"])
    host, _, port = fleet.origin.partition("//")[2].partition(":")
    request = f"GET {SILENT}/onlineEndpoints?api-version=2024-04-01 HTTP/1.1\r\nHost: {host}\r\n"
    request += f"Authorization: {fleet.arm.session.headers['Authorization']}\r\n\r\n"
    with context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host) as silent:
        silent.sendall(request.encode())
        assert len(fleet.all_of(f"{SHOP}/onlineEndpoints")) == 24
        assert SILENT in {one["id"] for one in fleet.workspaces()}, "the subscription's list has it"
        silent.settimeout(0.5)
        with pytest.raises(socket.timeout):
            silent.recv(1)
    log, deadline = Path(fleet.described["log"]), time.monotonic() + 60
    while f"GET {SILENT}/onlineEndpoints 499 " not in log.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline, "it goes on waiting for a client that left"
        time.sleep(0.05)
    assert "Traceback" not in log.read_text(encoding="utf-8")


def test_a_refusing_workspace_refuses_in_azures_words(fleet: Fleet) -> None:
    answer = fleet.get(f"{REFUSING}/onlineEndpoints")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "AuthorizationFailed")
    assert f"'Microsoft.MachineLearningServices/workspaces/onlineEndpoints/read' over scope '{REFUSING}" in answer.text
    assert fleet.get(REFUSING).status_code == 200
    text = "resources | where type =~ 'microsoft.machinelearningservices/workspaces/onlineendpoints' | project id"
    body = {"query": text, "subscriptions": [ANALYTICS]}
    path = f"{fleet.origin}/providers/Microsoft.ResourceGraph/resources"
    found = fleet.arm.session.post(path, params={"api-version": "2021-03-01"}, json=body, timeout=60).json()["data"]
    assert found
    assert not [one for one in found if "/partners/" in one["id"]], "what may not be read is left out"


def test_nothing_runs_and_scoring_calls_are_answered_so(fleet: Fleet) -> None:
    endpoint = fleet.pick("blue 90 green 10")
    key = fleet.arm.call("POST", f"{endpoint['id']}/listKeys").json()["primaryKey"]
    uri = endpoint["properties"]["scoringUri"]
    for token, status in ((key, 424), ("wrong", 401)):
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.post(uri, json={}, headers=headers, verify=fleet.env["REQUESTS_CA_BUNDLE"], timeout=60)
        assert answer.status_code == status
        if status == 424:
            assert answer.headers["ms-azureml-model-error-statuscode"] == "503"
            assert answer.headers["ms-azureml-model-error-reason"] == "model_not_ready"
    folder = Path(fleet.described["log"]).parent / "containers"
    assert list(folder.iterdir()) == []


def test_logs_grow_and_show_the_script_that_fails(fleet: Fleet) -> None:
    busy = next(
        one for item in fleet.all_of(f"{SHOP}/onlineEndpoints") for one in fleet.deployments(item)
        if "POST /score 200" in fleet.logs(one)
    )  # fmt: skip
    before, deadline = fleet.logs(busy, 1).splitlines()[-2], time.monotonic() + 60
    while before == fleet.logs(busy, 1).splitlines()[-2]:
        assert time.monotonic() < deadline, before
        time.sleep(0.05)
    assert before in fleet.logs(busy, 50), "what was there stays"
    failed = [
        one for item in fleet.endpoints() for one in fleet.deployments(item)
        if one["properties"]["provisioningState"] == "Failed"
    ]  # fmt: skip
    assert failed
    for deployment in failed:
        said = fleet.logs(deployment)
        assert "User's init function failed" in said
        assert "RuntimeError: the model could not be loaded" in said
        assert "UserContainerStart: Failed" in said


def test_traffic_changes_and_removal_with_the_sdk(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    client, name = fleet.client(monkeypatch), fleet.pick("blue 90 green 10")["name"]
    before = len(fleet.all_of(f"{SHOP}/onlineEndpoints"))
    assert {type(one).__name__ for one in client.online_endpoints.list()} == {
        "ManagedOnlineEndpoint", "KubernetesOnlineEndpoint",
    }  # fmt: skip
    endpoint = client.online_endpoints.get(name)
    endpoint.traffic = {"blue": 0, "green": 100}
    # Not waited for, here and below: the client looks every 30 or 5 seconds only.
    client.online_endpoints.begin_create_or_update(endpoint)
    path = f"{SHOP}/onlineEndpoints/{name}"
    done = fleet.until(path, lambda body: body["properties"]["provisioningState"] != "Updating")
    assert (done["properties"]["traffic"]["green"], done["properties"]["provisioningState"]) == (100, "Succeeded")
    green = client.online_deployments.get("green", name)
    green.instance_count, green.environment_variables = green.instance_count + 1, {"LEVEL": "debug"}
    changed = client.online_deployments.begin_create_or_update(green).result()
    assert (changed.provisioning_state.lower(), changed.environment_variables) == ("succeeded", {"LEVEL": "debug"})
    client.online_deployments.begin_delete("blue", name)
    below = f"{SHOP}/onlineEndpoints/{name}/deployments"
    fleet.until(below, lambda body: [one["name"] for one in body["value"]] == ["green"])
    client.online_endpoints.begin_delete(name)
    fleet.until(f"{SHOP}/onlineEndpoints", lambda body: len(body["value"]) == before - 1)
    assert command("--env", "--fleet", str(NUMBER), env=fleet.base).returncode == 0
    assert len(fleet.all_of(f"{SHOP}/onlineEndpoints")) == before - 1, "what was removed is not made again"


def test_a_failed_deployment_is_mended_by_a_change(fleet: Fleet) -> None:
    for endpoint in fleet.all_of(f"{SHOP}/onlineEndpoints"):
        for one in fleet.deployments(endpoint):
            if one["properties"]["provisioningState"] == "Failed":
                assert fleet.arm.call("PUT", one["id"], one).status_code == 200
                ended = fleet.until(one["id"], lambda body: body["properties"]["provisioningState"] != "Updating")
                assert ended["properties"]["provisioningState"] == "Succeeded"
                assert "Traceback" not in fleet.logs(one)
                return
    raise AssertionError("none failed")


def test_a_plan_is_rehearsed_as_without_a_fleet(fleet: Fleet) -> None:
    scope = f"/subscriptions/{fleet.env['AZURE_SUBSCRIPTION_ID']}"
    usages = {one["name"]["value"]: one for one in fleet.all_of(f"{scope}/{ML}/locations/eastus/usages")}
    assert [usages[name]["currentValue"] for name in ("TotalDedicatedCores", "OnlineEndpoints")] == [0, 0]
    assert fleet.all_of("onlineEndpoints") == []
    assert fleet.events(fleet.env["AZURE_SUBSCRIPTION_ID"]) == []


def test_it_survives_a_restart_and_grows(fleet: Fleet) -> None:
    before = {one["id"]: one["properties"]["provisioningState"] for one in fleet.endpoints()}
    assert command("--stop", env=fleet.base).returncode == 0
    again = Practised(fleet.base)
    fleet.arm, fleet.origin, fleet.described = again.arm, again.origin, again.described
    assert {one["id"]: one["properties"]["provisioningState"] for one in fleet.endpoints()} == before
    assert list((Path(fleet.described["log"]).parent / "containers").iterdir()) == []
    told = command("--status", env=fleet.base).stdout
    assert "nothing runs for them" in told
    assert "shop-prod" not in told
    assert "churn-0001" not in told
    changed = command("--fleet", "2000", env=fleet.base)
    assert changed.returncode == 0, changed.stderr
    assert "2000 endpoints" in changed.stderr
    assert "already running" in changed.stderr
    found = fleet.all_of(f"{SHOP}/onlineEndpoints")
    assert len(found) > 470
    assert len({one["name"] for one in found}) == len(found)
    kept = {one["id"] for one in fleet.endpoints()}
    assert before.keys() <= kept


def test_in_the_foreground(tmp_path: Path) -> None:
    env = {**os.environ, "AML_DEPLOY_HOME": str(tmp_path / "home"), "AML_DEPLOY_CACHE": str(tmp_path / "cache")}
    run = [sys.executable, "-m", "tui", "rehearsal", "--fleet=5"]
    process = subprocess.Popen(run, env=env, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said = ""
        while "Ctrl+C ends it" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        assert "The fleet has 5 endpoints" in said
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
