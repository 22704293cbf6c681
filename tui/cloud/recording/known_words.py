"""The words that a recording may contain: Azure's own, none of which names a person, a company or a resource."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SECRET_FIELDS = re.compile(
    r"secret|passw|pwd|token|sas|signature|credential|connectionstring|assertion|authorization|api_?key|accountkey"
    r"|primarykey|secondarykey|keyvalue|instrumentationkey|private|^key$|^sig$",
    re.IGNORECASE,
)

# Fields whose values are words of the interface. Each value is checked too.
SAFE_FIELDS = _words(
    """
    provisioningState status state authMode publicNetworkAccess egressPublicNetworkAccess kind type instanceType
    dataCollectionMode rollingRate dataType
    location endpointComputeType scaleType modelType stage environmentType osType autoRebuild credentialsType
    secretsType credentialType datastoreType protocol createdByType lastModifiedByType tokenType token_type
    isolationMode code unit family tier
    generation supportedComputeTypes pendingUploadType containerType containerTypes keyType endpoint
    serviceDataAccessAuthIdentity resourceType latestVersion nextVersion hash_version error reason severity
    billingCurrency unitOfMeasure vmTier listViewType actionsRequired destinationType category ruleType computeType
    computeLocation authority vmSize vmPriority sparkStatus v1LegacyMode privateLinkServiceConnectionState
    defaultAction cloud_instance_name identityProvider
    """
)

# Words of paths; compared in lower case.
SEGMENTS = _words(
    """
    subscriptions resourcegroups providers workspaces onlineendpoints deployments models versions codes environments
    datastores locations mfeoperationsstatus mfeoperationresults listsecrets listkeys regeneratekeys token getlogs
    skus usages quotas vmsizes startpendingupload computes privateendpointconnections outboundrules permissions
    operations userassignedidentities registries connections oauth2 v2.0 v1.0 .well-known openid-configuration common
    organizations discovery instance keys metadata endpoints identity msi authorize logout devicecode paths
    privateendpoints
    virtualnetworks subnets storageaccounts vaults components servers checknameavailability listnotebookkeys
    featuresets batchendpoints jobs data managednetworks provisionmanagednetwork resources score swagger.json
    """
)

# What follows such a word in a path.
KINDS = {
    **{
        f"{kind}s": kind
        for kind in _words("subscription workspace deployment model version code environment datastore")
    },
    **{f"{kind}s": kind for kind in _words("location compute quota")},
    "resourcegroups": "resource-group",
    "onlineendpoints": "endpoint",
    "usages": "quota",
    "data": "data",
    "registries": "registry",
}
# Almost every recording has exactly one of these, so its placeholder has no number.
SINGLE = frozenset({"subscription", "tenant", "resource-group", "workspace"})

# Names that every workspace has.
BUILT_IN_NAMES = _words(
    """
    workspaceblobstore workspaceartifactstore workspacefilestore workspaceworkingdirectory azureml core.windows.net
    core.usgovcloudapi.net core.chinacloudapi.cn
    """
)

FILE_NAMES = frozenset(
    {"MLmodel", "conda.yml", "conda.yaml", "requirements.txt", "python_env.yaml", "model.pkl", "score.py"}
    | {"az-ml-artifacts", "LocalUpload", "aml-deploy", "model", "onlinescoring", "code", "src", "__pycache__"}
)
FILE_ENDINGS = _words(
    ".py .json .yml .yaml .pkl .txt .bin .ubj .csv .xgb .onnx .pt .pth .h5 .md .joblib .npz .parquet .toml"
)

# Fields whose members are named by users, and the names in them that are Azure's or ours.
FREE_KEYS = frozenset(
    {"tags", "environmentVariables", "traffic", "mirrorTraffic", "flavors", "userAssignedIdentities", "labels"}
)
OWN_KEYS = ("azureml", "AZUREML_", "AML_", "AzureAsyncOperation", "aml-deploy", "hash_")

QUERY = _words(
    """
    api-version $top $orderby $skip listviewtype hashversion restype comp include maxresults timeout isdefault count
    sr spr sp sv
    """
)
# Parameters whose values are names.
QUERY_NAMES = {
    "hash": "hash",
    "blockid": "block",
    "prefix": "file",
    "client_id": "client",
    "name": "name",
    "$skiptoken": "page",
}

_ROOTS = ("microsoftonline.com", "microsoftonline.us", "chinacloudapi.cn")
_SERVICES = _words(
    """
    management.azure.com management.usgovcloudapi.net management.chinacloudapi.cn ml.azure.com ml.azure.us ml.azure.cn
    storage.azure.com
    """
)
HOSTS = _SERVICES.union(_words("portal.azure.com mcr.microsoft.com aka.ms"), (f"login.{root}" for root in _ROOTS))
HOST_SUFFIXES = (
    ".blob.core.windows.net",
    ".blob.core.usgovcloudapi.net",
    ".blob.core.chinacloudapi.cn",
    ".inference.ml.azure.com",
    ".inference.ml.azure.us",
    ".inference.ml.azure.cn",
    ".api.azureml.ms",
)
AUDIENCES = frozenset(f"https://{host}" for host in (*_SERVICES, "management.core.windows.net"))

REQUEST_HEADERS = _words(
    """
    accept content-type content-length user-agent x-ms-version x-ms-blob-type x-ms-blob-content-type x-ms-range range
    if-match if-none-match azureml-model-deployment
    """
)
RESPONSE_HEADERS = _words(
    """
    content-type content-length azure-asyncoperation operation-location location retry-after www-authenticate etag
    last-modified azureml-model-deployment ms-azureml-model-error-statuscode ms-azureml-model-error-reason
    x-request-id
    """
)
# Headers whose values are words of the interface.
HEADER_WORDS = _words(
    """
    accept content-type x-ms-blob-content-type x-ms-version x-ms-blob-type x-ms-error-code x-ms-response-type
    x-ms-async-operation-timeout x-ms-lease-status x-ms-lease-state x-ms-failure-cause ms-azureml-model-error-reason
    x-ms-access-tier x-ms-service-request-id-type
    """
)
