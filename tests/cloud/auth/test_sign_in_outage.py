"""A sign-in service that is busy or away is not a refusal of the identity."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from scripted_service import WORKSPACE, Reply, Service, token

from tui.cloud.auth.sign_in import sign_in
from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError
from tui.cloud.http import connections, retry
from tui.cloud.session import connect
from tui.plan.model import Credential, Plan

TENANT = "22222222-2222-2222-2222-222222222222"


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ("AADSTS90033: A transient error has occurred. Please try again.", 503, "AADSTS90033"),
        ("AADSTS90006: External server retryable error.", 503, "AADSTS90006"),
        ("AADSTS7000215: Invalid client secret provided.", 401, "AADSTS7000215"),
        ("AADSTS900066: something else.", 401, "AADSTS900066"),
        ("HTTP Error: 502", 502, "SignInFailed"),
        ("HTTP Error: 429", 429, "SignInFailed"),
        ("HTTP Error: 404", None, "SignInFailed"),
    ],
)
def test_faults_of_the_sign_in_service_are_told_from_refusals(said: str, status: int | None, code: str) -> None:
    error = explain(ClientAuthenticationError(f"Authentication failed: {said}"))
    assert (error.status, error.code) == (status, code)
    assert ("unavailable at the moment" in error.title) is (status in (429, 502, 503))


def test_a_transient_answer_of_the_token_endpoint_is_an_outage(service: Service) -> None:
    issuer = f"{service.url}/{TENANT}"
    urls = {"authorization_endpoint": f"{issuer}/a", "token_endpoint": f"{issuer}/token", "issuer": f"{issuer}/v2.0"}
    service.on("GET", "/v2.0/.well-known/openid-configuration", Reply(body=urls))
    body = {"error": "temporarily_unavailable", "error_description": "AADSTS90033: A transient error has occurred."}
    service.on("POST", "/token", Reply(400, body))
    plan = Plan(workspace=WORKSPACE, credential=Credential("service_principal", TENANT, "client", "secret-12"))
    cloud = connect(plan)
    with pytest.raises(CloudError) as caught:
        sign_in(cloud)
    assert (caught.value.status, caught.value.code) == (503, "AADSTS90033")
    with pytest.raises(CloudError) as caught:
        cloud.read_workspace()
    assert (caught.value.status, caught.value.code) == (503, "AADSTS90033")


PAGE = Reply(200, b"<html>Sign in to the proxy</html>", {"Content-Type": "text/html"})
ODD = Reply(200, {"access_token": "abcdefghijk", "expires_on": "soon", "resource": "x"})
IDENTITY, PRINCIPAL = Credential("managed_identity"), Credential("service_principal", TENANT, "client", "secret-12")


@pytest.mark.parametrize("credential", [Credential(), IDENTITY, PRINCIPAL])
@pytest.mark.parametrize(
    ("reply", "code", "status", "cause"),
    [
        (PAGE, "UnreadableAnswer", None, "127.0.0.1 answered 200 with a web page instead of a token."),
        (Reply(200, b""), "UnreadableAnswer", None, "127.0.0.1 answered 200 with nothing instead of a token."),
        (ODD, "UnreadableAnswer", None, "127.0.0.1 answered 200 with something else instead of a token."),
        (Reply(503, {}, {"Retry-After": "soon"}), "SignInFailed", 503, "127.0.0.1 answered 503."),
        (Reply(429, {}, {"Retry-After": "-5"}), "SignInFailed", 429, "127.0.0.1 answered 429."),
    ],
)
def test_what_answered_in_place_of_the_sign_in_service_is_told(
    credential: Credential, reply: Reply, code: str, status: int | None, cause: str, service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(retry, "pause", lambda seconds: None)
    service.on("GET", "^/msi/token|/v2.0/.well-known/openid-configuration", reply)
    with pytest.raises(CloudError) as caught:
        sign_in(connect(Plan(workspace=WORKSPACE, credential=credential)))
    assert (caught.value.code, caught.value.status, caught.value.cause) == (code, status, cause)
    assert ("proxy" in caught.value.remedy) is (code == "UnreadableAnswer")


def test_a_proxy_in_front_of_no_managed_identity_is_no_outage(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "pause", lambda seconds: None)
    service.on("GET", "^/msi/token", replace(PAGE, status=502))
    with pytest.raises(CloudError) as caught:
        sign_in(connect(Plan(workspace=WORKSPACE)))
    assert caught.value.code == "NoCredential"
    assert caught.value.cause == "ManagedIdentity: what answered is not the sign-in service"


def test_no_wish_of_the_sign_in_service_makes_a_run_wait_for_a_day(
    service: Service, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(retry, "pause", waited.append)
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail(f"it sleeps {seconds} s whatever happens"))
    service.on("GET", "^/msi/token", Reply(503, {}, {"Retry-After": "86400"}))
    with pytest.raises(CloudError):
        sign_in(cloud)
    assert waited and set(waited) == {300}


def test_a_sign_in_service_that_does_not_answer_has_the_limit_of_every_request(
    service: Service, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "READ_SECONDS", 0.1)
    monkeypatch.setattr(retry, "pause", lambda seconds: None)

    def late() -> Reply:
        service.closed.wait(2)
        return Reply(body={"access_token": token(), "expires_on": "9999999999", "resource": "x"})

    service.on("GET", "^/msi/token", late)
    with pytest.raises(CloudError):
        sign_in(connect(plan))
