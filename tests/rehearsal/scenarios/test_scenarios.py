"""Each failure on demand has the shape that Azure gives it; plain requests, so that nothing hides a detail."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
from practised import CONDA, SCORE, Practised

from tui.rehearsal.scenarios.failures import DEPLOYMENT, ENDPOINT, FAILURES
from tui.rehearsal.scenarios.refusals import REFUSALS, SCORING_ANSWERS, STORAGE_REFUSALS
from tui.rehearsal.scenarios.scenarios import SCENARIOS

ENDPOINT_NAME = "drill"
BLUE = f"onlineEndpoints/{ENDPOINT_NAME}/deployments/blue"


@pytest.fixture(scope="module")
def stage(practising: Practised, tmp_path_factory: pytest.TempPathFactory) -> Practised:
    """The rehearsal with an endpoint and all that a deployment needs."""
    folder = tmp_path_factory.mktemp("artifacts")
    (folder / "model").mkdir()
    (folder / "model" / "factor.json").write_text("3")
    (folder / "code").mkdir()
    (folder / "code" / "score.py").write_text(SCORE)
    (folder / "conda.yml").write_text(CONDA)
    practising.choose()
    practising.artifacts(folder)
    shutil.rmtree(folder)
    practising.endpoint(ENDPOINT_NAME)
    return practising


@pytest.fixture(autouse=True)
def nothing_left(practising: Practised) -> Iterator[None]:
    practising.choose()
    yield
    practising.choose()


def error_of(answer: requests.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    return found


@pytest.mark.parametrize("name", [name for name, item in FAILURES.items() if item.on == DEPLOYMENT])
def test_a_deployment_ends_as_failed(stage: Practised, name: str) -> None:
    failure = FAILURES[name]
    stage.choose(name)
    status = stage.deploy(BLUE)
    assert status["status"] == "Failed"
    error = status["error"]
    assert error["code"] == failure.code
    # What stands in braces is filled in.
    assert not re.search(r"\{\w+\}", error["message"])
    pattern = ".*".join(re.escape(part) for part in re.split(r"\{\w+\}", failure.message.strip()))
    assert re.match(pattern, error["message"])
    assert {item["type"] for item in error["additionalInfo"]} >= {"ComponentName", "Correlation", "Time"}
    assert stage.arm.call("GET", BLUE).json()["properties"]["provisioningState"] == "Failed"
    for container, lines in (("InferenceServer", failure.log), ("StorageInitializer", failure.initializer)):
        answer = stage.arm.call("POST", f"{BLUE}/getLogs", {"containerType": container, "tail": 100})
        assert all(line in answer.json()["content"] for line in lines)
    if "build log" in error["message"]:
        path = error["message"].partition("under the path '/")[2].partition("'")[0]
        assert stage.storage("GET", path).status_code == 200


@pytest.mark.parametrize("name", [name for name, item in FAILURES.items() if item.on == ENDPOINT])
def test_an_endpoint_ends_as_failed(practising: Practised, name: str) -> None:
    practising.choose(name)
    body = {"location": "eastus", "properties": {"authMode": "Key"}}
    answer = practising.arm.call("PUT", f"onlineEndpoints/{name}", body)
    status = practising.until(answer.headers["Azure-AsyncOperation"], lambda body: body["status"] != "Updating")
    assert (status["status"], status["error"]["code"]) == ("Failed", FAILURES[name].code)
    made = practising.arm.call("GET", f"onlineEndpoints/{name}").json()["properties"]
    assert (made["provisioningState"], made["scoringUri"]) == ("Failed", None)
    practising.choose()
    assert practising.endpoint(name)["properties"]["provisioningState"] == "Succeeded"


def test_a_vault_that_is_closed_does_not_matter_to_an_endpoint_without_keys(practising: Practised) -> None:
    practising.choose("key-vault-bypass")
    made = practising.endpoint("without-keys", authMode="AADToken")
    assert made["properties"]["provisioningState"] == "Succeeded"


ASKED = {
    "endpoint-limit": ("PUT", "onlineEndpoints/new-{name}"),
    "endpoint-name-taken": ("PUT", "onlineEndpoints/new-{name}"),
    "endpoint-busy": ("PUT", "onlineEndpoints/new-{name}"),
    "v1-legacy-mode": ("PUT", "onlineEndpoints/new-{name}"),
    "private-link-denied": ("POST", "datastores/workspaceblobstore/listSecrets"),
    "missing-driver": ("PUT", BLUE),
    "mlflow-private-network": ("PUT", BLUE),
    "internal-error-request": ("PUT", "onlineEndpoints/new-{name}"),
}


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_a_request_is_refused(stage: Practised, name: str) -> None:
    refusal = REFUSALS[name]
    method, path = ASKED[name][0], ASKED[name][1].format(name=name)
    stage.choose(name)
    answers = [
        stage.arm.call(method, path, {"location": "eastus", "properties": {"authMode": "Key"}})
        for _ in range(refusal.times + 1 if refusal.times else 1)
    ]
    error = error_of(answers[0])
    assert (answers[0].status_code, error["code"]) == (refusal.status, refusal.code)
    words = error["details"][0]["message"] if refusal.detail else error["message"]
    assert words.startswith(refusal.message.partition("{")[0])
    assert not re.search(r"\{\w+\}", words)
    if refusal.detail:
        assert error["details"][0]["code"] == refusal.detail
    if refusal.times:
        assert answers[-1].status_code < 300
    # Reading goes on.
    assert stage.arm.call("GET", f"onlineEndpoints/{ENDPOINT_NAME}").status_code == 200
    if refusal.new_only:
        again = stage.arm.call("PATCH", f"onlineEndpoints/{ENDPOINT_NAME}", {"tags": {"n": name}})
        assert again.status_code == 202
        stage.until(
            f"onlineEndpoints/{ENDPOINT_NAME}", lambda body: body["properties"]["provisioningState"] == "Succeeded"
        )


@pytest.mark.parametrize("name", sorted(STORAGE_REFUSALS))
def test_storage_refuses_uploads(practising: Practised, name: str) -> None:
    refusal = STORAGE_REFUSALS[name]
    assert practising.storage("PUT", "before", b"there").status_code == 201
    practising.choose(name)
    answers = [practising.storage("PUT", f"blob-{number}", b"x") for number in range(9)]
    refused = [answer for answer in answers if answer.status_code != 201]
    assert len(refused) == 9 // refusal.one_in
    assert {answer.status_code for answer in refused} == {refusal.status}
    assert refused[0].headers["x-ms-error-code"] == refusal.code
    assert f"<Code>{refusal.code}</Code><Message>{refusal.message}" in refused[0].text
    assert practising.storage("GET", "before").content == b"there"


@pytest.mark.parametrize("name", sorted(SCORING_ANSWERS))
def test_scoring_answers(stage: Practised, name: str) -> None:
    expected = SCORING_ANSWERS[name]
    uri = stage.arm.call("GET", f"onlineEndpoints/{ENDPOINT_NAME}").json()["properties"]["scoringUri"]
    stage.choose(name)
    answer = requests.post(uri, json={}, verify=stage.env["REQUESTS_CA_BUNDLE"], timeout=30)
    assert (answer.status_code, answer.text) == (expected.status, expected.body)
    assert answer.headers["Server"] == "azureml-frontdoor"
    assert answer.headers["x-request-id"]
    for header, value in expected.headers:
        assert answer.headers[header] == value
    assert (answer.reason == "Failed Dependency") == (expected.status == 424)


def test_quota_is_refused_at_once_and_a_failed_deployment_counts(stage: Practised) -> None:
    stage.choose("internal-error")
    stage.deploy(BLUE)
    subscription = "/".join(stage.arm.workspace.split("/")[:3])
    region = f"{subscription}/providers/Microsoft.MachineLearningServices/locations/eastus"
    usages = {item["name"]["value"]: item for item in stage.arm.call("GET", f"{region}/usages").json()["value"]}
    used = usages["standardDSv2Family"]["currentValue"]
    assert used >= 8
    stage.choose("quota")
    refused = stage.put_deployment(f"onlineEndpoints/{ENDPOINT_NAME}/deployments/green")
    assert refused.status_code == 400
    assert error_of(refused)["details"][0]["code"] == "InferencingClientCreateDeploymentFailed"
    assert f"Current usage/limit: {used}/0. Additional needed: 8" in refused.text


@pytest.mark.parametrize(
    ("name", "method", "path", "action"),
    [
        ("endpoint-forbidden", "PUT", "onlineEndpoints/one-more", "workspaces/onlineEndpoints/write"),
        ("assets-forbidden", "PUT", "models/m/versions/1", "workspaces/models/versions/write"),
        ("assets-forbidden", "PUT", "environments/e/versions/1", "workspaces/environments/versions/write"),
        ("signin-forbidden", "GET", "", "workspaces/read"),
        ("signin-forbidden", "DELETE", BLUE, "workspaces/onlineEndpoints/deployments/delete"),
    ],
)
def test_a_missing_role_names_the_action(practising: Practised, name: str, method: str, path: str, action: str) -> None:
    practising.choose(name)
    refused = practising.arm.call(method, path or practising.arm.workspace, {} if method == "PUT" else None)
    assert (refused.status_code, error_of(refused)["code"]) == (403, "AuthorizationFailed")
    assert f"perform action 'Microsoft.MachineLearningServices/{action}'" in error_of(refused)["message"]


def test_throttling_with_and_without_a_hint(practising: Practised) -> None:
    for name, hint in (("throttling", "1"), ("throttling-no-hint", None)):
        practising.choose(name)
        answers = [practising.arm.call("GET", practising.arm.workspace) for _ in range(30)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) == 10
        assert {answer.headers.get("Retry-After") for answer in refused} == {hint}
        assert error_of(refused[0])["code"] == "TooManyRequests"
        # Whoever asks in a rhythm is not always refused.
        assert all({answer.status_code for answer in answers[start::3]} == {200, 429} for start in range(3))


def test_polls_that_fail_do_not_end_the_operation(practising: Practised) -> None:
    for name, status, code in (
        ("server-errors", 500, "InternalServerError"),
        ("expired-tokens", 401, "ExpiredAuthenticationToken"),
    ):
        body = {"location": "eastus", "properties": {"authMode": "Key"}}
        practising.choose(name)
        operation = practising.arm.call("PUT", "onlineEndpoints/polled", body).headers["Azure-AsyncOperation"]
        seen: dict[int, str] = {}
        while True:
            answer = practising.arm.call("GET", operation)
            if answer.status_code == 200 and answer.json()["status"] == "Succeeded" and len(seen) > 1:
                break
            seen[answer.status_code] = answer.text
            time.sleep(0.02)
        assert set(seen) == {200, status}
        assert f'"{code}"' in seen[status]
        # Other requests are left alone.
        assert practising.arm.call("GET", practising.arm.workspace).status_code == 200


def test_a_gateway_answers_no_json(practising: Practised) -> None:
    practising.choose("gateway-errors")
    answers = [practising.arm.call("GET", practising.arm.workspace) for _ in range(9)]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) == 3
    assert refused[0].headers["Content-Type"].startswith("text/html")


def test_connections_are_cut(stage: Practised) -> None:
    stage.choose("connection-reset")
    with pytest.raises(requests.ConnectionError):
        for _ in range(10):
            stage.arm.call("GET", stage.arm.workspace)
    stage.choose("storage-reset")
    with pytest.raises(requests.ConnectionError):
        for _ in range(9):
            stage.storage("PUT", "cut", b"x" * 1_000_000)
    uri = stage.arm.call("GET", f"onlineEndpoints/{ENDPOINT_NAME}").json()["properties"]["scoringUri"]
    stage.choose("scoring-reset")
    with pytest.raises(requests.ConnectionError):
        requests.post(uri, json={}, verify=stage.env["REQUESTS_CA_BUNDLE"], timeout=30)


def test_names_that_nothing_resolves(stage: Practised) -> None:
    stage.choose("scoring-host-unresolved", "storage-host-unresolved")
    uri = stage.arm.call("GET", f"onlineEndpoints/{ENDPOINT_NAME}").json()["properties"]["scoringUri"]
    account = stage.arm.call("GET", "datastores/workspaceblobstore").json()["properties"]["accountName"]
    assert uri == f"https://{ENDPOINT_NAME}.eastus.inference.ml.azure.invalid/score"
    for host in (uri.split("/")[2], account.split("/")[0]):
        assert host.endswith(".invalid")  # reserved by RFC 2606
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(host, 443)
    stage.choose()
    uri = stage.arm.call("GET", f"onlineEndpoints/{ENDPOINT_NAME}").json()["properties"]["scoringUri"]
    assert uri.startswith(stage.origin)


def test_public_names_are_only_named(stage: Practised) -> None:
    stage.choose("public-names")
    found = stage.arm.call("GET", stage.arm.workspace).json()["properties"]
    assert found["discoveryUrl"] == "https://eastus.api.azureml.ms/discovery"
    # Whatever a client calls in a deployment stays on this machine.
    endpoint = stage.arm.call("GET", f"onlineEndpoints/{ENDPOINT_NAME}").json()["properties"]
    store = stage.arm.call("GET", "datastores/workspaceblobstore").json()["properties"]
    assert endpoint["scoringUri"].startswith(stage.origin)
    assert store["accountName"].startswith("127.0.0.1:")


def test_the_workspace_shows_what_is_wrong_with_it(practising: Practised) -> None:
    practising.choose("no-build-compute", "v1-legacy-mode", "managed-network-not-ready")
    found = practising.arm.call("GET", practising.arm.workspace).json()["properties"]
    assert (found["imageBuildCompute"], found["v1LegacyMode"]) == (None, True)
    assert found["managedNetwork"]["status"]["status"] == "Inactive"


def test_clocks_that_differ(practising: Practised) -> None:
    practising.choose("clock-skew")
    token = practising.arm.token(practising.origin)
    import base64
    import json

    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["nbf"] - time.time() > 500
    assert claims["exp"] > claims["iat"] == claims["nbf"]
    answer = requests.get(
        practising.origin + practising.arm.workspace,
        headers={"Authorization": f"Bearer {token}"},
        verify=practising.env["REQUESTS_CA_BUNDLE"],
        timeout=30,
    )
    # The service's own clock is right for it: what it gave out it takes.
    assert answer.status_code == 200
    assert parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time() > 500


def _sign_in(practising: Practised) -> requests.Response:
    tenant = practising.env["REHEARSAL_TENANT_ID"]
    form = {
        "grant_type": "client_credentials",
        "client_id": practising.env["REHEARSAL_CLIENT_ID"],
        "client_secret": practising.env["REHEARSAL_CLIENT_SECRET"],
        "scope": f"{practising.origin}/.default",
    }
    url = f"{practising.origin}/{tenant}/oauth2/v2.0/token"
    return requests.post(url, data=form, verify=practising.env["REQUESTS_CA_BUNDLE"], timeout=30)


def test_signing_in_is_refused(practising: Practised) -> None:
    assert _sign_in(practising).status_code == 200
    for name, status, number in (("secret-expired", 401, 7000222), ("application-unknown", 400, 700016)):
        practising.choose(name)
        refused = _sign_in(practising)
        assert (refused.status_code, refused.json()["error_codes"]) == (status, [number])
        assert refused.json()["error_description"].startswith(f"AADSTS{number}: ")
    practising.choose("identity-unavailable")
    answer = requests.get(
        practising.env["IDENTITY_ENDPOINT"],
        params={"resource": practising.origin, "api-version": "2019-08-01"},
        headers={"X-IDENTITY-HEADER": practising.env["IDENTITY_HEADER"]},
        verify=practising.env["REQUESTS_CA_BUNDLE"],
        timeout=30,
    )
    assert answer.status_code == 400
    practising.choose("short-tokens")
    assert _sign_in(practising).json()["expires_in"] == 5
    practising.choose()
    practising.command("env", "--token-seconds", "2")
    try:
        assert _sign_in(practising).json()["expires_in"] == 2
    finally:
        practising.command("env", "--token-seconds", "0")
    assert _sign_in(practising).json()["expires_in"] > 60


def test_storage_that_is_slow(practising: Practised) -> None:
    practising.choose("slow-storage")
    begun = time.monotonic()
    assert practising.storage("PUT", "slow", b"x").status_code == 201
    # At least: the delay is the scenario.
    assert time.monotonic() - begun >= 0.5


def test_a_failure_that_is_over_leaves_a_deployment_that_works(stage: Practised) -> None:
    stage.choose("container-crash")
    assert stage.deploy(BLUE)["status"] == "Failed"
    stage.choose()
    assert stage.deploy(BLUE)["status"] == "Succeeded"
    traffic = {"location": "eastus", "properties": {"authMode": "Key", "traffic": {"blue": 100}}}
    made = stage.arm.call("PUT", f"onlineEndpoints/{ENDPOINT_NAME}", traffic)
    uri = made.json()["properties"]["scoringUri"]
    stage.until(f"onlineEndpoints/{ENDPOINT_NAME}", lambda body: body["properties"]["provisioningState"] == "Succeeded")
    key = stage.arm.call("POST", f"onlineEndpoints/{ENDPOINT_NAME}/listKeys").json()["primaryKey"]
    bundle = stage.env["REQUESTS_CA_BUNDLE"]
    headers = {"Authorization": f"Bearer {key}"}
    answer = requests.post(uri, json={"number": 5}, headers=headers, verify=bundle, timeout=60)
    assert (answer.status_code, answer.json()) == (200, {"product": 15})
    stage.choose("scoring-model-error")
    answer = requests.post(uri, json={"number": 5}, headers=headers, verify=bundle, timeout=60)
    assert answer.headers["azureml-model-deployment"] == "blue"


def test_the_table_names_every_scenario_and_its_source() -> None:
    command = [sys.executable, "-m", "tests.rehearsal.scenarios.known_failures"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "**documented** by Microsoft" in printed
    for name, scenario in SCENARIOS.items():
        assert f"| `{name}` | {scenario.about} | {scenario.disturbs} | {scenario.words} |" in printed
    for failure in ("OutOfQuota: CPU", "image-build-acr", "expired tokens"):
        assert f"\n| {failure} | `" in printed
