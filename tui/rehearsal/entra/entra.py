"""Handlers for Entra ID: cloud metadata, discovery, service principal tokens, and the managed identity endpoint."""

from __future__ import annotations

import hmac
import time
import uuid
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tui.rehearsal.entra.tokens import ACCESS_TOKEN_SECONDS, SHORT_TOKEN_SECONDS, access_claims
from tui.rehearsal.portal import portal_address
from tui.rehearsal.scenarios.disturbances import skew
from tui.rehearsal.seed import (
    CLIENT_ID,
    CLIENT_OBJECT_ID,
    MANAGED_IDENTITY_CLIENT_ID,
    MANAGED_IDENTITY_OBJECT_ID,
    TENANT_ID,
)
from tui.rehearsal.service import SERVICE, Service, content_up_to

CLOUD_NAME = "AzureRehearsal"
# Tokens of managed identities are valid for a day.
MANAGED_IDENTITY_SECONDS = 86_399
MAX_FORM = 64 * 1024


def _error(status: int, error: str, number: int, message: str) -> web.Response:
    """An error response of the token endpoint in Entra ID's shape."""
    now = datetime.now(timezone.utc)
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    text = (
        f"AADSTS{number}: {message} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now:%Y-%m-%d %H:%M:%SZ}"
    )
    return web.json_response(
        {
            "error": error,
            "error_description": text,
            "error_codes": [number],
            "timestamp": f"{now:%Y-%m-%d %H:%M:%SZ}",
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={number}",
        },
        status=status,
    )


async def cloud_metadata(request: web.Request) -> web.Response:
    """`GET /metadata/endpoints`: one cloud whose endpoints are all the rehearsal; for `portal`, see that module.

    The storage suffix is Azure's own, since the SDK's code download depends on it; storage accounts
    have host and port in their names instead.
    """
    service = request.app[SERVICE]
    origin = service.origin
    cloud = {
        "name": CLOUD_NAME,
        "portal": portal_address(service, request.query.get("portal", "")),
        "resourceManager": f"{origin}/",
        "authentication": {
            "loginEndpoint": f"{origin}/",
            "audiences": [f"{origin}/", "https://management.azure.com/"],
            "tenant": TENANT_ID,
            "identityProvider": "AAD",
        },
        "graph": f"{origin}/",
        "microsoftGraphResourceId": f"{origin}/",
        "batch": f"{origin}/",
        "gallery": f"{origin}/",
        "media": f"{origin}/",
        "vmImageAliasDoc": f"{origin}/",
        # Not a member of Azure's metadata: a cloud's hosts for metrics of many resources are only in its documentation.
        "metricsEndpoint": f"{origin}/metrics/{{region}}",
        "suffixes": {
            "storage": "core.windows.net",
            "keyVaultDns": "vault.azure.net",
            "acrLoginServer": "azurecr.io",
            "sqlServerHostname": "database.windows.net",
            # The scenarios of names that do not resolve (RFC 2606): otherwise a client refuses a foreign host first.
            "unresolved": "invalid",
        },
    }
    # Since 2022-09-01 the answer is the one cloud that was asked; before, all clouds. The SDK takes both.
    return web.json_response(cloud if request.query.get("api-version", "") >= "2022-09-01" else [cloud])


def _tenant_refused(tenant: str) -> web.Response | None:
    """The error for a tenant that is not the rehearsal's; None if it is."""
    if tenant.lower() in {TENANT_ID, "common", "organizations"}:
        return None
    return _error(
        400,
        "invalid_tenant",
        90002,
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    )


async def openid_configuration(request: web.Request) -> web.Response:
    """The tenant's OpenID configuration."""
    service, tenant = request.app[SERVICE], request.match_info["tenant"]
    unknown = _tenant_refused(tenant)
    if unknown is not None:
        return unknown
    base = f"{service.origin}/{tenant}"
    return web.json_response(
        {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "tid", "ver"],
            "tenant_region_scope": None,
            "cloud_instance_name": "127.0.0.1",
        }
    )


