"""Calls the scoring URI as any caller of the endpoint would."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.endpoints.error_in_200 import error_in_200
from tui.cloud.endpoints.keys import EndpointCredential, credentials
from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError
from tui.cloud.http import trusted_hosts
from tui.cloud.session import Cloud
from tui.common import golden_requests
from tui.common.golden_requests import GoldenRequest
from tui.common.request_body import JSON, RequestBody

GOLDEN = "golden-requests"
"""The code of errors about golden requests: their file cannot be read, or an answer is not as expected."""
_REASON, _MODEL_STATUS = "ms-azureml-model-error-reason", "ms-azureml-model-error-statuscode"
_NOTES = {
    401: "The endpoint did not accept the key or token.",
    403: "The identity may not score on this endpoint (role AzureML Data Scientist, action .../score/action).",
    404: "No deployment has traffic, or the named deployment does not exist.",
    408: "The model took longer than request_settings.request_timeout_ms.",
    413: "The request is too large.",
    424: "The container answered with an error; its log says why.",
    429: "Too many concurrent requests: increase max_concurrent_requests_per_instance or the number of instances.",
    500: "The service's own front end failed.",
}


@dataclass(frozen=True)
class ScoreResult:
    """The response of an endpoint. `ok` is False for an error status and for a 200 whose body is an error text."""

    status_code: int
    latency_ms: float
    headers: dict[str, str]
    body: str
    deployment: str | None
    ok: bool
    note: str = ""

    @property
    def refused(self) -> bool:
        """Whether the front end refused the caller's key or token, so that no deployment saw the request.

        It rewrites every error of a container to 424 and gives the container's own status in headers.
        """
        names = {name.lower() for name in self.headers}
        return self.status_code in (401, 403) and not names & {_REASON, _MODEL_STATUS}


def body_of(text: str) -> RequestBody:
    """The request that a front end's text stands for. Raises CloudError if it is a file that cannot be read."""
    try:
        return RequestBody.of_text(text)
    except OSError as error:
        cause, remedy = f"{error.strerror or error}.", "The path after @ names a file to send; correct it."
        raise CloudError(f"The request {text} cannot be read", cause, remedy) from None


def golden_of(path: Path | None) -> list[GoldenRequest]:
    """The golden requests of a file. Raises CloudError with the code GOLDEN if there is none or it cannot be read."""
    if path is None:
        remedy = "Name a file of requests with expected answers at test.requests."
        raise CloudError("The plan has no golden requests", "test.requests is empty.", remedy, code=GOLDEN)
    try:
        return golden_requests.read(path)
    except (OSError, golden_requests.GoldenInvalid) as error:
        cause = f"{error.strerror}." if isinstance(error, OSError) else str(error)
        remedy = "Correct the file, or name another one."
        raise CloudError(f"The golden requests in {path} cannot be read", cause, remedy, code=GOLDEN) from None


def score(
    cloud: Cloud,
    endpoint: EndpointInfo,
    body: bytes,
    deployment: str | None = None,
    timeout: float = 190.0,
    credential: EndpointCredential | None = None,
) -> ScoreResult:
    """POST a body (JSON, unless it is a RequestBody of another kind) once, without retries, since scoring may have
    effects. `timeout` is in seconds.

    `deployment` sends the call to one deployment; pass `credential` to save a look-up in repeated calls.
    Raises CloudError if there is no response, or the address is not one of the cloud's; an error status is a response.
    """
    import requests

    if not endpoint.scoring_uri:
        raise CloudError(
            title=f"The endpoint {endpoint.name} has no scoring URI yet",
            cause=f"Its provisioning state is {endpoint.provisioning_state or 'unknown'}.",
            remedy="Wait until it is Succeeded.",
        )
    source = f"The scoring URI of the endpoint {endpoint.name}"
    trusted_hosts.check(cloud.metadata, trusted_hosts.SCORING, endpoint.scoring_uri, source)
    credential = credential or credentials(cloud, endpoint)
    kind = body.content_type if isinstance(body, RequestBody) else JSON
    headers = {"Content-Type": kind, "Authorization": credential.header()}
    if deployment:
        headers["azureml-model-deployment"] = deployment
    started = time.perf_counter()
    try:
        answer = cloud.http.post(
            endpoint.scoring_uri, data=body, headers=headers, timeout=(10, timeout), allow_redirects=False
        )
    except requests.RequestException as error:
        raise explain(error, doing=f"calling {endpoint.scoring_uri}") from None
    latency = (time.perf_counter() - started) * 1000
    text = answer.content.decode(answer.encoding or "utf-8", "replace")
    problem = error_in_200(text) if answer.ok else None
    note = _NOTES.get(answer.status_code, "") if not answer.ok else (problem or "")
    reason = answer.headers.get(_REASON)
    if reason:
        original = answer.headers.get(_MODEL_STATUS)
        note = f"{note} Reason: {reason}{f', the container answered {original}' if original else ''}.".strip()
    return ScoreResult(
        status_code=answer.status_code,
        latency_ms=round(latency, 1),
        headers=dict(answer.headers),
        body=text,
        deployment=answer.headers.get("azureml-model-deployment") or deployment,
        ok=answer.status_code == 200 and problem is None,
        note=note,
    )
