"""Reads files of Blob storage and Data Lake Storage: `abfss://CONTAINER@ACCOUNT.dfs.…/PATH` and `https://…`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable
from urllib.parse import unquote, urlsplit

from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError
from tui.cloud.http import arm, connections, trusted_hosts
from tui.cloud.http.dns_zones import is_address
from tui.cloud.session import Cloud
from tui.cloud.sources.source_listing import Item, Listing
from tui.cloud.storage.datastore import container_of

_CHUNK = 4 * 1024 * 1024


@dataclass(frozen=True)
class Place:
    """The location of files: the account's blob URL, container, path without leading and final slashes."""

    account_url: str
    container: str
    path: str


def parse(source: str) -> Place:
    """Parse an address. Raises CloudError if it is not one of Azure storage.

    Data Lake Storage also offers the blob API, under `.blob.` (Microsoft, "Multi-protocol access on Azure Data Lake
    Storage"). If the host is an IP address, the account is the first part of the path, as in the emulator
    (Microsoft, "Use the Azurite emulator").
    """
    url = urlsplit(source)
    host, parts = url.netloc, [unquote(part) for part in url.path.split("/") if part]
    container = ""
    if url.scheme == "abfss":
        container, _, host = host.rpartition("@")
    account = f"https://{host.replace('.dfs.', '.blob.', 1)}"
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


def listing(cloud: Cloud, source: str) -> Listing:
    """The files at an address, read with the plan's own identity. Raises CloudError."""
    from azure.core import MatchConditions

    place = parse(source)
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
    return Listing(source, leaf, tuple(sorted(items, key=lambda item: item.name)), fetch, _in_place(cloud, place))


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
    closed = cloud.plan.deployment.egress_public_network_access == "disabled"
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
        credential=cloud.credential,
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
