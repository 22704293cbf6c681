"""Authorises requests to Blob storage, and checks their conditions."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tui.rehearsal.arm.rights import STORAGE_ROLES
from tui.rehearsal.blobs import sas
from tui.rehearsal.blobs.answers import BlobError, not_authentic, not_permitted
from tui.rehearsal.blobs.shared_key import is_signed
from tui.rehearsal.entra.tokens import TokenRefused
from tui.rehearsal.service import Service

STORAGE_AUDIENCE = "https://storage.azure.com"


def authorise(service: Service, request: web.Request, container: str, blob: str, needed: str) -> None:
    """Accept a signature with one of the `needed` permissions, the account's key, or a token of an identity with a
    suitable role. Raises BlobError.
    """
    if "sig" in request.query:
        sas.check(service.seed, request.query, container, blob, needed)
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    challenge = {
        "WWW-Authenticate": f"Bearer authorization_uri={service.origin}/common/oauth2/authorize "
        f"resource_id={STORAGE_AUDIENCE}"
    }
    if not token:
        raise BlobError(
            401,
            "NoAuthenticationInformation",
            "Server failed to authenticate the request. Please refer to the "
            "information in the www-authenticate header.",
            challenge,
        )
    if scheme.lower() == "sharedkey" and is_signed(service.seed, request, token):
        return
    if scheme.lower() != "bearer":
        raise not_authentic()
    try:
        claims = service.signer.verify(token.strip())
    except TokenRefused as refused:
        raise BlobError(401, "InvalidAuthenticationInfo", str(refused), challenge) from refused
    if str(claims.get("aud", "")).rstrip("/") != STORAGE_AUDIENCE:
        raise BlobError(
            401, "InvalidAuthenticationInfo", "Issuer or audience validation failed. Audience did not match.", challenge
        )
    if not set(needed) & set(STORAGE_ROLES[service.rights.of(claims).storage]):
        raise not_permitted()


def check_conditions(request: web.Request, record: dict[str, Any] | None) -> None:
    """Check If-Match and If-None-Match, as far as uploads and downloads use them. Raises BlobError."""
    none_match = request.headers.get("If-None-Match")
    if none_match and record is not None and none_match in ("*", record["etag"]):
        if request.method in ("GET", "HEAD"):
            raise BlobError(304, "ConditionNotMet", "The condition specified was not met.")
        raise BlobError(409, "BlobAlreadyExists", "The specified blob already exists.")
    match = request.headers.get("If-Match")
    if match and match != "*" and (record is None or match != record["etag"]):
        raise BlobError(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
