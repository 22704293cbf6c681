"""Scenarios in which one request is refused at once: data only. Standard library only.

`words` is the source of code and sentences: "documented", "reported" (public issues) or "guessed".
"""

from __future__ import annotations

from typing import NamedTuple

_WRITES = ("PUT", "PATCH", "DELETE")
_ENDPOINT = r"/onlineendpoints/[^/]+$"
_DEPLOYMENT = r"/onlineendpoints/[^/]+/deployments/[^/]+$"
_EITHER = r"/onlineendpoints/[^/]+(/deployments/[^/]+)?$"
_UPLOAD = r"/(datastores/[^/]+/listsecrets|startpendingupload|(codes|models|environments)/[^/]+/versions/[^/]+)$"


class Refusal(NamedTuple):
    """A refusal by Resource Manager: the requests (a pattern of the path in lower case), and the response.

    `detail` is the code of a detail that contains the message, inside a BadRequest, as from Azure Machine Learning.
    `times` limits it to the first requests, `new_only` to resources that do not exist yet.
    """

    about: str
    methods: tuple[str, ...]
    path: str
    status: int
    code: str
    message: str
    detail: str = ""
    new_only: bool = False
    times: int = 0
    words: str = "documented"


REFUSALS = {
    "endpoint-limit": Refusal(
        "The subscription's limit of endpoints is reached.",
        ("PUT",),
        _ENDPOINT,
        400,
        "OutOfQuota",
        "The limit of 100 endpoints in a subscription and region is reached. Delete some that are not used, or request "
        "an increase. Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-outofquota",
        new_only=True,
        words="documented limit; the sentence is guessed",
    ),
    "endpoint-name-taken": Refusal(
        "Another customer's endpoint in the region has this name.",
        ("PUT",),
        _ENDPOINT,
        400,
        "BadRequest",
        "There is already an endpoint with this name in the region {location}. Endpoint names must be unique within an "
        "Azure region; choose another name.",
        new_only=True,
        words="reported (Azure/azureml-examples 1930)",
    ),
    "endpoint-busy": Refusal(
        "Another operation on the endpoint is in progress: the first two changes are refused with 409.",
        _WRITES,
        _EITHER,
        409,
        "Conflict",
        "Cannot create a deployment in endpoint {endpoint} because it is in Updating provisioning state.",
        times=2,
        words="reported (Azure/azure-sdk-for-net 36961); the status is documented",
    ),
    "v1-legacy-mode": Refusal(
        "The workspace is in v1 legacy mode, in which there are no managed online endpoints.",
        _WRITES,
        _EITHER,
        400,
        "BadRequest",
        "The workspace has v1_legacy_mode set to true, which disables the v2 API. Managed online endpoints cannot be "
        "created. Set v1_legacy_mode to false.",
        words="documented rule; the sentence is guessed",
    ),
    "private-link-denied": Refusal(
        "Requests for assets reach the workspace over a public address and are refused.",
        ("PUT", "POST"),
        _UPLOAD,
        403,
        "Forbidden",
        "Access to workspace was denied based on workspace private link settings: none of the workspaces/registries "
        "are accessible from outside of the designated private link.",
        words="reported (MicrosoftDocs/azure-docs 90426, Azure/azure-cli-extensions 6294)",
    ),
    "missing-driver": Refusal(
        "The deployment names neither code nor a container's routes.",
        ("PUT",),
        _DEPLOYMENT,
        400,
        "BadRequest",
        "Could not find driver program in the request.",
        detail="MissingDriverProgram",
        words="reported (Azure/azure-cli-extensions 5583)",
    ),
    "mlflow-private-network": Refusal(
        "An MLflow model without code is deployed with the legacy egress flag.",
        ("PUT",),
        _DEPLOYMENT,
        400,
        "BadArgument",
        "MLflow model format with private network is unsupported. Use a workspace managed virtual network. Please see "
        "troubleshooting guide, available here: https://aka.ms/oe-tsg#error-badargument",
    ),
    "internal-error-request": Refusal(
        "A write of an endpoint or deployment is answered with 500.",
        _WRITES,
        _EITHER,
        500,
        "InternalServerError",
        "Received 500 from a service request",
        words="reported (Azure/azure-sdk-for-python 39772)",
    ),
}


class StorageRefusal(NamedTuple):
    """A refusal by Blob storage; `with_signature` limits it to requests with a shared access signature."""

    about: str
    status: int
    code: str
    message: str
    with_signature: bool = False
    one_in: int = 1
    words: str = "documented"


