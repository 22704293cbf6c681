"""What the log tells of one call: the command that asks the same, and never a secret."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.engine.test_secrets import leaks
from tui.cloud.http.connections import session
from tui.cloud.http.logged_call import command, logged, logged_command, without_secrets
from tui.common import call_log, redact

ARM, STORE = "https://management.azure.com", "https://acc.blob.core.windows.net/azureml/a.pkl"
GROUP = "/subscriptions/s1/resourceGroups/rg/providers"
WORKSPACE = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/ws"
WHERE = "--resource-group rg --subscription s1"
VERSION = "?api-version=2023-04-01"


@pytest.fixture(autouse=True)
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AML_DEPLOY_CACHE", str(tmp_path))
    call_log.begin("run-1")
    yield
    call_log.begin("")


def last() -> dict[str, Any]:
    found: dict[str, Any] = call_log.Reader(call_log.path()).new()[-1]
    return found


@pytest.mark.parametrize(
    ("method", "url", "shown"),
    [
        ("GET", f"{ARM}{WORKSPACE}{VERSION}", f"az ml workspace show --name ws {WHERE}"),
        ("GET", f"{ARM}{WORKSPACE.lower()}{VERSION}", f"az ml workspace show --name ws {WHERE}"),
        ("DELETE", f"{ARM}{WORKSPACE}{VERSION}", f"az rest --method delete --url '{WORKSPACE}{VERSION}'"),
        (
            "GET",
            f"{ARM}{WORKSPACE}/onlineEndpoints/churn/deployments/blue{VERSION}",
            f"az ml online-deployment show --name blue --endpoint-name churn --workspace-name ws {WHERE}",
        ),
        (
            "GET",
            f"{ARM}{WORKSPACE}/models/m%20n/versions/1{VERSION}",
            f'az ml model show --version 1 --name "m n" --workspace-name ws {WHERE}',
        ),
        (
            "GET",
            f"{ARM}{WORKSPACE}/models/m/versions{VERSION}&$top=1",
            f"az rest --method get --url '{WORKSPACE}/models/m/versions{VERSION}&$top=1'",
        ),
        ("GET", f"{ARM}/subscriptions{VERSION}", f"az rest --method get --url '/subscriptions{VERSION}'"),
        ("POST", "https://login.x/t1/oauth2/v2.0/token", "az account get-access-token"),
        (
            "GET",
            "http://169.254.169.254/metadata/identity/oauth2/token?resource=https://a.b",
            "az account get-access-token --resource https://a.b",
        ),
        (
            "PUT",
            f"{STORE}?comp=block&blockid=QQ&sv=1&se=2&sr=c&sp=r&sig=abc",
            f"curl --request PUT '{STORE}?comp=block&blockid=QQ'\"&$SAS\"",
        ),
        ("PUT", f"{STORE}?sv=1&sig=abc", f'curl --request PUT {STORE}"?$SAS"'),
        ("HEAD", STORE, f"curl --head {STORE}"),
        # Metrics of many resources have a host of their own.
        (
            "POST",
            f"https://eastus.metrics.monitor.azure.com/subscriptions/s1/metrics:getBatch{VERSION}",
            f"curl --request POST 'https://eastus.metrics.monitor.azure.com/subscriptions/s1/metrics:getBatch{VERSION}'",
        ),
    ],
)
def test_a_call_is_the_command_that_asks_the_same(method: str, url: str, shown: str) -> None:
    assert command(method, url) == shown


def test_a_call_by_curl_has_the_headers_that_matter_and_no_key() -> None:
    headers = {"authorization": "Bearer key-0123456789", "content-type": b"application/json", "api-key": "key-01234567",
               "azureml-model-deployment": "blue", "User-Agent": "x"}  # fmt: skip
    request = requests.Request("POST", "https://a.b/score", data=b"[1]", headers=headers).prepare()
    with logged(request):
        pass
    assert last()["command"] == (
        "curl --request POST --header 'Content-Type: application/json' --header 'azureml-model-deployment: blue' "
        '--header "Authorization: Bearer $TOKEN" --data-binary @FILE https://a.b/score'
    )


def test_a_body_is_shown_without_what_looks_secret_or_named_as_a_file() -> None:
    url = f"{ARM}{WORKSPACE}/onlineEndpoints/churn{VERSION}"
    body = {"keyType": "Primary", "keyValue": "short", "list": [{"password": "x"}], "n": 1, "none": None}
    told = command("PUT", url, json.dumps(body))
    hidden = {**body, "keyValue": "(hidden)", "list": [{"password": "(hidden)"}]}
    assert (
        told == f"az rest --method put --url '{WORKSPACE}/onlineEndpoints/churn{VERSION}' --body '{json.dumps(hidden)}'"
    )
    for other in (b"not JSON", json.dumps({"a": "b" * 5000})):
        assert command("PUT", url, other).endswith(" --body @FILE")
    assert command("PUT", url, b"", 12).endswith(" --body @FILE"), "a stream"


def test_a_body_keeps_containers_and_no_secret_of_json_in_json() -> None:
    def logged_body(value: str) -> str:
        with logged(requests.Request("PUT", f"{ARM}{WORKSPACE}{VERSION}", data=json.dumps({"a": value})).prepare()):
            pass
        return str(last()["command"]).rpartition(" --body ")[2]

    inner = json.dumps({"clientSecret": "hunter two"})
    assert logged_body("abfss://models@acc.dfs.x/churn") == '\'{"a": "abfss://models@acc.dfs.x/churn"}\''
    for value in (inner, json.dumps(inner), json.dumps(json.dumps(inner)), quote(f"{STORE}?sv=1&sig=abc", safe="")):
        assert logged_body(value) == '\'{"a": "(hidden)"}\''


def test_what_users_name_themselves_is_judged_by_its_characters_and_no_variable_is_shown() -> None:
    url, random = f"{ARM}{WORKSPACE}{VERSION}", "Zx9q7WvLk" * 3
    body = {"environmentVariables": {"code": "short", "GREETING": "hi"}, "tags": {"state": random, "kind": "a b"}}
    hidden = {"environmentVariables": {"code": "(hidden)", "GREETING": "(hidden)"},
              "tags": {"state": "(hidden)", "kind": "a b"}}  # fmt: skip
    assert json.dumps(hidden) in command("PUT", url, json.dumps(body))


def test_a_known_secret_is_hidden_before_it_is_quoted() -> None:
    redact.learn("it's-a-secret")
    with logged(requests.Request("GET", "https://a.b/it's-a-secret#token=x").prepare()):
        pass
    assert last()["url"] == "https://a.b/(hidden)" and last()["command"] == "curl --request GET 'https://a.b/(hidden)'"


def test_an_operation_is_asked_without_its_signature() -> None:
    url = f"{ARM}/subscriptions/s1/operations/o{VERSION}&t=1&c=MII&s=signed&h=hash"
    assert without_secrets(url) == f"{ARM}/subscriptions/s1/operations/o{VERSION}"
    assert without_secrets(f"{ARM}{VERSION}&$filter=a eq 'b'") == f"{ARM}{VERSION}&$filter=a eq 'b'"


def test_a_call_tells_what_came_back() -> None:
    response = requests.Response()
    response.status_code = 404
    response.headers.update({"Content-Length": "12", "x-request-id": "id-1"})
    with logged(requests.Request("POST", "https://a.b/score", data=b"[1]").prepare()) as answer:
        answer.append(response)
    call = last()
    assert [call[name] for name in ("sent", "status", "received", "request_id")] == [3, 404, 12, "id-1"]


def test_a_call_without_an_answer_tells_the_error() -> None:
    with pytest.raises(requests.ConnectionError):
        session().get("https://127.0.0.1:1/x?api-version=1", timeout=1)
    call = last()
    assert (call["method"], call["error"], call.get("status")) == ("GET", "ConnectionError", None)
    assert call["url"] == "https://127.0.0.1:1/x?api-version=1"


def test_what_cannot_be_described_does_not_fail_the_call() -> None:
    request = requests.PreparedRequest()
    request.method, request.url, request.headers = "GET", "https://[", requests.structures.CaseInsensitiveDict()
    with logged(request) as answer:
        answer.append(requests.Response())
    assert last()["unknown"] == "ValueError"


def test_what_another_library_asks_is_its_command() -> None:
    with pytest.raises(OSError), logged_command("databricks", "secrets", "get-secret", "my scope", "key"):
        raise OSError
    assert (last()["command"], last()["error"]) == ("databricks secrets get-secret 'my scope' key", "OSError")


SECRETS = some.text(some.characters(min_codepoint=33, max_codepoint=0x17F), min_size=12, max_size=40).filter(
    lambda text: len(set(text)) > 6 and not text.isspace()
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    SECRETS, some.sampled_from(["query", "sas", "body", "form", "header", "path", "plain body"]), some.integers(0, 2)
)
def test_a_secret_is_in_no_line_wherever_it_is_sent(secret: str, where: str, before: int) -> None:
    call_log.path().unlink(missing_ok=True)
    redact._known = redact.Secrets()
    encoded = base64.b64encode(b"x" * before + secret.encode()).decode()
    if where in ("path", "plain body"):
        redact.learn(secret)  # all others are hidden though nobody knows them
    values = {
        "query": ("GET", f"https://a.b/c?access={quote(secret, safe='')}&b64={quote(encoded)}", None, {}),
        "sas": ("PUT", f"{STORE}?sv=1&sig={quote(secret, safe='')}", b"x", {}),
        "body": ("PUT", f"{ARM}{WORKSPACE}{VERSION}", json.dumps({"a": {"keyValue": secret}}), {}),
        "form": ("POST", "https://login.x/oauth2/v2.0/token", {"client_secret": secret, "scope": "s"}, {}),
        "header": ("GET", f"{ARM}{WORKSPACE}{VERSION}", None, {"Authorization": f"Bearer {quote(secret)}"}),
        "path": ("GET", f"https://a.b/{quote(secret, safe='')}/{quote(encoded, safe='')}", None, {}),
        "plain body": ("PUT", f"{ARM}{WORKSPACE}{VERSION}", json.dumps({"description": f"{secret} {encoded}"}), {}),
    }
    method, url, body, headers = values[where]
    with logged(requests.Request(method, url, headers=headers, data=body).prepare()):
        pass
    assert last()["command"]
    assert leaks([secret], {"calls.log": call_log.path().read_bytes()}) == []
