"""Reads and regenerates the keys of an endpoint, and gets its tokens."""

from __future__ import annotations

import hashlib
from typing import Any

from tui.cloud import ml_client
from tui.cloud.endpoints.endpoints import EndpointInfo, path
from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError, reading
from tui.cloud.http import arm
from tui.cloud.http.operation import Operation
from tui.cloud.session import Cloud
from tui.common.redact import learn


class EndpointCredential:
    """A key or token for the Authorization header; it never appears in a repr or a log."""

    def __init__(self, value: str, kind: str) -> None:
        learn(value)
        self._value = value
        self.kind = kind

    def header(self) -> str:
        """The header's value. Keep it in memory only."""
        return f"Bearer {self._value}"

    def secret(self) -> str:
        """The key or token itself, for a user who wants to copy it. Keep it in memory only."""
        return self._value

    def __repr__(self) -> str:
        return f"EndpointCredential({self.kind})"


@reading("the endpoint's key")
def credentials(cloud: Cloud, endpoint: EndpointInfo) -> EndpointCredential:
    """The primary key (auth mode key), or a fresh token (aml_token, aad_token). Raises CloudError."""
    if endpoint.auth_mode == "key":
        value = _keys(cloud, endpoint).get("primaryKey")
    elif endpoint.auth_mode == "aad_token":
        try:
            value = cloud.credential.get_token(cloud.metadata.ml_scope).token
        except Exception as error:
            raise explain(error) from None
    else:
        value = _asked(cloud, endpoint, "token", f"getting a token for {endpoint.name}").get("accessToken")
    if not value:
        raise CloudError(
            title=f"Azure returned no {'key' if endpoint.auth_mode == 'key' else 'token'} for {endpoint.name}",
            cause=f"The endpoint's auth mode is {endpoint.auth_mode}, and the response contains none.",
            remedy="Wait until the endpoint's provisioning state is Succeeded, then try again.",
        )
    return EndpointCredential(str(value), endpoint.auth_mode)


PRIMARY, SECONDARY = "primary", "secondary"
WHICH = (PRIMARY, SECONDARY)


def both(cloud: Cloud, endpoint: EndpointInfo) -> dict[str, EndpointCredential]:
    """Primary and secondary key of an endpoint with auth mode key. Raises CloudError."""
    if endpoint.auth_mode != "key":
        raise CloudError(
            title=f"The endpoint {endpoint.name} has no keys",
            cause=f"Its callers use {endpoint.auth_mode}; such tokens expire automatically.",
            remedy="There is nothing to rotate.",
            code="NoKeys",
        )
    found = _keys(cloud, endpoint)
    return {which: EndpointCredential(str(found[f"{which}Key"]), "key") for which in WHICH}


def _keys(cloud: Cloud, endpoint: EndpointInfo) -> dict[str, Any]:
    return _asked(cloud, endpoint, "listKeys", f"reading the keys of {endpoint.name}")


def _asked(cloud: Cloud, endpoint: EndpointInfo, action: str, doing: str) -> dict[str, Any]:
    body = cloud.arm.call("POST", f"{path(cloud, endpoint.name)}/{action}", arm.ENDPOINTS, doing=doing).body
    return body if isinstance(body, dict) else {}


def fingerprint(credential: EndpointCredential) -> str:
    """Eight hexadecimal digits that tell two keys apart and do not reveal them."""
    return hashlib.sha256(credential.secret().encode()).hexdigest()[:8]


def begin_regenerate(cloud: Cloud, endpoint: str, which: str) -> Operation[None]:
    """Regenerate the primary or secondary key; the old one is refused from then on (Microsoft, REST API of Azure
    Machine Learning, OnlineEndpoints_RegenerateKeys). Raises CloudError."""
    return ml_client.begin(
        cloud,
        lambda client: client.online_endpoints.begin_regenerate_keys(endpoint, key_type=which),
        path(cloud, endpoint),
        arm.ENDPOINTS,
        lambda: None,
        what=f"the {which} key of {endpoint}",
        doing=f"regenerating the {which} key of {endpoint}",
        action="regenerateKeys",
    )