STORAGE_REFUSALS = {
    "upload-forbidden": StorageRefusal(
        "Uploads answer 403: the identity has no data role on the storage account.",
        403,
        "AuthorizationPermissionMismatch",
        "This request is not authorized to perform this operation using this permission.",
    ),
    "storage-firewall": StorageRefusal(
        "Uploads answer 403: the storage account's firewall blocks this machine.",
        403,
        "AuthorizationFailure",
        "This request is not authorized to perform this operation.",
    ),
    "storage-keyless": StorageRefusal(
        "The storage account accepts neither keys nor signatures made with them.",
        403,
        "KeyBasedAuthenticationNotPermitted",
        "Key based authentication is not permitted on this storage account.",
        with_signature=True,
    ),
    "storage-timeouts": StorageRefusal(
        "One in three upload requests to storage answers 500, OperationTimedOut.",
        500,
        "OperationTimedOut",
        "The operation could not be completed within the permitted time.",
        one_in=3,
    ),
    "storage-busy": StorageRefusal(
        "One in three upload requests to storage answers 503, ServerBusy.",
        503,
        "ServerBusy",
        "The server is currently unable to receive requests. Please retry your request.",
        one_in=3,
    ),
}


class ScoringAnswer(NamedTuple):
    """The scoring front end's response to every call; `headers` are additional ones."""

    about: str
    status: int
    body: str
    headers: tuple[tuple[str, str], ...] = ()
    routed: bool = False
    words: str = "documented"


_MODEL = "ms-azureml-model-error-"
SCORING_ANSWERS = {
    "scoring-unauthorized": ScoringAnswer(
        "Scoring answers 401: the key is not the endpoint's.", 401, "key_auth_access_denied", words="recorded"
    ),
    "scoring-forbidden": ScoringAnswer(
        "Scoring answers 403: the identity lacks the action onlineEndpoints/score/action.",
        403,
        "The caller is not authorized to perform the action onlineEndpoints/score/action on this endpoint.",
        words="guessed; Microsoft's article lists 401 for it",
    ),
    "scoring-no-traffic": ScoringAnswer(
        "Scoring answers 404: no deployment has a positive weight.",
        404,
        "No valid deployments to route to. Please check that the endpoint has at least one deployment with positive "
        "weight values or use a deployment specific header to route.",
    ),
    "scoring-timeout": ScoringAnswer(
        "Scoring answers 408: the model takes longer than request_timeout_ms.",
        408,
        "upstream request timeout",
        routed=True,
        words="documented status; the words are Envoy's",
    ),
    "scoring-model-error": ScoringAnswer(
        "Scoring answers 424: the container answered with an error.",
        424,
        '{"detail": "Internal Server Error"}',
        ((_MODEL + "statuscode", "500"), (_MODEL + "reason", "model_error"), ("Content-Type", "application/json")),
        routed=True,
        words="recorded",
    ),
    "scoring-model-not-ready": ScoringAnswer(
        "Scoring answers 424: the container is not ready.",
        424,
        "",
        ((_MODEL + "statuscode", "503"), (_MODEL + "reason", "model_not_ready")),
        routed=True,
        words="documented status; the reason is Azure's, its status guessed",
    ),
    "scoring-mlflow-input": ScoringAnswer(
        "Scoring answers 424: the body is not in the form that MLflow 2 accepts.",
        424,
        "The request body must be a JSON object with exactly one of the input fields {'dataframe_records', "
        "'dataframe_split', 'inputs', 'instances'}.",
        ((_MODEL + "statuscode", "400"), (_MODEL + "reason", "model_error")),
        routed=True,
        words="reported (Azure/azureml-examples 2274)",
    ),
    "scoring-too-many": ScoringAnswer(
        "Scoring answers 429: too many requests wait for the deployment.",
        429,
        "",
        ((_MODEL + "reason", "too_many_pending_request"),),
        routed=True,
        words="documented status; the header is Azure's",
    ),
    "scoring-rate-limited": ScoringAnswer(
        "Scoring answers 429: the endpoint's requests per second are used up.",
        429,
        "rate limit exceeded",
        words="documented status; the words are guessed",
    ),
    "scoring-internal-error": ScoringAnswer(
        "Scoring answers 500: Azure's own infrastructure fails.",
        500,
        "Internal Server Error",
        words="documented status; the words are guessed",
    ),
}
