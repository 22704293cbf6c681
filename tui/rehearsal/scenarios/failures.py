"""Scenarios in which an operation of Azure ends as Failed: data only. Standard library only.

The codes are from Microsoft's how-to-troubleshoot-online-endpoints; `words` is the source of the sentences:
"documented" (that article or another of Microsoft's, shortened), "reported" (public issues), or "guessed".
"""

from __future__ import annotations

from typing import NamedTuple

GUIDE = "Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-"
ENDPOINT, DEPLOYMENT = "endpoint", "deployment"
# The steps of a deployment at which Azure can fail.
SUBMITTED, BUILT, DOWNLOADED, STARTED = "submitted", "image", "download", "start"
_BUILD_LOG = (
    "The build log is available in the workspace blob store 'rehearsal' under the path "
    "'/azureml/ImageLogs/{image}/build.log'. "
)


class Failure(NamedTuple):
    """A failing operation: step, code, message, and preceding log lines."""

    about: str
    code: str
    message: str
    at: str = SUBMITTED
    on: str = DEPLOYMENT
    log: tuple[str, ...] = ()
    initializer: tuple[str, ...] = ()
    managed_only: bool = False
    in_guide: bool = True
    words: str = "documented"

    def text(self) -> str:
        """The message, with the pointer to its code's section in the guide if that has one."""
        return f"{self.message.rstrip()} {GUIDE}{self.code.lower()}" if self.in_guide else self.message


def _crash(about: str, words: str, log: tuple[str, ...], reason: str = "Liveness probe failed") -> Failure:
    message = f"User container has crashed or terminated: {reason}: HTTP probe failed with statuscode: 502."
    return Failure(about, "ResourceNotReady", message, STARTED, log=log, words=words)


