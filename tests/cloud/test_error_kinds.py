"""Each kind of refusal and disturbance is recognised by its own signs, and by no others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import requests

from tui.cloud.auth.roles import refused, request_for
from tui.cloud.auth.sign_in_errors import explain_sign_in
from tui.cloud.error_explanations import explain, from_status
from tui.cloud.errors import CloudError, OperationFailed, clean, request_ids, service_error

DENIED = (
    "The client 'app' with object id 'oid' does not have authorization to perform action "
    "'Microsoft.MachineLearningServices/workspaces/write' over scope '/s/workspaces/ws/x'"
)


def body(code: str = "", message: str = "") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


@pytest.mark.parametrize(
    ("status", "code", "message", "words"),
    [
        (403, "AuthorizationPermissionMismatch", "", "may not write"),
        (403, "AuthorizationFailure", "", "storage refuses this machine"),
        (409, "PublicAccessNotPermitted", "", "storage refuses this machine"),
        (403, "KeyBasedAuthenticationNotPermitted", "", "does not accept keys"),
        (403, "Forbidden", "due to Private Link", "outside its private link"),
        (400, "BadRequest", "due to private link", "refused the request"),
        (403, "x", "", "no permission"),
        (400, "AuthorizationFailed", "", "no permission"),
        (401, "", "", "did not accept the sign-in"),
        (404, "SubscriptionNotFound", "", "subscription was not found"),
        (400, "InvalidSubscriptionId", "", "subscription was not found"),
        (404, "ResourceGroupNotFound", "", "resource group was not found"),
        (404, "", "", "resource was not found"),
        (400, "", "Not enough Quota", "not enough quota"),
        (400, "", "there is already an endpoint with this name", "taken in this region"),
        (409, "", "", "in progress"),
        (429, "", "", "slow down"),
        (499, "", "", "Azure answered 499"),
        (500, "", "", "internal error"),
        (599, "", "", "internal error"),
        (999, "", "", "internal error"),
        (1000, "", "", "Azure answered 1000"),
        (400, "", "", "refused the request"),
        (418, "", "", "Azure answered 418"),
    ],
)
def test_a_refusal_is_recognised(status: int, code: str, message: str, words: str) -> None:
    found = from_status(status, body(code, message), None)
    assert words in found.title and found.status == status and found.remedy
    assert found.cause == (message or f"The service answered {status} without giving a reason.")


@pytest.mark.parametrize(("status", "role"), [(403, True), (400, False)])
def test_a_missing_permission_names_the_role_and_the_command(status: int, role: bool) -> None:
    found = from_status(status, body("AuthorizationFailed", DENIED), {})
    assert ("az role assignment create --assignee-object-id oid" in found.remedy) is role


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("<!DOCTYPE html><p>x", True),
        ("  <html lang=en>", True),
        ("<body>", True),
        ("<htmlx", False),
        ("x <html>", False),
    ],
)
def test_a_web_page_is_kept_as_raw_text_only(text: str, page: bool) -> None:
    found = from_status(502, text, {"x-ms-error-code": "Code"})
    assert (found.raw, found.code) == (text.strip(), "Code")
    assert ("web page" in found.cause) is page and ("<" not in found.cause) is page


@pytest.mark.parametrize(
    ("headers", "ids"),
    [
        (None, []),
        ({}, []),
        ({"x-ms-request-id": "a", "x-ms-correlation-request-id": "b", "x-request-id": "a"}, ["a", "b"]),
        ({"x-request-id": "c", "x-ms-request-id": ""}, ["c"]),
    ],
)
def test_request_ids_for_support(headers: Any, ids: list[str]) -> None:
    assert request_ids(headers) == ids


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ('{"error": {"code": "A", "message": "m"}}', ("A", "m", [])),
        ({"code": "A", "message": "m"}, ("A", "m", [])),
        ({"error": "text"}, (None, "text", [])),
        ([1], (None, "", [])),
        ("plain", (None, "plain", [])),
        ({"error": {"message": "m", "details": [{"message": "m"}, {"message": "n"}, {"message": ""}, "x"]}},
         (None, "m n", [{"message": "m"}, {"message": "n"}, {"message": ""}])),
        ({"error": {"details": [{"message": "n"}]}}, (None, "n", [{"message": "n"}])),
        ("<Error><Code>C</Code><Message>a &amp; b\nRequestId:1</Message>", ("C", "a & b", [])),
        ("<Code>C</Code>", (None, "<Code>C</Code>", [])),
        ("<Message>C</Message>", (None, "<Message>C</Message>", [])),
    ],
)  # fmt: skip
def test_the_services_own_error(told: Any, expected: Any) -> None:
    assert service_error(told) == expected


@pytest.mark.parametrize(("outcome", "word"), [("Failed", "failed"), ("Canceled", "was canceled")])
def test_a_failed_operation_is_named_with_its_outcome(outcome: str, word: str) -> None:
    found = OperationFailed("C", "m", outcome=outcome, what="The thing")
    assert (found.title, found.raw, found.details) == (f"The thing {word} with C", "m", [])
    assert OperationFailed(None, "m", raw="r").raw == "r"
    assert str(CloudError("Title.", "cause")) == "Title. cause." and str(CloudError("Title")) == "Title."
    assert clean("\x1b[31mred\x1b[0m ") == "red"


class ServiceRequestError(Exception):
    """Named as azure-core's; kinds are recognised by name, so that no library has to be loaded."""


