"""Sends requests to Azure Resource Manager where the SDK's client hides, prints or polls too slowly."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tui import __version__
from tui.cloud.clouds import CloudMetadata
from tui.cloud.error_explanations import explain, from_status
from tui.cloud.errors import Cancelled, CloudError, unreadable
from tui.cloud.http import trusted_hosts
from tui.cloud.http.connections import CONNECT_SECONDS, READ_SECONDS

# The versions that azure-ai-ml 1.35 uses, so that any service that supports the SDK supports this too.
WORKSPACES = "2024-10-01-preview"
ENDPOINTS = "2022-02-01-preview"
DEPLOYMENTS = "2023-04-01-preview"
MODELS = "2023-08-01-preview"
ENVIRONMENTS = "2023-04-01-preview"
CODES = "2023-04-01"
DATASTORES = "2024-10-01-preview"
LOCATIONS = "2023-08-01-preview"

_PAGES = 1000  # of one list
# Including POST: those used here read (keys, tokens, logs) or prepare an upload, and can safely be sent twice.
REPEATABLE = frozenset({"HEAD", "GET", "PUT", "DELETE", "OPTIONS", "POST"})


@dataclass(frozen=True)
class Answer:
    """An HTTP response: status, headers (case-insensitive) and the JSON body, else the text."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str = ""


def refusal(answer: Answer, doing: str = "") -> CloudError:
    """Turn a response with status 400 or more into a CloudError."""
    return from_status(answer.status, answer.text, answer.headers, doing)


