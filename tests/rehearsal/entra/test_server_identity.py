"""Signing in: the practice service principal, the managed identity, and what the services accept."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests
from arm_client import Arm


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return decoded


def _principal(env: dict[str, str], origin: str, **changed: str) -> Any:
    from azure.identity import ClientSecretCredential

    given = {
        "tenant_id": env["REHEARSAL_TENANT_ID"],
        "client_id": env["REHEARSAL_CLIENT_ID"],
        "client_secret": env["REHEARSAL_CLIENT_SECRET"],
        **changed,
    }
    return ClientSecretCredential(**given, authority=origin, disable_instance_discovery=True)


def test_the_right_secret_gives_a_token_that_resource_manager_takes(
    sdk_env: None, rehearsal: dict[str, Any], rehearsal_env: dict[str, str], arm: Arm
) -> None:
    token = _principal(rehearsal_env, rehearsal["url"]).get_token(f"{rehearsal['url']}/.default").token
    claims = _claims(token)
    assert claims["appid"] == rehearsal_env["REHEARSAL_CLIENT_ID"]
    assert claims["tid"] == rehearsal_env["REHEARSAL_TENANT_ID"]
    assert claims["oid"] and claims["exp"] > claims["iat"]
    answer = arm.call("GET", "/subscriptions", Authorization=f"Bearer {token}")
    assert rehearsal_env["AZURE_SUBSCRIPTION_ID"] in [item["subscriptionId"] for item in answer.json()["value"]]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"client_secret": "wrong~secret"}, "AADSTS7000215"),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, "AADSTS700016"),
        ({"tenant_id": "00000000-0000-4000-8000-000000000000"}, "AADSTS90002"),
    ],
)
def test_a_wrong_principal_is_refused_in_entra_s_words(
    sdk_env: None, rehearsal: dict[str, Any], rehearsal_env: dict[str, str], changed: dict[str, str], code: str
) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    with pytest.raises((ClientAuthenticationError, ValueError)) as caught:
        _principal(rehearsal_env, rehearsal["url"], **changed).get_token(f"{rehearsal['url']}/.default")
    tenant = changed.get("tenant_id", rehearsal_env["REHEARSAL_TENANT_ID"])
    answer = requests.post(
        f"{rehearsal['url']}/{tenant}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": changed.get("client_id", rehearsal_env["REHEARSAL_CLIENT_ID"]),
            "client_secret": changed.get("client_secret", "x"),
            "scope": "https://management.azure.com/.default",
        },
        timeout=30,
    )
    assert answer.json()["error_codes"] == [int(code.replace("AADSTS", ""))]
    assert answer.json()["error_description"].startswith(code)
    if "tenant_id" not in changed:
        assert code in str(caught.value)


def test_the_identity_endpoint_wants_its_header(rehearsal_env: dict[str, str]) -> None:
    for header, status in ((rehearsal_env["IDENTITY_HEADER"], 200), ("guess", 401), (None, 401)):
        answer = requests.get(
            rehearsal_env["IDENTITY_ENDPOINT"],
            params={"resource": "https://management.azure.com", "api-version": "2019-08-01"},
            headers={"X-IDENTITY-HEADER": header},
            verify=rehearsal_env["REQUESTS_CA_BUNDLE"],
            timeout=30,
        )
        assert answer.status_code == status


def test_resource_manager_refuses_what_is_not_for_it(arm: Arm) -> None:
    forged = arm.token("https://management.azure.com")
    header, payload, signature = forged.split(".")
    for authorization, code in (
        ("", "AuthenticationFailed"),
        ("Basic abc", "AuthenticationFailed"),
        ("Bearer abc", "InvalidAuthenticationToken"),
        (f"Bearer {header}.{payload}.{signature[:-8]}AAAAAAAA", "InvalidAuthenticationToken"),
        (f"Bearer {arm.token('https://storage.azure.com')}", "InvalidAuthenticationTokenAudience"),
    ):
        answer = arm.call("GET", "/subscriptions", Authorization=authorization)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")
        assert answer.headers["x-ms-request-id"]
    assert answer.json()["error"]["message"].endswith(f"one of the allowed audiences '{arm.origin}/'.")
