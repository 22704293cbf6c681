"""Reads files of Blob storage: `abfss://CONTAINER@ACCOUNT.dfs.…/PATH`, `https://…`, and a datastore's `azureml://…`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable
from urllib.parse import unquote, urlsplit

from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError
from tui.cloud.http import arm, connections, trusted_hosts
from tui.cloud.http.dns_zones import is_address
from tui.cloud.session import Cloud
from tui.cloud.sources.source_listing import Item, Listing
from tui.cloud.storage.datastore import container_of, secret_of
from tui.plan import model as m

_CHUNK = 4 * 1024 * 1024
_WORKSPACE = re.compile(
    r"^azureml://subscriptions/([^/]+)/resourcegroups/([^/]+)/(?:providers/Microsoft\.MachineLearningServices/)?"
    r"workspaces/([^/]+)/",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Place:
    """The location of files: the account's blob URL, container, path without leading and final slashes.

    `credential` is a datastore's own; without it, the plan's identity reads.
    """

    account_url: str
    container: str
    path: str
    credential: Any = field(default=None, repr=False)


def parse(source: str) -> Place:
    """Parse an address. Raises CloudError if it is not one of Azure storage.

    Data Lake Storage also offers the blob API, under `.blob.` (Microsoft, "Multi-protocol access on Azure Data Lake
    Storage"). If the host is an IP address, the account is the first part of the path, as in the emulator
    (Microsoft, "Use the Azurite emulator"). Addresses of code may have a port (azure-ai-ml 1.35, `download` of code).
    """
    url = urlsplit(source)
    host, parts = url.netloc, [unquote(part) for part in url.path.split("/") if part]
    container = ""
    if url.scheme == "abfss":
        container, _, host = host.rpartition("@")
    account = f"https://{host.removesuffix(':443').replace('.dfs.', '.blob.', 1)}"
    if _is_address(host) and parts:
        account = f"{account}/{parts.pop(0)}"
    if url.scheme != "abfss" and parts:
        container = parts.pop(0)
    if not container or not parts or (".blob." not in account and not _is_address(host)):
        raise CloudError(
            title=f"{source} is not an address of files in Azure storage",
            cause="It must have an account, a container and a path.",
            remedy="Write abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH or "
            "https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH.",
            code="SourceNotUnderstood",
        )
    return Place(account, container, "/".join(parts))


def listing(cloud: Cloud, source: str, place: Place | None = None) -> Listing:
    """The files at an address, or at the place that a caller has found for it. Raises CloudError."""
    from azure.core import MatchConditions

    in_azureml = source.startswith("azureml:")
    place = place or (_of_datastore(cloud, source) if in_azureml else parse(source))
    client = _container(cloud, place)
    try:
        found = list(client.list_blobs(name_starts_with=place.path))
    except Exception as error:
        raise _refused(error, place) from None
    items = []
    for blob in found:
        folder = (blob.metadata or {}).get("hdi_isfolder") == "true" or blob.name.endswith("/")
        if blob.name == place.path and not folder:
            items = [Item("", int(blob.size), _mark(blob))]  # the address names one file
            break
        if blob.name.startswith(place.path + "/") and not folder:
            items.append(Item(blob.name[len(place.path) + 1 :], int(blob.size), _mark(blob)))

    def fetch(item: Item, target: Path, progress: Callable[[int], None]) -> None:
        """Continue where an earlier attempt at the same version of the blob ended."""
        name = f"{place.path}/{item.name}" if item.name else place.path
        part = target.with_name(f".{target.name}.{item.mark}.part")
        done = part.stat().st_size if part.is_file() else 0
        try:
            with part.open("ab") as stream:
                if done < item.size:
                    blob = client.get_blob_client(name)
                    same = {"etag": f'"{item.mark}"', "match_condition": MatchConditions.IfNotModified}
                    for chunk in blob.download_blob(offset=done, **same).chunks():
                        stream.write(chunk)
                        done += len(chunk)
                        progress(done)
            part.replace(target)
        except OSError as error:
            if isinstance(error, ConnectionError):
                raise _refused(error, place) from None
            raise CloudError(title=f"{target} cannot be written", cause=str(error.strerror or error)) from None
        except Exception as error:
            raise (_refused(error, place) if type(error).__module__.startswith("azure") else error) from None

    leaf = place.path.rpartition("/")[2]
    here = in_azureml and _workspace_of(cloud, source).lower() == cloud.workspace_id.lower()
    in_place = source if here and not _closed(cloud) else _in_place(cloud, place)
    return Listing(source, leaf, tuple(sorted(items, key=lambda item: item.name)), fetch, in_place)


def _of_datastore(cloud: Cloud, source: str) -> Place:
    """The place of `azureml://…/datastores/NAME/paths/PATH`, or of a job's output. Raises CloudError."""
    base = _workspace_of(cloud, source)
    job = re.match(r"^azureml://(?:.*/)?jobs/([^/]+)/outputs/([^/]+)(?:/paths)?/?(?P<path>.*)$", source)
    address = f"{_output(cloud, base, job[1], job[2]).rstrip('/')}/{job['path']}" if job else source
    found = re.match(r"^azureml://(?:.*/)?datastores/(?P<name>[^/]+)/paths/(?P<path>.+)$", address)
    if not found:
        raise CloudError(
            title=f"{source} is not an address of files in a datastore",
            cause="It must name a datastore and a path.",
            remedy="Write azureml://datastores/NAME/paths/PATH or azureml://jobs/JOB/outputs/NAME/paths/PATH.",
            code="SourceNotUnderstood",
        )
    store = f"{base}/datastores/{found['name']}"
    properties = _properties(cloud, store, "datastore")
    place = Place(*container_of(cloud, properties), found["path"].strip("/"), secret_of(cloud, store, properties))
    trusted_hosts.check(cloud.metadata, trusted_hosts.STORAGE, place.account_url, f"The datastore {found['name']}")
    return place


def _workspace_of(cloud: Cloud, source: str) -> str:
    """The id of the workspace that an `azureml://…` address names, else of the plan's."""
    named = _WORKSPACE.match(source)
    return m.Workspace(*named.groups()).id if named else cloud.workspace_id


def _properties(cloud: Cloud, resource: str, kind: str) -> dict[str, Any]:
    """The properties of a datastore or job that the plan refers to. Raises CloudError."""
    name = resource.rpartition("/")[2]
    found = cloud.arm.find(resource, arm.DATASTORES, doing=f"reading the {kind} {name}")
    if found is None:
        raise CloudError(
            title=f"The workspace has no {kind} named {name}",
            cause="The plan's deployment.model.path refers to it.",
            remedy=f"Correct the {kind}'s name in the path.",
            code="SourceNotFound",
            status=404,
        )
    return found.get("properties") or {}


def _output(cloud: Cloud, workspace: str, job: str, output: str) -> str:
    """The address of a job's output; without one, the default (Microsoft, "Access data in a job")."""
    if output in ("artifacts", "default"):
        return f"azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.{job}"
    given = (_properties(cloud, f"{workspace}/jobs/{job}", "job").get("outputs") or {}).get(output) or {}
    return str(given.get("uri") or f"azureml://datastores/workspaceblobstore/paths/azureml/{job}/{output}")


def _closed(cloud: Cloud) -> bool:
    """Whether the deployment reaches the workspace's own storage only."""
    return cloud.plan.deployment.egress_public_network_access == "disabled"


def _mark(blob: Any) -> str:
    """The blob's ETag without quotes, which headers have and lists do not."""
    return str(blob.etag).strip('"')


def _in_place(cloud: Cloud, place: Place) -> str | None:
    """The path at which the workspace reads these files, if one of its datastores is their container.

    With egress disabled, a deployment reaches only the workspace's own storage (Microsoft,
    concept-secure-online-endpoint), so other datastores are not considered.
    """
    base = f"{cloud.workspace_id}/datastores"
    try:
        stores = list(cloud.arm.items(base, arm.DATASTORES, doing="reading the workspace's datastores"))
    except CloudError:
        return None  # then the model is staged
    closed = _closed(cloud)
    for store in stores:
        properties = store.get("properties") or {}
        if container_of(cloud, properties) == (place.account_url, place.container):
            name = str(store.get("name"))
            if not closed or name == "workspaceblobstore" or properties.get("isDefault"):
                return f"azureml://datastores/{name}/paths/{place.path}"
    return None


def _container(cloud: Cloud, place: Place) -> Any:
    from azure.storage.blob import ContainerClient, ExponentialRetry

    trusted_hosts.check(cloud.metadata, trusted_hosts.STORAGE, place.account_url, "The plan")
    return ContainerClient(
        place.account_url,
        place.container,
        credential=place.credential or cloud.credential,
        transport=cloud.recorder.transport("storage", 16) if cloud.recorder is not None else connections.transport(),
        retry_policy=ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=4, random_jitter_range=1),
        permit_redirects=False,  # they would be followed to any host, and its answer believed
        max_chunk_get_size=_CHUNK,
        max_single_get_size=_CHUNK,
        connection_timeout=10,
        read_timeout=60,
    )


def _refused(error: BaseException, place: Place) -> CloudError:
    told = explain(error, doing=f"reading {place.account_url}/{place.container}/{place.path}")
    if told.status == 403:
        told.remedy = (
            "Assign the signed-in identity the role Storage Blob Data Reader on the account or the container; if "
            "the account is closed to public networks, connect through its private endpoint."
        )
    return told


def _is_address(host: str) -> bool:
    name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    return name == "localhost" or is_address(name)
