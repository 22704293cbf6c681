"""Requests to Azure Resource Manager, for what the SDK's client hides, prints or polls too slowly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tui.cloud.clouds import CloudMetadata
from tui.cloud.errors import explain
from tui.cloud.explanations import from_status

# The versions that azure-ai-ml 1.35 asks for, so that any service that serves the SDK serves this too.
WORKSPACES = "2024-10-01-preview"
ENDPOINTS = "2022-02-01-preview"
DEPLOYMENTS = "2023-04-01-preview"
MODELS = "2023-08-01-preview"
ENVIRONMENTS = "2023-04-01-preview"
CODES = "2023-04-01"
DATASTORES = "2024-10-01-preview"
LOCATIONS = "2023-08-01-preview"

_CONNECT, _READ = 10, 60  # seconds
_REPEATED = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "POST"})
# With POST: those that are used here read (keys, tokens, logs) or prepare an upload, and may well be sent twice.
_REPEATABLE = frozenset({"HEAD", "GET", "PUT", "DELETE", "OPTIONS", "POST"})


@dataclass(frozen=True)
class Answer:
    """An HTTP answer below 400: status, headers (case-insensitive) and the JSON body."""

    status: int
    headers: Mapping[str, str]
    body: Any


class ResourceManager:
    """A pipeline of azure-core with the SDK's own policies; safe to use from several threads."""

    def __init__(self, metadata: CloudMetadata, credential: Any, transport: Any = None) -> None:
        from azure.core.pipeline import policies
        from azure.mgmt.core import ARMPipelineClient
        from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

        from tui.cloud.retry import NotifyingRetryPolicy

        self.base = metadata.resource_manager
        self._client = ARMPipelineClient(
            base_url=self.base,
            policies=[
                policies.RequestIdPolicy(),
                policies.UserAgentPolicy(base_user_agent="aml-deploy"),
                policies.ProxyPolicy(),
                policies.ContentDecodePolicy(),
                policies.RedirectPolicy(),
                NotifyingRetryPolicy(),
                ARMChallengeAuthenticationPolicy(credential, metadata.management_scope),
                policies.SensitiveHeaderCleanupPolicy(),
            ],
            **({"transport": transport} if transport is not None else {}),
        )

    def call(
        self,
        method: str,
        path: str,
        version: str | None = None,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        doing: str = "",
        retry: bool = True,
    ) -> Answer:
        """One request; `path` starts at the subscription, or is a whole URL that the service gave.

        429, 500 and broken connections are tried again a few times unless `retry` is off; POST too, which asks for
        keys, secrets, logs and places to upload to, and may be asked twice.
        Raises CloudError for a status of 400 and more and for what prevents an answer.
        """
        from azure.core.rest import HttpRequest

        url = path if path.startswith("https://") else self.base + path
        params = dict(query or {})
        if version:
            params["api-version"] = version
        request = HttpRequest(method, url, params=params, json=body, headers={"Accept": "application/json"})
        options: dict[str, Any] = {"connection_timeout": _CONNECT, "read_timeout": _READ, "retry_on_methods": _REPEATED}
        options["retry_on_methods"] = _REPEATABLE
        if not retry:
            options["retry_total"] = 0
        try:
            response = self._client.send_request(request, **options)
        except Exception as error:
            raise explain(error, doing) from None
        if response.status_code >= 400:
            raise from_status(response.status_code, response.text(), response.headers, doing)
        try:
            content = response.json() if response.content else None
        except ValueError:
            content = response.text()
        return Answer(response.status_code, response.headers, content)

    def find(
        self, path: str, version: str, query: Mapping[str, str] | None = None, doing: str = ""
    ) -> dict[str, Any] | None:
        """GET; None when the resource is not there (404). A missing parent is an error, not None."""
        from tui.cloud.errors import CloudError

        try:
            body = self.call("GET", path, version, query=query, doing=doing).body
        except CloudError as error:
            parents = {"ResourceGroupNotFound", "SubscriptionNotFound", "ParentResourceNotFound"}
            if error.status == 404 and error.code not in parents:
                return None
            raise
        return body if isinstance(body, dict) else {}

    def items(
        self, path: str, version: str, query: Mapping[str, str] | None = None, doing: str = ""
    ) -> Iterator[dict[str, Any]]:
        """The items of a collection, page after page."""
        answer = self.call("GET", path, version, query=query, doing=doing).body
        while isinstance(answer, dict):
            for item in answer.get("value") or []:
                if isinstance(item, dict):
                    yield item
            following = answer.get("nextLink")
            if not following:
                return
            answer = self.call("GET", str(following), doing=doing).body
