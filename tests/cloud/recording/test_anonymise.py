"""What a recording may keep, and what becomes a placeholder: URLs, bodies, headers, token requests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tui.cloud.recording import anonymise
from tui.cloud.recording.anonymise import Redactor, enumerated, harmless

GUID = "0f0e0d0c-0b0a-4908-8706-050403020100"
OTHER = "1f0e0d0c-0b0a-4908-8706-050403020100"
ARM = "https://management.azure.com"
WORKSPACE = (
    f"/subscriptions/{GUID}/resourceGroups/rg-x/providers/Microsoft.MachineLearningServices/workspaces/ws-of-jane"
)
SHOWN = (
    "/subscriptions/{subscription}/resourceGroups/{resource-group}/providers/Microsoft.MachineLearningServices"
    "/workspaces/{workspace}"
)
RANDOM = "aZ3bY4cX5dW6eV7fU8gT9h"  # more than 20 characters with digits, as in a key
BLOB = "https://acc.blob.core.windows.net"


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()


@pytest.mark.parametrize(
    ("secret", "learnt"), [("", False), ("12345", False), ("123456", True), ("a longer one", True)]
)
def test_secrets_of_six_characters_or_more_are_removed(redactor: Redactor, secret: str, learnt: bool) -> None:
    redactor.learn(secret)
    assert redactor.seal(f"<{secret}>") == ("<{secret}>" if learnt else f"<{secret}>")


def test_a_secret_is_removed_in_each_form_it_is_sent_in(redactor: Redactor) -> None:
    redactor.learn('pass/word"+é')
    assert redactor.seal('x pass/word"+é x') == "x {secret} x"
    assert redactor.seal(json.dumps({"a": 'pass/word"+é'}, ensure_ascii=False)) == '{"a": "{secret}"}'
    assert redactor.seal("x=pass%2Fword%22%2B%C3%A9") == "x={secret}"
    redactor.learn(None)
    assert redactor.seal("None") == "None"


def test_the_oldest_secrets_are_forgotten_at_the_limit(redactor: Redactor) -> None:
    for number in range(anonymise._MAX_SECRETS):
        redactor.learn(f"secret-{number:04}")
        redactor.learn(f"secret-{number:04}")
    assert redactor.seal("secret-0000") == "{secret}", "the last that fits evicts nobody"
    redactor.learn("one-more")
    assert redactor.seal("secret-0000") == "secret-0000"
    assert redactor.seal("secret-0001 one-more") == "{secret} {secret}"


@pytest.mark.parametrize(
    ("line", "sealed"),
    [
        ("eyJhbGciOiJub25lIn0.eyJwIjoxfQ.c2ln", "{token}"),
        ("by jane.doe@contoso.example now", "by {address} now"),
        ("from 10.20.30.40.", "from 10.20.30.40."),
        ("from 10.20.30.40 on", "from {ip} on"),
        ("version 1.10.2", "version 1.10.2"),
    ],
)
def test_a_line_has_no_token_address_or_ip_left(redactor: Redactor, line: str, sealed: str) -> None:
    assert redactor.seal(line) == sealed


def test_names_have_one_placeholder_each_whatever_their_case(redactor: Redactor) -> None:
    assert [redactor.name("endpoint", name) for name in ("a", "B", "b", "A")] == [
        "{endpoint-1}", "{endpoint-2}", "{endpoint-2}", "{endpoint-1}",
    ]  # fmt: skip
    # What almost every recording has once has no number until there is a second one.
    assert [redactor.name("workspace", name) for name in ("a", "b")] == ["{workspace}", "{workspace-2}"]
    assert redactor.name("model", "a") == "{model-1}"


URLS = [
    (f"{ARM}{WORKSPACE}?api-version=2024-04-01", f"{ARM}{SHOWN}?api-version=2024-04-01"),
    (f"{ARM}{WORKSPACE}", f"{ARM}{SHOWN}"),
    (f"{ARM}{WORKSPACE}/models/churn/versions/12", f"{ARM}{SHOWN}/models/{{model-1}}/versions/12"),
    (f"{ARM}{WORKSPACE}/models/12/versions/12", f"{ARM}{SHOWN}/models/{{model-1}}/versions/12"),
    (f"{ARM}{WORKSPACE}/models/churn/versions/v1", f"{ARM}{SHOWN}/models/{{model-1}}/versions/{{version-1}}"),
    (
        f"{ARM}{WORKSPACE}/datastores/workspaceblobstore/paths/a/MLmodel",
        f"{ARM}{SHOWN}/datastores/workspaceblobstore/paths/{{file-1}}/MLmodel",
    ),
    (
        f"{ARM}/providers/X.y/locations/eastus2/operations",
        f"{ARM}/providers/{{segment-1}}/locations/eastus2/operations",
    ),
    (f"{ARM}/locations/East-US/quotas/janes", f"{ARM}/locations/{{location}}/quotas/{{quota-1}}"),
    (f"{ARM}/usages/standardDSv2Family", f"{ARM}/usages/standardDSv2Family"),
    (f"{ARM}/usages/{RANDOM}", f"{ARM}/usages/{{quota-1}}"),
    (f"{ARM}/usages/standard{'x' * 100}", f"{ARM}/usages/{{quota-1}}"),
    (f"{ARM}/operations/oeidp:{GUID}", f"{ARM}/operations/oeidp:{{guid-1}}"),
    (
        f"https://login.microsoftonline.com/{GUID}/oauth2/token",
        "https://login.microsoftonline.com/{tenant}/oauth2/token",
    ),
    ("https://secret.corp.example/jane", "https://{host-1}/{segment-1}"),
    ("https://churn.eastus.inference.ml.azure.com/score", "https://{host-1}.inference.ml.azure.com/score"),
    ("https://management.azure.com:bad/x", "{url}"),
    (f"{BLOB}/azureml/x/model.pkl", "https://{account-1}.blob.core.windows.net/azureml/{file-1}/model.pkl"),
    (f"{BLOB}/janes/a.csv", "https://{account-1}.blob.core.windows.net/{container-1}/{file-1}.csv"),
    (f"{BLOB}/janes/a.secret", "https://{account-1}.blob.core.windows.net/{container-1}/{file-1}"),
    (f"{BLOB}/?comp=list", "https://{account-1}.blob.core.windows.net/?comp=list"),
    ("https://acc.dfs.core.windows.net/janes", "https://{account-1}.dfs.core.windows.net/{container-1}"),
    ("https://acc.blob.storage.corp.example/janes", "https://{account-1}.blob.{suffix}/{container-1}"),
    (
        "https://127.0.0.1:10000/acc.blob.core.windows.net/janes/a.py",
        "https://{account-1}.blob.core.windows.net/{container-1}/{file-1}.py",
    ),
    ("https://127.0.0.1:10000/acc.blob.core.windows.net", "https://{account-1}.blob.core.windows.net/"),
]


@pytest.mark.parametrize(("url", "shown"), URLS)
def test_a_url_keeps_what_is_azures_own(redactor: Redactor, url: str, shown: str) -> None:
    assert redactor.url(url) == shown


def test_an_account_is_the_same_under_all_its_hosts(redactor: Redactor) -> None:
    for host in ("acc.blob.core.windows.net", "ACC.dfs.core.windows.net", "other.blob.core.windows.net"):
        redactor.url(f"https://{host}/azureml")
    assert redactor.url("https://acc.blob.core.windows.net") == "https://{account-1}.blob.core.windows.net/"
    assert redactor.url("https://acc.dfs.core.windows.net") == "https://{account-1}.dfs.core.windows.net/"
    for service in ("blob", "dfs", "blob"):
        shown = redactor.url(f"https://127.0.0.1:1/acc.{service}.core.windows.net/azureml")
        assert shown == f"https://{{account-3}}.{service}.core.windows.net/azureml"
    assert redactor.url("https://secret.example:1/") != redactor.url("https://secret.example:2/")


def test_a_name_that_is_known_is_found_again_in_other_places(redactor: Redactor) -> None:
    redactor.url(f"{ARM}{WORKSPACE}")
    assert redactor.path("/Ws-Of-Jane/new") == "/{workspace}/{segment-1}"
    assert redactor.body({"description": "WS-OF-JANE", "message": "of Jane"}) == {
        "description": "{workspace}", "message": "{text}",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("api-version=2024-04-01", "api-version=2024-04-01"),
        ("api-version=", "api-version="),
        ("api-version=a/b", "api-version={value}"),
        (f"api-version={'x' * 41}", "api-version={value}"),
        ("prefix=a/MLmodel", "prefix={file-1}/MLmodel"),
        ("client_id=abc", "client_id={client-1}"),
        ("resource=https://management.azure.com/", "resource=https://management.azure.com/"),
        ("scope=https://secret.example/.default", "scope={audience}/.default"),
        ("foo=bar", "foo={value}"),
        ("f%20o=bar", "{key}={value}"),
    ],
)
def test_the_query_keeps_harmless_values_of_known_parameters(redactor: Redactor, query: str, shown: str) -> None:
    assert redactor.url(f"{ARM}/?{query}") == f"{ARM}/?{shown}"


@pytest.mark.parametrize(
    ("key", "learnt"), [("sig", True), ("SAS", True), ("token", True), ("code", True), ("x", False)]
)
def test_a_signature_in_a_query_is_removed_everywhere(redactor: Redactor, key: str, learnt: bool) -> None:
    redactor.url(f"{ARM}/?{key}=abcdefgh")
    assert redactor.seal("abcdefgh") == ("{secret}" if learnt else "abcdefgh")


@pytest.mark.parametrize(
    ("audience", "shown"),
    [
        ("https://ml.azure.com/.default", "https://ml.azure.com/.default"),
        ("https://ml.azure.com", "https://ml.azure.com"),
        ("https://ml.azure.com//.default openid", "https://ml.azure.com//.default {audience}"),
        ("https://x.example", "{audience}"),
    ],
)
def test_an_audience_is_kept_if_it_is_azures(redactor: Redactor, audience: str, shown: str) -> None:
    assert redactor.audience(audience) == shown


BODIES: list[tuple[Any, Any]] = [
    (None, None),
    (True, True),
    (12, 12),
    ("", ""),
    ({"password": 1234}, {"password": 0}),
    ({"password": True}, {"password": True}),
    ({"password": "hunter"}, {"password": "{secret}"}),
    ({"sasUri": f"{BLOB}/azureml?sig=x"}, {"sasUri": "https://{account-1}.blob.core.windows.net/azureml?sig={value}"}),
    ({"credentialsType": "AccountKey"}, {"credentialsType": "AccountKey"}),
    ({"id": f"{WORKSPACE}"}, {"id": SHOWN}),
    ({"id": f"{WORKSPACE[1:]}"}, {"id": SHOWN[1:]}),
    ({"x": "HTTPS://management.azure.com/"}, {"x": "https://management.azure.com/"}),
    ({"x": GUID}, {"x": "{guid-1}"}),
    ({"tenantId": GUID}, {"tenantId": "{tenant}"}),
    ({"x": "2026-01-02T03:04:05.123Z"}, {"x": "2026-01-02T03:04:05.123Z"}),
    ({"x": "PT1M30S"}, {"x": "PT1M30S"}),
    ({"x": "1234.5"}, {"x": "1234.5"}),
    ({"x": "2024-04-01-preview"}, {"x": "2024-04-01-preview"}),
    ({"modelUri": f"azureml:/{WORKSPACE}"}, {"modelUri": f"azureml:/{SHOWN}"}),
    ({"x": f"oeidp:{GUID}"}, {"x": "oeidp:{guid-1}"}),
    ({"condaFile": "name: janes"}, {"condaFile": "{conda-file}"}),
    ({"image": "mcr.microsoft.com/azureml/x:1"}, {"image": "mcr.microsoft.com/azureml/x:1"}),
    ({"image": "janes.azurecr.io/x:1"}, {"image": "{image}"}),
    ({"scoringScript": "src/mine.py"}, {"scoringScript": "src/{file-1}.py"}),
    ({"hash_sha256": "abc"}, {"hash_sha256": "{hash-1}"}),
    ({"hash": "abc"}, {"hash": "{hash-1}"}),
    ({"containerName": "janes"}, {"containerName": "{container-1}"}),
    ({"fileShareName": "janes"}, {"fileShareName": "{container-1}"}),
    ({"message": "AADSTS7000215: Jane"}, {"message": "AADSTS7000215: {text}"}),
    ({"other": "AADSTS7000215: Jane"}, {"other": "{text}"}),
    ({"message": "about Jane"}, {"message": "{text}"}),
    ({"value": "standardDSv2Family"}, {"value": "standardDSv2Family"}),
    ({"value": "janes family"}, {"value": "{text}"}),
    ({"localizedValue": f"Standard {RANDOM}"}, {"localizedValue": "{text}"}),
    ({"other": "total janes"}, {"other": "{text}"}),
    ({"location": "eastus2"}, {"location": "eastus2"}),
    ({"location": "Jane's"}, {"location": "{text}"}),
    ({"other": "eastus2"}, {"other": "{text}"}),
    ({"provisioningState": "Succeeded"}, {"provisioningState": "Succeeded"}),
    ({"provisioningState": "of Jane"}, {"provisioningState": "{text}"}),
    ({"provisioningState": "A" + RANDOM}, {"provisioningState": "{text}"}),
    ({"other": "Succeeded"}, {"other": "{text}"}),
    ({"name": "Standard_DS3_v2"}, {"name": "Standard_DS3_v2"}),
    ({"name": f"Standard_{RANDOM}"}, {"name": "{text}"}),
    ({"name": "jane"}, {"name": "{text}"}),
    ({"other": "Standard_DS3_v2"}, {"other": "{text}"}),
    ({"name": "workspaceblobstore"}, {"name": "workspaceblobstore"}),
    ([{"x": "jane"}, "jane", 1], [{"x": "{text}"}, "{text}", 1]),
]


@pytest.mark.parametrize(("body", "shown"), BODIES)
def test_a_body_keeps_its_form_and_harmless_words(redactor: Redactor, body: Any, shown: Any) -> None:
    assert redactor.body(body) == shown


def test_the_names_of_fields_are_kept_where_azure_chooses_them(redactor: Redactor) -> None:
    body = {
        "properties": {
            "provisioningState": "Succeeded",
            "properties": {
                "Jane": "Succeeded",
                "AzureAsyncOperationUri": f"{ARM}/operations/x",
                "hash_version": "202208",
            },
        },
        "tags": {"owner of": "Succeeded", "aml-deploy-run": "12", "azureml.x": {"jane": 1}},
        "traffic": {"blue": 90},
        "dependencies": [{"with space": 1, RANDOM + "1": 2, f"of-{GUID}": 3}],
        f"{WORKSPACE}": {},
    }
    assert redactor.body(body) == {
        "properties": {
            "provisioningState": "Succeeded",
            "properties": {
                "{key-1}": "{text}", "AzureAsyncOperationUri": f"{ARM}/operations/{{segment-1}}",
                "hash_version": "202208",
            },
        },
        "tags": {"{key-2}": "{text}", "aml-deploy-run": "12", "azureml.x": {"jane": 1}},
        "traffic": {"{key-3}": 90},
        "dependencies": [{"{key-4}": 1, "{key-5}": 2, "{key-6}": 3}],
        SHOWN: {},
    }  # fmt: skip


def test_below_a_name_that_a_user_chose_everything_is_the_users(redactor: Redactor) -> None:
    redactor.name("deployment", "blue")
    assert redactor.body({"flavors": {"mine": {"state": "Succeeded"}}}) == {
        "flavors": {"{key-1}": {"{key-2}": "{text}"}}
    }
    assert redactor.body({"traffic": {"BLUE": 1, "azureml with space": 1}}) == {
        "traffic": {"{deployment-1}": 1, "{key-3}": 1}
    }
    assert redactor.body({"properties": {"state": "Succeeded"}}) == {"properties": {"state": "Succeeded"}}
    assert redactor.body({"a": {"properties": {"state": "Succeeded"}}}) == {"a": {"properties": {"state": "Succeeded"}}}


def test_a_secret_in_a_body_is_removed_everywhere(redactor: Redactor) -> None:
    redactor.body({"primaryKey": "abcdefgh", "key": "ijklmnop", "keyType": "Primary", "tokenUri": "qrstuvwx"})
    assert redactor.seal("abcdefgh ijklmnop Primary qrstuvwx") == "{secret} {secret} Primary qrstuvwx"


HEADERS = [
    ("User-Agent", "azsdk-python-ai-ml/1.35 (jane) Python/3.11.7", "azsdk-python-ai-ml/1.35 Python/3.11.7"),
    ("WWW-Authenticate", 'Bearer realm="jane"', "Bearer {text}"),
    ("WWW-Authenticate", "Basic x", "Basic {text}"),
    ("WWW-Authenticate", "Jane x", "{text}"),
    ("WWW-Authenticate", "", "{text}"),
    ("Location", f"{ARM}/operations/jane", f"{ARM}/operations/{{segment-1}}"),
    ("Location", "HTTP://jane.example/", "http://{host-1}/"),
    ("azureml-model-deployment", "blue", "{deployment-1}"),
    ("Content-Type", "application/json; charset=utf-8", "application/json"),
    ("Content-Type", f"application/{RANDOM}".lower(), "{value}"),
    ("x-ms-blob-type", "BlockBlob", "BlockBlob"),
    ("x-ms-other", "BlockBlob", "{value}"),
    ("x-ms-blob-type", "of jane", "{value}"),
    ("x-ms-request-id", GUID, "{guid}"),
    ("Retry-After", "12", "12"),
    ("x-ms-version", "2022-11-02", "2022-11-02"),
    ("Last-Modified", "Mon, 02 Jan 2026 03:04:05 GMT", "Mon, 02 Jan 2026 03:04:05 GMT"),
    ("x-ms-time", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
    ("x-ms-flag", "True", "True"),
    ("If-None-Match", "*", "*"),
    ("ETag", '"0x8D"', "{value}"),
]


@pytest.mark.parametrize(("name", "value", "shown"), HEADERS)
def test_a_header_keeps_what_says_nothing_about_anybody(redactor: Redactor, name: str, value: str, shown: str) -> None:
    assert redactor.header(name, value) == shown


def test_a_deployment_is_the_same_in_header_and_path(redactor: Redactor) -> None:
    redactor.path("/deployments/blue")
    redactor.path("/endpoint")
    assert redactor.header("azureml-model-deployment", "Blue") == "{deployment-1}"


def test_a_token_request_keeps_grant_type_and_audience(redactor: Redactor) -> None:
    fields = {
        "grant_type": "client_credentials", "scope": "https://ml.azure.com/.default", "client_secret": "abcdefgh",
        "client_id": "ijklmnop", "a b": "x", "resource": "https://jane.example",
    }  # fmt: skip
    assert redactor.form(fields) == {
        "grant_type": "client_credentials", "scope": "https://ml.azure.com/.default", "client_secret": "{value}",
        "client_id": "{value}", "{key}": "{value}", "resource": "{audience}",
    }  # fmt: skip
    assert redactor.seal("abcdefgh ijklmnop") == "{secret} ijklmnop"
    assert redactor.form({"grant_type": "of jane"}) == {"grant_type": "{value}"}


@pytest.mark.parametrize(
    ("text", "plain", "value"),
    [
        ("Succeeded", True, True),
        ("two words", True, False),
        ("A12345678", True, True),
        ("A123456789", False, False),
        ("A" * 47, True, True),
        ("A" * 48, False, False),
        ("A" * 17 + "12", True, True),
        ("A" * 16 + "123", True, True),
        ("A" * 17 + "123", False, False),
        ("A" * 18 + "12", True, True),
        ("1st", False, False),
        ("", False, False),
    ],
)
def test_words_are_told_from_what_looks_random(text: str, plain: bool, value: bool) -> None:
    assert (harmless(text), enumerated(text)) == (plain, value)
