"""Uploads when the storage does not cooperate."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.errors import Cancelled, CloudError
from tui.cloud.http.retry import observed
from tui.cloud.storage import folder_files, uploader
from tui.cloud.storage.datastore import Datastore, default_datastore

LISTING = b'<?xml version="1.0"?><EnumerationResults><Blobs>%s</Blobs><NextMarker/></EnumerationResults>'
BLOB = (
    b"<Blob><Name>p/%s</Name><Properties><BlobType>BlockBlob</BlobType><Content-Length>%d</Content-Length><Etag>e</Etag>"
    b"<Last-Modified>Sun, 22 Nov 2026 22:00:00 GMT</Last-Modified></Properties>"
    b"<Metadata><aml_deploy_digest>%s</aml_deploy_digest></Metadata></Blob>"
)
XML = {"Content-Type": "application/xml"}
CREATED = Reply(201, b"", {"ETag": '"e"', "Last-Modified": "Sun, 22 Nov 2026 22:00:00 GMT"})


def storage_error(status: int, code: str) -> Reply:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>words of the storage</Message></Error>"
    return Reply(status, body.encode(), {**XML, "x-ms-error-code": code, "x-ms-request-id": "storage-id"})


@pytest.fixture
def target(service: Service, cloud: Any) -> Datastore:
    """The workspace's datastore is a container of this service, by a SAS."""
    account = f"127.0.0.1:{service.port}/account"
    properties = {
        "datastoreType": "AzureBlob",
        "accountName": account,
        "containerName": "container",
        "credentials": {"credentialsType": "AccountKey"},
    }
    service.on(
        "GET", "/datastores/workspaceblobstore", Reply(body={"name": "workspaceblobstore", "properties": properties})
    )
    sas = "sv=2024-01-01&se=2030-01-01&sr=c&sp=rwl&sig=c2lnbmF0dXJl"
    service.on("POST", "/listSecrets", Reply(body={"secretsType": "Sas", "sasToken": sas}))
    service.on("GET", "comp=list", Reply(200, LISTING % b"", XML))
    service.on("PUT", "/container/p/", CREATED)
    return default_datastore(cloud)


@pytest.fixture
def local(tmp_path: Path) -> list[folder_files.LocalFile]:
    for number in range(5):
        (tmp_path / f"f{number}").write_bytes(bytes(100 + number))
    return folder_files.walk(tmp_path)


def upload(target: Datastore, local: list[folder_files.LocalFile], **options: Any) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    cancelled = options.get("cancelled", lambda: False)
    uploader.Upload(target, local, "p").run(lambda done, total: seen.append((done, total)), cancelled)
    return seen


def test_the_datastore_of_the_workspace(service: Service, target: Datastore) -> None:
    assert target.account_url == f"https://127.0.0.1:{service.port}/account.blob.core.windows.net"
    assert target.container == "container"
    assert "sig=" not in repr(target)


def test_another_default_datastore_is_found(service: Service, cloud: Any) -> None:
    gone = Reply(404, {"error": {"code": "NotFound", "message": "no such datastore"}})
    service.on("GET", "/datastores/workspaceblobstore", gone)
    properties = {"datastoreType": "AzureBlob", "accountName": "other", "containerName": "c"}
    service.on("GET", r"/datastores\?", Reply(body={"value": [{"name": "mine", "properties": properties}]}))
    found = default_datastore(cloud)
    assert (found.name, found.account_url) == ("mine", "https://other.blob.core.windows.net")
    assert found.credential is cloud.credential


def test_every_byte_is_counted(service: Service, target: Datastore, local: list[folder_files.LocalFile]) -> None:
    seen = upload(target, local)
    assert (seen[0], seen[-1]) == ((0, 510), (510, 510))
    assert service.count("PUT", "/container/p/f") == 5


def test_only_what_is_missing_is_sent(service: Service, target: Datastore, local: list[folder_files.LocalFile]) -> None:
    digest = folder_files.digest_of([folder_files.piece_hash(bytes(101)).digest()])
    service.on("GET", "comp=list", Reply(200, LISTING % (BLOB % (b"f1", 101, digest.encode())), XML))
    upload(target, local)
    assert service.count("PUT", "/container/p/f1") == 0
    assert service.count("PUT", "/container/p/f2") == 1


def test_a_storage_that_is_busy_for_a_moment(
    service: Service, target: Datastore, local: list[folder_files.LocalFile]
) -> None:
    service.on("PUT", "/container/p/f3", storage_error(503, "ServerBusy"), CREATED)
    told: list[str] = []
    with observed(lambda reason, delay: told.append(reason)):
        assert upload(target, local)[-1] == (510, 510)
    assert service.count("PUT", "/container/p/f3") == 2
    assert told == ["The storage answered 503."]


def test_a_refused_upload_names_the_role(
    service: Service, target: Datastore, local: list[folder_files.LocalFile]
) -> None:
    service.on("PUT", "/container/p/f3", storage_error(403, "AuthorizationPermissionMismatch"))
    with pytest.raises(CloudError) as caught:
        upload(target, local)
    error = caught.value
    assert error.title == "The identity may not write to the workspace's storage, while uploading the model"
    assert "Storage Blob Data Contributor" in error.remedy
    assert (error.status, error.code, error.request_ids) == (403, "AuthorizationPermissionMismatch", ["storage-id"])
    assert "sig=" not in error.raw


def test_a_storage_that_cannot_be_listed_is_an_error(
    service: Service, target: Datastore, local: list[folder_files.LocalFile]
) -> None:
    service.on("GET", "comp=list", storage_error(403, "AuthorizationFailure"))
    with pytest.raises(CloudError, match="storage refuses this machine"):
        upload(target, local)


def test_cancelling_does_not_wait_for_a_storage_that_hangs(
    service: Service, target: Datastore, local: list[folder_files.LocalFile]
) -> None:
    arrived, release = threading.Event(), threading.Event()

    def hang() -> Reply:
        arrived.set()
        release.wait(60)
        return CREATED

    service.on("PUT", "/container/p/f", hang)
    try:
        with pytest.raises(Cancelled):
            upload(target, local, cancelled=arrived.is_set)
        assert not release.is_set()
    finally:
        release.set()


def test_without_permission_to_read_secrets_the_identity_itself_is_used(
    service: Service, target: Datastore, cloud: Any
) -> None:
    service.on("POST", "/listSecrets", Reply(403, {"error": {"code": "AuthorizationFailed", "message": "no"}}))
    assert default_datastore(cloud).credential is cloud.credential


def test_the_workspace_is_named_in_the_path(service: Service, target: Datastore) -> None:
    assert service.count("GET", f"^{WORKSPACE.id}/datastores/workspaceblobstore") == 1