class ResourceManager:
    """A pipeline of azure-core with the SDK's own policies; safe to use from several threads.

    `watch` sees each attempt (`read_budget`). `base`, `scope` (of tokens) and `audience` (of `trusted_hosts`) are
    another service's that answers in the same way; `options` are azure-core's, of each request.
    """

    def __init__(
        self,
        metadata: CloudMetadata,
        credential: Any,
        transport: Any,
        watch: Any = None,
        base: str = "",
        scope: str = "",
        audience: str = trusted_hosts.RESOURCE_MANAGER,
        **options: Any,
    ) -> None:
        from azure.core.pipeline import policies
        from azure.mgmt.core import ARMPipelineClient
        from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

        from tui.cloud.http.retry import NotifyingRetryPolicy

        self.metadata, self._credential = metadata, credential
        self.base = base or metadata.resource_manager
        self.transport, self.watch = transport, watch
        self._scope, self._audience = scope or metadata.management_scope, audience
        self._options = {
            "connection_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
            "retry_on_methods": REPEATABLE,
            **options,
        }
        self._client = ARMPipelineClient(
            base_url=self.base,
            policies=[
                policies.RequestIdPolicy(),
                policies.UserAgentPolicy(base_user_agent=f"aml-deploy/{__version__}"),
                policies.ProxyPolicy(),
                policies.RedirectPolicy(),
                NotifyingRetryPolicy(),
                ARMChallengeAuthenticationPolicy(credential, self._scope),
                policies.SensitiveHeaderCleanupPolicy(),
                policies.CustomHookPolicy(raw_request_hook=trusted_hosts.hook(metadata, audience)),
                policies.CustomHookPolicy(
                    raw_request_hook=getattr(watch, "sending", None), raw_response_hook=getattr(watch, "answered", None)
                ),
            ],
            transport=transport,
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
        source: str = "An answer of Azure",
    ) -> Answer:
        """Send one request; `path` starts at the subscription, or is a complete URL from the service.

        `source` says where that URL is from; it must be one of the cloud (`trusted_hosts`).

        429, 500 and broken connections are retried a few times unless `retry` is off; also for POST, which requests
        keys, secrets, logs and upload locations, and can safely be sent twice. If the response to a change was lost and
        the repeated request is refused with 409, because the change is in progress, the change counts as started.
        Raises CloudError for a status of 400 or more and for a missing response.
        """
        from tui.cloud.http.retry import attempts

        with attempts() as before:
            answer = self.ask(method, path, version, body, query, doing, retry, source)
        if answer.status == 409 and before.unanswered:
            begun = self.begun_already(method, path, version, body)
            if begun is not None:
                return begun
        if answer.status >= 400:
            raise refusal(answer, doing)
        return answer

    def begun_already(self, method: str, path: str, version: str | None, body: Any) -> Answer | None:
        """The change started by an earlier request whose response was lost; None if it is somebody else's."""
        try:
            found = self.ask("GET", path, version)
        except CloudError:
            return None
        if method == "DELETE" and found.status == 404:
            return Answer(204, {}, None)
        properties = found.body.get("properties") if isinstance(found.body, dict) else None
        if found.status != 200 or not isinstance(properties, dict):
            return None
        ours = properties.get("provisioningState") == "Deleting" if method == "DELETE" else _made_by(body, found.body)
        if not ours:
            return None
        # As recorded, the service keeps the address of the last operation in the resource's properties.
        operation = (properties.get("properties") or {}).get("AzureAsyncOperationUri")
        headers = {"Azure-AsyncOperation": str(operation)} if operation else {}
        return Answer(202 if method == "DELETE" else 201, headers, found.body)

    def ask(
        self,
        method: str,
        path: str,
        version: str | None = None,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        doing: str = "",
        retry: bool = True,
        source: str = "An answer of Azure",
    ) -> Answer:
        """Like `call`, but return responses of 400 or more. Raises CloudError for a missing response."""
        from azure.core.rest import HttpRequest

        url = self.base + path if path.startswith("/") else path
        trusted_hosts.check(self.metadata, self._audience, url, source)
        params = dict(query or {})
        if version:
            params["api-version"] = version
        request = HttpRequest(method, url, params=params, json=body, headers={"Accept": "application/json"})
        once = {} if retry else {"retry_total": 0}
        try:
            for _ in range(2):
                response = self._client.send_request(request, **self._options, **once)
                if response.status_code != 401:
                    break
                self.forget_token()
        except Cancelled:
            raise
        except Exception as error:
            raise explain(error, doing) from None
        text = response.text()
        try:
            content = json.loads(text) if response.content else None
        except (ValueError, RecursionError):  # the latter for deep nesting
            if response.status_code < 400:
                raise unreadable(doing, text) from None
            content = text
        return Answer(response.status_code, response.headers, content, text)

    def forget_token(self) -> None:
        """After a 401: ask the identity again, since the token may have expired on its way or been revoked."""
        if hasattr(self._credential, "forget"):
            self._credential.forget()

    def authorization(self) -> str:
        """The header with which a request is signed."""
        return f"Bearer {self._credential.get_token(self._scope).token}"

    def find(
        self, path: str, version: str, query: Mapping[str, str] | None = None, doing: str = ""
    ) -> dict[str, Any] | None:
        """GET a resource; None if it does not exist (404). A missing parent is an error, not None."""
        try:
            body = self.call("GET", path, version, query=query, doing=doing).body
        except CloudError as error:
            parents = {"ResourceGroupNotFound", "SubscriptionNotFound", "ParentResourceNotFound"}
            if error.status == 404 and error.code not in parents:
                return None
            raise
        if not isinstance(body, dict):
            raise unreadable(doing, str(body))
        return body

    def items(
        self, path: str, version: str, query: Mapping[str, str] | None = None, doing: str = ""
    ) -> Iterator[dict[str, Any]]:
        """The items of a collection, page by page. Raises CloudError, also if a page refers to an earlier one."""
        answer = self.call("GET", path, version, query=query, doing=doing).body
        seen: set[str] = set()
        while True:
            if not isinstance(answer, dict) or not isinstance(answer.get("value") or [], list):
                raise unreadable(doing, str(answer))
            for item in answer.get("value") or []:
                if isinstance(item, dict):
                    yield item
            following = answer.get("nextLink")
            if not following:
                return
            if following in seen or len(seen) >= _PAGES:
                raise CloudError(
                    title="A list from Azure does not end",
                    cause=f"After {len(seen) + 1} pages the next one is still an earlier one or one more.",
                    remedy="Check that nothing between this machine and Azure changes its answers.",
                    code="EndlessList",
                )
            seen.add(str(following))
            answer = self.call("GET", str(following), doing=doing, source="The link to the next page").body


def _made_by(sent: Any, found: Mapping[str, Any]) -> bool:
    """Whether a resource is the result of a request, as far as the service keeps what was sent.

    Durations and the like are returned in another form, so only what distinguishes two requests is compared.
    """
    if not isinstance(sent, dict):
        return False
    wanted, properties = sent.get("properties") or {}, found.get("properties") or {}
    same = all(
        str(properties.get(name)).casefold() == str(wanted[name]).casefold()
        for name in ("authMode", "publicNetworkAccess", "model", "environmentId", "instanceType")
        if wanted.get(name) is not None
    )
    for name in ("traffic", "mirrorTraffic"):
        if name in wanted:
            same = same and _shares(wanted[name]) == _shares(properties.get(name))
    size, had = (sent.get("sku") or {}).get("capacity"), (found.get("sku") or {}).get("capacity")
    tags = found.get("tags") or {}
    return (
        same
        and (size is None or size == had)
        and all(str(tags.get(key)) == str(value) for key, value in (sent.get("tags") or {}).items())
    )


def _shares(traffic: Any) -> dict[str, Any]:
    return {str(name).casefold(): share for name, share in (traffic or {}).items() if share}