class MlException(Exception):
    """Named as azure-ai-ml's."""


@pytest.mark.parametrize(
    ("error", "title", "cause"),
    [
        (requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self signed"),
         "certificate", "not accepted: self signed"),
        (requests.exceptions.SSLError("x"), "No TLS connection", "x"),
        (ServiceRequestError("[SSL: WRONG_VERSION_NUMBER] wrong version number"), "No TLS", "does not use TLS"),
        (ServiceRequestError("EOF occurred in violation of protocol"), "The connection to", "TLS handshake"),
        (ServiceRequestError("HTTPSConnectionPool(host='a.example'): Failed to resolve 'a.example' ([Errno -2] Name "
                             "or service not known)"), "The name a.example", "Failed to resolve 'a.example'"),
        (requests.exceptions.ProxyError("Tunnel connection failed: 407 Authentication"), "The proxy blocked", "407"),
        (ServiceRequestError("https://b.example/x: timed out"), "b.example did not answer", "time limit"),
        (requests.exceptions.ReadTimeout("x (read timeout=60)"), "did not answer", "60 seconds"),
        (ServiceRequestError("host='https://c.example' Connection refused"), "The connection to", "refused"),
        (ServiceRequestError("Connection reset by peer\nsecond"), "The connection to the service", "reset"),
        (ServiceRequestError("first\nsecond"), "The connection to the service", "first"),
        (OSError("x"), "The connection to the service", "x"),
    ],
)  # fmt: skip
def test_a_missing_response_is_explained(error: Exception, title: str, cause: str) -> None:
    found = explain(error, "reading")
    assert title in found.title and cause in found.cause and found.code == "Unreachable"
    assert found.title.endswith(", while reading") and found.remedy


def test_a_long_message_is_cut() -> None:
    long = "x" * 500
    assert len(explain(OSError(long)).cause) == 300
    assert len(explain_sign_in(RuntimeError(f"timed out {long}")).cause) == 400
    assert len(explain_sign_in(RuntimeError(long)).cause) == 400


@pytest.mark.parametrize(
    "error", [FileNotFoundError("x"), PermissionError("x"), IsADirectoryError("x"), ValueError("x")]
)
def test_an_error_of_a_file_is_not_one_of_the_network(error: Exception) -> None:
    assert explain(error).code is None and "Unreachable" not in explain(error).title


def test_what_a_library_attached_to_its_error_is_used() -> None:
    answer = SimpleNamespace(status_code=404, text=lambda: '{"error": {"code": "X"}}', headers={"x-request-id": "i"})
    error = ValueError("failed")
    error.response = answer  # type: ignore[attr-defined]
    found = explain(error)
    assert (found.status, found.code, found.request_ids) == (404, "X", ["i"])
    for status, wrong in ((399, False), (400, True)):
        answer.status_code, answer.text = status, "plain"
        assert (explain(error).cause == "plain") is wrong
    error.status_code, error.error_code = 200, "Named"  # type: ignore[attr-defined]
    found = explain(error)
    assert (found.status, found.code, found.cause) == (200, "Named", "failed")
    inner = ValueError("")
    inner.error = SimpleNamespace(code="Inner")  # type: ignore[attr-defined]
    assert (explain(inner).code, explain(inner).cause, explain(inner).raw) == ("Inner", "ValueError", "ValueError")
    assert explain(found) is found
    unreadable = ValueError("failed")
    unreadable.response = SimpleNamespace(status_code=500, headers=None)  # type: ignore[attr-defined]
    assert explain(unreadable).cause == "failed"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MlException("(x) one\n  two\n\nHelp: see\n(x) three"), "RefusedBySdk"),
        (MlException("nothing marked"), None),
        (ValueError("(x) one"), None),
    ],
)
def test_what_the_sdk_refuses_is_said_in_its_words(error: Exception, code: str | None) -> None:
    found = explain(error)
    assert found.code == code and (code is None or found.cause == "one two three")


