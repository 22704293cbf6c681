"""Lists Microsoft's base images and curated environments: from a table offline, and from the services online.

The table is from Azure/AzureML-Containers (README, 16 March 2026; the Python of 22.04: issue 232) and, for images
with a scoring server, of Microsoft's concept-prebuilt-docker-images-inference (24 September 2025). Dated tags come from
the registry's own list, which needs no sign-in; curated environments from the registry azureml, with the requests of
azure-ai-ml 1.35.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from tui.cloud.assets.asset_reference import AssetReference
from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud
from tui.cloud.workspace.listing import MOST, Item, Listing, why_not

REGISTRY = "mcr.microsoft.com"
_TAGS_TIMEOUT = (3, 5)  # seconds to connect and to read; without an answer the table is used
_NEWEST = 3  # dated tags shown for each image
_DATED = re.compile(r"^(20\d{6})\.v(\d+)$")
_DATAPLANE = "2021-10-01-dataplanepreview"


@dataclass(frozen=True)
class Image:
    """An image of Microsoft's table: repository, contents, and the source with its date."""

    repository: str
    holds: str
    source: str


_BASE = "AzureML-Containers, 2026-03-16"
_PREBUILT = "concept-prebuilt-docker-images-inference, 2025-09-24"
IMAGES = (
    Image("azureml/openmpi4.1.0-ubuntu22.04", "CPU, Ubuntu 22.04, OpenMPI 4.1.0, Miniconda (Python 3.12)", _BASE),
    Image("azureml/openmpi5.0-ubuntu24.04", "CPU, Ubuntu 24.04, OpenMPI 5.0.6, Miniconda", _BASE),
    Image("azureml/minimal-py312-inference", "CPU, Python 3.12, scoring server, no conda file needed", _PREBUILT),
    Image("azureml/minimal-ubuntu22.04-py39-cpu-inference", "CPU, Python 3.9, scoring server", _PREBUILT),
    Image(
        "azureml/minimal-ubuntu22.04-py39-cuda11.8-gpu-inference",
        "GPU, CUDA 11.8, Python 3.9, scoring server",
        _PREBUILT,
    ),
    Image("azureml/openmpi5.0-cuda12.4-ubuntu22.04", "GPU, CUDA 12.4.1, cuDNN, Ubuntu 22.04", _BASE),
    Image("azureml/openmpi5.0-cuda12.5-ubuntu22.04", "GPU, CUDA 12.5.1, cuDNN, Ubuntu 22.04", _BASE),
    Image("azureml/openmpi5.0-cuda12.6-ubuntu24.04", "GPU, CUDA 12.6.3, cuDNN, Ubuntu 24.04", _BASE),
    Image("azureml/openmpi5.0-cuda12.8-ubuntu24.04", "GPU, CUDA 12.8.1, cuDNN, Ubuntu 24.04", _BASE),
    Image("azureml/openmpi5.0-cuda13.1-ubuntu24.04", "GPU, CUDA 13.1.1, cuDNN, Ubuntu 24.04", _BASE),
)


def curated_images(cloud: Cloud | None) -> Listing:
    """Microsoft's base images, with their newest dated tags if the registry answers.

    Without a connection, and in a cloud that is not built in (a rehearsal), only the table; `reason` says so.
    """
    table = [
        Item(f"{REGISTRY}/{image.repository}:latest", image.repository.partition("/")[2],
             f"{image.holds} ({image.source})")
        for image in IMAGES
    ]  # fmt: skip
    if cloud is None or not cloud.metadata.built_in:
        return Listing(table, "Dated tags are not listed in this cloud; you can type a tag such as :20260901.v1.")
    items: list[Item] = []
    reason = ""
    for image, plain in zip(IMAGES, table):
        tags: list[str] = []
        if not reason:
            try:
                tags = newest_tags(_tags(cloud, image.repository))
            except CloudError as error:
                reason = f"Dated tags cannot be listed: {error.title[0].lower()}{error.title[1:].rstrip('.')}."
        name = image.repository.partition("/")[2]
        items += [Item(f"{REGISTRY}/{image.repository}:{tag}", f"{name}:{tag}", image.holds) for tag in tags]
        items.append(plain)
    return Listing(items, reason)


def newest_tags(tags: list[str]) -> list[str]:
    """The newest dated tags (20260901.v1), newest first; a pinned date makes a build repeatable."""
    dated = [(found[1], int(found[2]), tag) for tag in tags if (found := _DATED.match(tag))]
    return [tag for *_, tag in sorted(dated, reverse=True)[:_NEWEST]]


def _tags(cloud: Cloud, repository: str) -> list[str]:
    """All tags of a repository; the list is public (README of Azure/AzureML-Containers). Raises CloudError."""
    try:
        answer = cloud.http.get(f"https://{REGISTRY}/v2/{repository}/tags/list", timeout=_TAGS_TIMEOUT)
        answer.raise_for_status()
        return [str(tag) for tag in answer.json().get("tags") or []]
    except Exception as error:
        raise explain(error, doing="") from None


def curated_environments(cloud: Cloud) -> Listing:
    """The environments of Microsoft's registry azureml, as ids that a deployment accepts.

    The registry is found through the cloud's discovery address, which closed networks may not reach.
    """
    if not cloud.metadata.built_in:
        return Listing(reason="Curated environments are not listed: no registry azureml is known in this cloud.")
    try:
        found = islice(cloud.arm.items(f"{registry(cloud, 'azureml')}/environments", _DATAPLANE), MOST)
        return Listing([item for item in map(_curated, found) if item is not None])
    except CloudError as error:
        return Listing(reason=why_not("The curated environments", error))


def in_registry(cloud: Cloud, reference: AssetReference, kind: str) -> bool:
    """Whether a registry holds an asset. Raises CloudError if the registry does not say, as private ones do not."""
    if not cloud.metadata.built_in:
        raise CloudError("No registries are known in this cloud")
    path = f"{registry(cloud, reference.registry)}/{kind}/{reference.name}"
    if reference.version:
        path += f"/versions/{reference.version}"
    return cloud.arm.find(path, _DATAPLANE, doing=f"asking the registry {reference.registry}") is not None


def registry(cloud: Cloud, name: str) -> str:
    """The address of a registry. Raises CloudError."""
    asked = urlsplit(cloud.metadata.registry_discovery)
    answer = cloud.arm.call(
        "GET", f"https://{asked.netloc}/registrymanagement/v1.0/registries/{name}/discovery", retry=False
    ).body
    place = urlsplit(str((answer or {}).get("primaryRegionResourceProviderUri") or ""))
    # The token is sent there, so only to a host of the same service.
    family = asked.netloc.partition(".")[2]
    if place.scheme != "https" or not place.netloc.endswith(f".{family}"):
        raise CloudError(f"The registry {name} returned no address")
    return (
        f"https://{place.netloc}/mferp/managementfrontend/subscriptions/{answer['subscriptionId']}"
        f"/resourceGroups/{answer['resourceGroup']}/providers/Microsoft.MachineLearningServices/registries/{name}"
    )


def _curated(body: dict[str, Any]) -> Item | None:
    name, properties = str(body.get("name") or ""), body.get("properties") or {}
    latest = properties.get("latestVersion")
    if not name or not latest:
        return None
    value = f"azureml://registries/azureml/environments/{name}/versions/{latest}"
    return Item(value, name, f"curated, version {latest}")