async def instance_discovery(request: web.Request) -> web.Response:
    """`GET /common/discovery/instance`: declares the rehearsal as its own authority."""
    service = request.app[SERVICE]
    host = service.origin.split("//", 1)[1]
    return web.json_response(
        {
            "tenant_discovery_endpoint": f"{service.origin}/{TENANT_ID}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }
    )


async def public_keys(request: web.Request) -> web.Response:
    """The public keys of token signatures."""
    return web.json_response(request.app[SERVICE].signer.public_keys())


def _token(service: Service, audience: str, *, managed: bool) -> tuple[str, int]:
    lifetime = MANAGED_IDENTITY_SECONDS if managed else ACCESS_TOKEN_SECONDS
    # The scenario is the same lifetime under a name.
    short = SHORT_TOKEN_SECONDS if "short-tokens" in service.scenarios else 0
    lifetime = service.pace.token_seconds() or short or lifetime
    claims = access_claims(
        origin=service.origin,
        tenant=TENANT_ID,
        audience=audience,
        object_id=MANAGED_IDENTITY_OBJECT_ID if managed else CLIENT_OBJECT_ID,
        client_id=MANAGED_IDENTITY_CLIENT_ID if managed else CLIENT_ID,
        kind="managed identity" if managed else "service principal",
        lifetime=lifetime,
    )
    for name in ("iat", "nbf", "exp"):
        claims[name] += skew(service)
    return service.signer.sign(claims), lifetime


async def _form(request: web.Request) -> dict[str, str]:
    content = await content_up_to(MAX_FORM, request) or b""
    return dict(parse_qsl(content.decode("utf-8", "replace")))


async def token(request: web.Request) -> web.Response:
    """`POST /{tenant}/oauth2/v2.0/token`: client credentials.

    The errors AADSTS7000215 (wrong secret, 401) and AADSTS700016 (unknown application, 400) have Entra
    ID's documented texts.
    """
    service, tenant = request.app[SERVICE], request.match_info["tenant"]
    unknown = _tenant_refused(tenant)
    if unknown is not None:
        return unknown
    form = await _form(request)
    grant, client, secret = (form.get(name, "") for name in ("grant_type", "client_id", "client_secret"))
    if not grant:
        return _error(
            400, "invalid_request", 900144, "The request body must contain the following parameter: 'grant_type'."
        )
    if grant != "client_credentials":
        return _error(
            400,
            "unsupported_grant_type",
            70003,
            f"The app requested an unsupported grant type '{grant[:80]}'. The rehearsal signs in service principals "
            "with a secret and managed identities.",
        )
    if client.lower() != CLIENT_ID or "application-unknown" in service.scenarios:
        return _error(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{client[:80]}' was not found in the directory '{tenant}'. This can happen "
            "if the application has not been installed by the administrator of the tenant or consented to by any "
            "user in the tenant. You may have sent your authentication request to the wrong tenant.",
        )
    wrong = _secret_refused(service, secret)
    if wrong is not None:
        return wrong
    scope = next((part for part in form.get("scope", "").split() if part.endswith("/.default")), "")
    if not scope:
        return _error(
            400,
            "invalid_scope",
            1002012,
            "The provided value for scope is not valid. Client credential flows "
            "must have a scope value with /.default suffixed to the resource identifier (application ID URI).",
        )
    access, lifetime = _token(service, scope[: -len("/.default")], managed=False)
    return web.json_response(
        {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": access}
    )


def _secret_refused(service: Service, secret: str) -> web.Response | None:
    """The error for a wrong client secret; None if it is correct."""
    if not secret:
        return _error(
            401,
            "invalid_client",
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    if not hmac.compare_digest(secret.encode(), service.seed.client_secret.encode()):
        return _error(
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{CLIENT_ID}'.",
        )
    if "secret-expired" in service.scenarios:
        return _error(
            401,
            "invalid_client",
            7000222,
            f"The provided client secret keys for app '{CLIENT_ID}' are expired. Visit the Azure portal to create new "
            "keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added "
            "security: https://aka.ms/certCreds.",
        )
    return None


async def managed_identity(request: web.Request) -> web.Response:
    """`GET /msi/token`: the managed identity endpoint of App Service (documented by Microsoft)."""
    service = request.app[SERVICE]
    header = request.headers.get("X-IDENTITY-HEADER", "")
    if not hmac.compare_digest(header.encode("utf-8", "replace"), service.seed.identity_header.encode()):
        return _no_identity("The header X-IDENTITY-HEADER is missing or wrong.", 401)
    if "identity-unavailable" in service.scenarios:
        return _no_identity("No managed identity was found.")
    resource = request.query.get("resource", "")
    if not resource:
        return _no_identity("Required query parameter 'resource' is missing.")
    wanted = request.query.get("client_id") or request.query.get("clientid")
    if wanted and wanted.lower() != MANAGED_IDENTITY_CLIENT_ID:
        return _no_identity(f"No managed identity with the client id {wanted[:80]} was found.")
    access, lifetime = _token(service, resource.rstrip("/") or resource, managed=True)
    answer: dict[str, Any] = {
        "access_token": access,
        "expires_on": str(int(time.time()) + lifetime + skew(service)),
        "resource": resource,
        "token_type": "Bearer",
        "client_id": MANAGED_IDENTITY_CLIENT_ID,
    }
    return web.json_response(answer)


def _no_identity(message: str, status: int = 400) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)


ROUTES = [
    web.get("/metadata/endpoints", cloud_metadata),
    web.get("/msi/token", managed_identity),
    web.get("/common/discovery/instance", instance_discovery),
    web.get("/{tenant}/v2.0/.well-known/openid-configuration", openid_configuration),
    web.get("/{tenant}/discovery/v2.0/keys", public_keys),
    web.post("/{tenant}/oauth2/v2.0/token", token),
]