ATTEMPTED = "Attempted credentials:\n\tEnvironmentCredential: unset.\n\tVisualStudioCodeCredential: gone\n\tBroker: no"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("AADSTS90002: no such tenant. Trace ID: x", "AADSTS90002", "tenant was not found"),
        ("AADSTS1: x", "AADSTS1", "refused the sign-in"),
        (ATTEMPTED, "NoCredential", "Environment: unset"),
        ("Attempted credentials: none listed", "SignInFailed", ""),
        ("host='login.x' Max retries exceeded", "Unreachable", "login.x"),
        ("certificate verify failed", "Unreachable", "login service cannot"),
        ("Please run az login", "SignInFailed", "az login"),
        ("Multiple user assigned identities exist", "SignInFailed", "client id"),
        ("ManagedIdentityCredential authentication unavailable, no IMDS", "SignInFailed", "managed identity"),
        ("x", "SignInFailed", "Check tenant id"),
        ("", "SignInFailed", "RuntimeError"),
    ],
)
def test_a_failed_sign_in(text: str, code: str, words: str) -> None:
    found = explain_sign_in(RuntimeError(text))
    assert found.code == code and words in f"{found.title} {found.cause} {found.remedy}"
    assert "VisualStudioCode" not in found.cause and "Broker" not in found.cause
    assert found.status == (401 if code.startswith("AADSTS") else None)


ML = "Microsoft.MachineLearningServices/workspaces"


@pytest.mark.parametrize(
    ("action", "scope", "role", "at"),
    [
        (f"{ML}/write", "/rg/workspaces/ws/endpoints/e", "Contributor", "/rg/workspaces/ws"),
        (f"{ML}/delete", "/rg/workspaces/ws", "Contributor", "/rg/workspaces/ws"),
        (f"{ML}/onlineEndpoints/write", "/rg/Workspaces/ws/e", "AzureML Data Scientist", "/rg/Workspaces/ws"),
        (f"{ML}/computes/read", "/rg", "AzureML Compute Operator", "/rg"),
        (
            "Microsoft.Storage/a/blobs/read",
            "/x/storageAccounts/s/c",
            "Storage Blob Data Reader",
            "/x/storageAccounts/s",
        ),
        ("Microsoft.Storage/a/blobs/write", "/x", "Storage Blob Data Contributor", "/x"),
        ("Microsoft.Storage/a/read", "/x", "Reader", "/x"),
        ("Microsoft.ContainerRegistry/r/pull/read", "/registries/r/x", "AcrPull", "/registries/r"),
        ("Microsoft.ManagedIdentity/i/assign/action", "/x/y", "Managed Identity Operator", "/x/y"),
        ("Microsoft.Other/write", "/x", "Contributor", "/x"),
    ],
)
def test_the_least_role_for_an_action(action: str, scope: str, role: str, at: str) -> None:
    found = request_for(action, scope, "oid", "user")
    assert (found.role, found.scope, found.action) == (role, at, action)
    assert "--assignee-principal-type User" in found.command
    assert "--assignee-principal-type ServicePrincipal" in request_for(action, scope).command
    assert "OBJECT_ID" in request_for(action, scope).verify and "oid" in found.verify


def test_a_message_without_an_action_names_no_role() -> None:
    assert refused("no") is None
    found = refused("The client 'x' does not have authorization to perform action 'a/read'")
    assert found is not None and (found.scope, found.object_id, found.role) == ("SCOPE", None, "Reader")
    named = refused(DENIED)
    assert named is not None and (named.object_id, named.scope) == ("oid", "/s/workspaces/ws")
    assert named.sentence.startswith("Ask for the role Contributor on ws,")
