"""From what Azure and its libraries raise to cause and remedy; nothing secret, no terminal colours."""

from __future__ import annotations

import json

import pytest
import requests

from tui.cloud.error_explanations import explain, from_status
from tui.cloud.errors import CloudError, clean

WRONG_SECRET = (
    "Authentication failed: AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request "
    "is the client secret value, not the client secret ID, for a secret added to app "
    "'11111111-2222-3333-4444-555555555555'. Trace ID: aaaaaaaa-0000-0000-0000-000000000001 Correlation ID: "
    "aaaaaaaa-0000-0000-0000-000000000002 Timestamp: 2026-01-01 00:00:00Z"
)
NOTHING_FOUND = """DefaultAzureCredential failed to retrieve a token from the included credentials.
Attempted credentials:
\tEnvironmentCredential: EnvironmentCredential authentication unavailable. Environment variables are not set.
Visit https://aka.ms/azsdk/python/identity/environmentcredential/troubleshoot to troubleshoot this issue.
\tManagedIdentityCredential: ManagedIdentityCredential authentication unavailable, no response from the IMDS endpoint.
\tAzureCliCredential: Azure CLI not found on path
To mitigate this issue, please refer to the troubleshooting guidelines here at https://aka.ms/x."""


def sign_in_error(text: str) -> CloudError:
    from azure.core.exceptions import ClientAuthenticationError

    return explain(ClientAuthenticationError(text))


def test_a_wrong_secret_names_the_usual_reason() -> None:
    error = sign_in_error(WRONG_SECRET)
    assert error.code == "AADSTS7000215"
    assert error.title == "The client secret is wrong"
    assert "secret's ID instead of its value" in error.remedy
    assert error.cause.startswith("AADSTS7000215: Invalid client secret provided.")
    assert "Trace ID" not in error.cause
    assert error.request_ids == ["aaaaaaaa-0000-0000-0000-000000000001", "aaaaaaaa-0000-0000-0000-000000000002"]


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("700016", "The application was not found in this tenant"),
        ("90002", "The tenant was not found"),
        ("7000222", "The client secret has expired"),
        ("999999", "Microsoft Entra refused the sign-in"),
    ],
)
def test_other_codes_of_entra(code: str, title: str) -> None:
    error = sign_in_error(f"Authentication failed: AADSTS{code}: Something. Trace ID: x")
    assert (error.code, error.title) == (f"AADSTS{code}", title)
    assert error.remedy


def test_the_chain_lists_what_each_source_said() -> None:
    error = sign_in_error(NOTHING_FOUND)
    assert error.title == "No credential to sign in with was found"
    assert error.cause == (
        "Environment: Environment variables are not set; "
        "ManagedIdentity: no response from the IMDS endpoint; "
        "AzureCli: Azure CLI not found on path"
    )


def test_service_errors_keep_code_status_and_request_ids() -> None:
    body = (
        '{"error":{"code":"BadRequest","message":"The request is invalid.","details":[{"code":'
        '"InferencingClientCreateDeploymentFailed","message":"Not enough quota available for Standard_DS3_v2."}]}}'
    )
    error = from_status(400, body, {"x-ms-request-id": "id-1", "x-ms-correlation-request-id": "id-1"}, "creating blue")
    assert error.title == "There is not enough quota, while creating blue"
    assert "Not enough quota available for Standard_DS3_v2." in error.cause
    assert (error.code, error.status, error.request_ids) == ("BadRequest", 400, ["id-1"])


def test_a_refused_storage_names_the_role() -> None:
    error = from_status(403, "<Error/>", {"x-ms-error-code": "AuthorizationPermissionMismatch"})
    assert "Storage Blob Data Contributor" in error.remedy


def test_an_answer_that_is_not_json_is_quoted() -> None:
    error = from_status(502, "upstream connect error", {})
    assert error.cause == "upstream connect error"


def test_a_web_page_of_a_gateway_is_said_in_a_sentence_and_kept_as_the_raw_text() -> None:
    page = "<html><head><title>502 Bad Gateway</title></head></html>"
    error = from_status(502, page, {})
    assert error.cause == "A proxy or gateway in front of the service answered 502 with a web page."
    assert error.raw == page


def test_a_refused_action_becomes_the_role_to_ask_for() -> None:
    workspace = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
    message = (
        "The client 'trainer' with object id '5eed' does not have authorization to perform action "
        "'Microsoft.MachineLearningServices/workspaces/onlineEndpoints/write' over scope "
        f"'{workspace}/onlineEndpoints/churn' or the scope is invalid."
    )
    error = from_status(403, json.dumps({"error": {"code": "AuthorizationFailed", "message": message}}), {})
    sentence, command = error.remedy.splitlines()
    assert sentence.startswith("Ask for the role AzureML Data Scientist on ws, which allows Microsoft.")
    assert command == (
        "az role assignment create --assignee-object-id 5eed --assignee-principal-type ServicePrincipal "
        f'--role "AzureML Data Scientist" --scope {workspace}'
    )


def test_an_unresolvable_host_is_named() -> None:
    with pytest.raises(requests.RequestException) as caught:
        requests.get("https://no-such-host.invalid/x", timeout=5)
    error = explain(caught.value, doing="reading")
    assert error.title == "The name no-such-host.invalid cannot be resolved, while reading"
    assert error.code == "Unreachable"


def test_secrets_and_colours_are_removed() -> None:
    texts = {
        "\x1b[31mred\x1b[39m": "red",
        "POST https://x/c/b?sv=2024&sig=abcdefghijklmnopqrstuvwxyz%3D&se=1": "POST https://x/c/b?sv=2024&sig=(hidden)&se=1",
        "client_id=a&client_secret=hunter2secret&scope=x": "client_id=a&client_secret=(hidden)&scope=x",
        "Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.e30.abc": "Authorization: Bearer (hidden)",
        '{"primaryKey": "abcdef"}': '{"primaryKey": "(hidden)"}',
    }
    for text, expected in texts.items():
        assert clean(text) == expected
    assert "hunter2" not in explain(RuntimeError("client_secret=hunter2")).raw


def test_a_client_side_refusal_of_the_sdk_has_no_colours() -> None:
    from azure.ai.ml.exceptions import MlException

    error = explain(MlException(message="\x1b[31mbad\x1b[39m name", no_personal_data_message="bad"))
    assert error.cause == "bad name"