FAILURES = {
    # ImageBuildFailure
    "image-build": Failure(
        "The image build cannot reach the container registry, which is in a virtual network; no compute is set for it.",
        "ImageBuildFailure",
        "Image build failed: failed to communicate with the workspace's container registry. The registry is in a "
        "virtual network and cannot be reached by the image build; set the workspace's image_build_compute to a "
        "compute cluster inside the network.",
        BUILT,
    ),
    "image-build-authorization": Failure(
        "The workspace's credentials for its container registry are out of date.",
        "ImageBuildFailure",
        "Image build failed: container registry authorization failure. The container registry cannot be accessed with "
        "the workspace's current credentials; synchronize the workspace's keys and try again. " + _BUILD_LOG,
        BUILT,
    ),
    "image-build-timeout": Failure(
        "The image is not built within the time that a deployment has.",
        "ImageBuildFailure",
        "Image build failed: the image build did not finish within the time frame of the deployment's creation. Build "
        "the image on its own and let the deployment only pull it. " + _BUILD_LOG,
        BUILT,
        words="documented; the sentence is guessed",
    ),
    "image-build-conflict": Failure(
        "pip finds no versions that go together; the build log ends in the middle of the installation.",
        "ImageBuildFailure",
        "Image build failed: the conda environment could not be created, because packages have conflicting "
        "dependencies. " + _BUILD_LOG,
        BUILT,
        log=(
            "Collecting package metadata (repodata.json): ...working... done",
            "Installing pip dependencies: ...working...",
        ),
        words="documented; the sentence is guessed",
    ),
    # OutOfQuota
    "quota-clusters": Failure(
        "The subscription's number of compute clusters is used up.",
        "OutOfQuota",
        "Not enough Azure Machine Learning compute cluster quota is available in the subscription. Delete unused "
        "clusters, or request an increase.",
        words="documented; the sentence is guessed",
    ),
    "quota-disk": Failure(
        "The model is larger than the disk of the instance.",
        "OutOfQuota",
        "There is not enough space on the disk of the instance to download the model. Use an instance type with more "
        "disk space, or a smaller model or image.",
        DOWNLOADED,
        initializer=("OSError: [Errno 28] No space left on device",),
        words="documented; the sentence is guessed",
    ),
    "quota-memory": Failure(
        "The model needs more memory than the instance has.",
        "OutOfQuota",
        "The memory footprint of the model is larger than the memory that is available on {size}. Use an instance type "
        "with more memory.",
        STARTED,
        log=("[CRITICAL] WORKER TIMEOUT", "[ERROR] Worker was sent SIGKILL! Perhaps out of memory?"),
        words="documented; the sentence is guessed",
    ),
    "quota-container": Failure(
        "The container asks for more than the instance type offers.",
        "OutOfQuota",
        "The container could not be scheduled: it requests more resources than the instance type {size} supports.",
        STARTED,
        words="documented; the sentence is guessed",
    ),
    "quota-role-assignments": Failure(
        "The subscription's number of role assignments is used up, so the endpoint's identity gets none.",
        "OutOfQuota",
        "RoleAssignmentLimitExceeded: No more role assignments can be created. Delete role assignments that are not "
        "used.",
        on=ENDPOINT,
        words="documented (troubleshoot-limits of Azure RBAC)",
    ),
    "out-of-capacity": Failure(
        "The region has no machines left.",
        "OutOfQuota",
        "The specified VM size failed to provision due to a lack of Azure Machine Learning capacity in the region. Out "
        "of capacity for {size} in {location}. Retry later or try deploying to a different region.",
    ),
    # BadArgument
    "subscription-gone": Failure(
        "The subscription does not exist or is not active.",
        "BadArgument",
        "The Azure subscription '{subscription}' does not exist or is not active.",
        words="documented; the sentence is guessed",
    ),
    "storage-access": Failure(
        "The endpoint's identity may not read the model or pull the image.",
        "BadArgument",
        "Startup task failed due to authorization error: the endpoint's identity is not allowed to read the model in "
        "the workspace's storage account. It needs the role Storage Blob Data Reader there and AcrPull on the "
        "container registry.",
        DOWNLOADED,
        initializer=("AuthorizationPermissionMismatch: This request is not authorized to perform this operation.",),
    ),
    "startup-roles": Failure(
        "A role assignment of the endpoint's identity is wrong.",
        "BadArgument",
        "Startup task failed due to incorrect role assignments on resource: the endpoint's identity needs Storage Blob "
        "Data Reader on the workspace's storage account and AcrPull on its container registry.",
        DOWNLOADED,
        words="documented; the sentence is guessed",
    ),
    "policy-template": Failure(
        "An Azure policy of the subscription is broken.",
        "BadArgument",
        "Invalid template function specification in a policy definition that is assigned to the subscription. Fix the "
        "policy or its assignment.",
        words="documented; the sentence is guessed",
    ),
    "image-download": Failure(
        "The instance cannot pull the container image.",
        "BadArgument",
        "Unable to download user container image. The image was not found in the workspace's container registry, or "
        "the registry cannot be reached over its private endpoint.",
        BUILT,
    ),
    "model-download": Failure(
        "The model's files are not where its registration says.",
        "BadArgument",
        "Unable to download user model. Make sure that the model is registered in the workspace of the deployment and "
        "that its files are in the storage account.",
        DOWNLOADED,
        initializer=("azure.core.exceptions.ResourceNotFoundError: The specified blob does not exist.",),
    ),
    # ResourceNotReady
    "container-crash": _crash(
        "The scoring script's init() raises.",
        "documented; the log is like the inference server's",
        (
            "Traceback (most recent call last):",
            '  File "/var/azureml-app/onlinescoring/score.py", line 14, in init',
            "RuntimeError: the model could not be loaded",
            "Worker exiting (pid: 27)",
        ),
    ),
    "probe-failure": _crash(
        "init() takes longer than the readiness probe waits.",
        "documented; the log is like the inference server's",
        ("Starting AzureML Inference Server HTTP.", "Initializing the scoring script."),
        "Readiness probe failed",
    ),
    "server-missing": _crash(
        "The environment has no azureml-inference-server-http.",
        "reported (Azure/azureml-examples 2760)",
        ("A required package azureml-inference-server-http is missing. Add it to the environment.",),
    ),
    "monitoring-missing": _crash(
        "The generated script of an MLflow model imports azureml.ai.monitoring, which is not installed.",
        "reported (Azure/azureml-examples 3904)",
        (
            "Traceback (most recent call last):",
            '  File "/var/mlflow_resources/mlflow_score_script.py", line 12, in <module>',
            "ModuleNotFoundError: No module named 'azureml.ai'",
        ),
    ),
    "xgboost-version": _crash(
        "The model was written by another version of xgboost than the environment has.",
        "reported (Azure/MachineLearningNotebooks 1421)",
        (
            "Traceback (most recent call last):",
            '  File "/var/azureml-app/onlinescoring/score.py", line 11, in init',
            "xgboost.core.XGBoostError: Check failed: header == serialisation_header_",
        ),
    ),
    "server-too-old": _crash(
        "An old inference server meets a new Flask.",
        "documented",
        (
            "Traceback (most recent call last):",
            '  File "/azureml-envs/lib/python3.8/site-packages/azureml_inference_server_http/server/app.py", line 9',
            "TypeError: register() takes 3 positional arguments but 4 were given",
        ),
    ),
    # Others
    "resource-not-found": Failure(
        "Resource Manager does not find something that the workspace needs, such as its storage account.",
        "ResourceNotFound",
        "The Resource 'Microsoft.Storage/storageAccounts/rehearsal' under resource group '{group}' was not found.",
    ),
    "registry-not-found": Failure(
        "The image is in a registry that the endpoint may not read.",
        "ResourceNotFound",
        "Container registry authorization error: the image is in a private or otherwise inaccessible registry. Make it "
        "public, or grant AcrPull to the endpoint's system-assigned identity.",
        BUILT,
        words="documented; the sentence is guessed",
    ),
    "managed-network-not-ready": Failure(
        "The managed virtual network is not provisioned yet.",
        "WorkspaceManagedNetworkNotReady",
        "The workspace managed network is enabled but has not been provisioned. Provision it before you create an "
        "online deployment.",
        managed_only=True,
        in_guide=False,
    ),
    "operation-canceled": Failure(
        "An operation with a higher priority takes over.",
        "OperationCanceled",
        "The operation was canceled by another operation that has a higher priority. Retry the operation.",
    ),
    "operation-canceled-lock": Failure(
        "The same operation was asked for too soon after the previous one.",
        "OperationCanceled",
        "The operation was canceled because the previous operation is waiting for lock confirmation. Retry the "
        "operation after up to a minute.",
    ),
    "secrets-injection": Failure(
        "The endpoint's identity may not read the secrets that the deployment's variables refer to.",
        "SecretsInjectionError",
        "Secret retrieval failed: the endpoint's identity has no permission to read the secret from the workspace "
        "connection or the key vault, or the reference is invalid.",
        STARTED,
        words="documented; the sentence is guessed",
    ),
    "internal-error": Failure(
        "The service itself fails.",
        "InternalServerError",
        "An internal server error occurred. Please try again later.",
    ),
    "key-vault-bypass": Failure(
        "The key vault's firewall does not let Azure's services in: an endpoint with keys cannot be made.",
        "BadArgument",
        "Failed to write the endpoint's keys to the key vault: Forbidden, ForbiddenByFirewall. Client address is not "
        "authorized and caller is not a trusted service. Set the vault's network rule bypass to AzureServices.",
        on=ENDPOINT,
        in_guide=False,
        words="documented (general-guidance of Key Vault); that the endpoint shows it so is guessed",
    ),
}
