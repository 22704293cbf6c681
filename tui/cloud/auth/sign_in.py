"""Signs in: gets a token for Resource Manager and reads the identity from it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from tui.cloud.error_explanations import explain
from tui.cloud.session import Cloud


@dataclass(frozen=True)
class SignedIn:
    """The signed-in identity; `kind` is user, service principal or managed identity, `expires` is UTC, ISO 8601."""

    principal: str
    kind: str
    tenant: str | None
    client_id: str | None
    expires: str | None
    method: str
    source: str
    object_id: str | None = None


def sign_in(cloud: Cloud) -> SignedIn:
    """Get a token for Azure Resource Manager. Raises CloudError with cause and remedy."""
    try:
        token = cloud.credential.get_token(cloud.metadata.management_scope)
    except Exception as error:
        raise explain(error, doing="") from None
    claims = _claims(token.token)
    source = _source(cloud)
    client = claims.get("appid") or claims.get("azp")
    kind = _kind(claims, source)
    name = claims.get("upn") or claims.get("unique_name") or claims.get("preferred_username") or claims.get("email")
    if kind != "user" or not name:
        name = claims.get("app_displayname") or _identity_name(claims) or client or claims.get("oid") or name
    return SignedIn(
        principal=str(name or "unknown"),
        kind=kind,
        tenant=_text(claims.get("tid")),
        client_id=_text(client),
        expires=_moment(claims.get("exp") or token.expires_on),
        method=cloud.plan.credential.method,
        source=source,
        object_id=_text(claims.get("oid")),
    )


def _claims(token: str) -> dict[str, Any]:
    """The claims of a JSON web token, for display only; the service verifies the token."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = json.loads(body)
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _source(cloud: Cloud) -> str:
    """The source of the chain that gave the token; azure-identity keeps it in an attribute without a public name."""
    identity = getattr(cloud.credential, "identity", cloud.credential)
    used = getattr(identity, "_successful_credential", None) or identity
    return type(used).__name__.replace("Credential", "") or "Default"


def _kind(claims: dict[str, Any], source: str) -> str:
    if claims.get("xms_mirid") or source == "ManagedIdentity":
        return "managed identity"
    if claims.get("idtyp") == "user" or claims.get("upn") or claims.get("scp"):
        return "user"
    if claims.get("idtyp") == "app" or claims.get("appid"):
        return "service principal"
    return "user" if source in {"AzureCli", "AzurePowerShell", "AzureDeveloperCli"} else "service principal"


def _identity_name(claims: dict[str, Any]) -> str | None:
    resource = str(claims.get("xms_mirid") or "")
    return resource.rsplit("/", 1)[-1] or None


def _text(value: Any) -> str | None:
    return str(value) if value else None


def _moment(seconds: Any) -> str | None:
    if not isinstance(seconds, (int, float)):
        return None
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
