"""Registers the scoring script's folder as a code asset.

MLClient registers code only while creating a deployment, in a call that cannot be followed or stopped. So the same
requests are sent here (azure-ai-ml 1.35, CodeOperations), and the SDK finds the asset by the same hash.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable
from urllib.parse import urlsplit, urlunsplit

from tui.cloud.errors import CloudError, reading
from tui.cloud.http import arm, trusted_hosts
from tui.cloud.session import Cloud
from tui.cloud.storage.datastore import Datastore
from tui.cloud.storage.folder_files import LocalFile, changed_on_the_way, digest_of, piece_hash, piece_size, walk
from tui.cloud.storage.uploader import Progress, Upload

_HASH_VERSION = "202208"  # of the SDK's hash
_PLACES = 3  # upload locations tried in turn, if each one's signature expires before the upload ends


@dataclass(frozen=True)
class CodeVersion:
    """A registered code asset; `reused` if the workspace already had the same content."""

    id: str
    reused: bool


def find(cloud: Cloud, folder: Path) -> CodeVersion | None:
    """The asset with the content of a folder, or None. Raises CloudError."""
    return _find(cloud, str(uuid.uuid4()), snapshot_hash(walk(folder)))


def register(
    cloud: Cloud,
    folder: Path,
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> CodeVersion:
    """Upload and register a folder, or reuse the asset with the same content. Raises Cancelled, or CloudError."""
    files = walk(folder)
    name, (digest, digests) = str(uuid.uuid4()), _snapshot(files)
    found = _find(cloud, name, digest)
    if found is not None:
        return found
    version = f"{cloud.workspace_id}/codes/{name}/versions/1"
    doing = f"registering the code in {folder.name}"
    target, container = _place(cloud, version, doing)
    for left in reversed(range(_PLACES)):
        moved: list[tuple[Datastore, str]] = []

        def renew(container: str = container, moved: list[tuple[Datastore, str]] = moved) -> Any:
            """A new signature for the same location; a different location ends this upload and starts one there."""
            again = _place(cloud, version, doing)
            if again[1] == container:
                return again[0].credential
            moved.append(again)
            return None

        try:
            sending = Upload(replace(target, renew=renew), files, folder.name, "the code")
            if sending.run(progress, cancelled) != digests:
                raise changed_on_the_way(folder)
            break
        except CloudError:
            if not moved or not left:
                raise
            target, container = moved[0]
    properties = {
        "codeUri": f"{container}/{folder.name}",
        "isAnonymous": True,
        "properties": {"hash_sha256": digest, "hash_version": _HASH_VERSION},
    }
    made = cloud.arm.call("PUT", version, arm.CODES, body={"properties": properties}, doing=doing).body
    return CodeVersion(str((made or {}).get("id") or version), reused=False)


def snapshot_hash(files: list[LocalFile]) -> str:
    """The SDK's hash of a code folder: SHA-256 of the number of files, each name and size, then all contents."""
    return _snapshot(files)[0]


def _snapshot(files: list[LocalFile]) -> tuple[str, dict[str, str]]:
    """The SDK's hash, and the files' digests by name of the same bytes."""
    ordered = sorted(files, key=lambda file: file.name.lower())
    digest, digests = hashlib.sha256(str(len(ordered)).encode()), {}
    for file in ordered:
        digest.update(f"#{file.name}#{file.size}".encode())
    for file in ordered:
        pieces = []
        with file.path.open("rb") as stream:
            while piece := stream.read(piece_size(file.size)):
                digest.update(piece)
                pieces.append(piece_hash(piece).digest())
        digests[file.name] = digest_of(pieces or [piece_hash().digest()])
    return digest.hexdigest(), digests


def _find(cloud: Cloud, name: str, digest: str) -> CodeVersion | None:
    # The service searches all code of the workspace by hash, and ignores the name in the path.
    path = f"{cloud.workspace_id}/codes/{name}/versions"
    query = {"hash": digest, "hashVersion": _HASH_VERSION}
    found = cloud.arm.find(path, arm.CODES, query=query, doing="looking for the code")
    for item in (found or {}).get("value") or []:
        if item.get("id"):
            return CodeVersion(str(item["id"]), reused=True)
    return None


@reading("the upload location")
def _place(cloud: Cloud, version: str, doing: str) -> tuple[Datastore, str]:
    """The upload location given by the service: a container with a SAS, and the container's address without it."""
    pending = {"pendingUploadType": "TemporaryBlobReference"}
    answer = cloud.arm.call("POST", f"{version}/startPendingUpload", arm.CODES, body=pending, doing=doing).body
    reference = (answer or {}).get("blobReferenceForConsumption") or {}
    sas_uri = str((reference.get("credential") or {}).get("sasUri") or "")
    parts = urlsplit(sas_uri)
    root, _, container = parts.path.rpartition("/")
    if not parts.query or not container:
        raise CloudError(
            title=f"The service returned no upload location, while {doing}",
            cause="Its response has no container with a shared access signature.",
            remedy="Try again; if it happens again, give the request id to support.",
        )
    trusted_hosts.check(cloud.metadata, trusted_hosts.STORAGE, sas_uri, "The upload location that Azure returned")
    account = urlunsplit((parts.scheme, parts.netloc, root, "", ""))
    address = str(reference.get("blobUri") or urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")))
    return Datastore("code", account, container, parts.query, cloud.recorder), address.rstrip("/")
