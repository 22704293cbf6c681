"""Files in Blob storage: addresses, lists, downloads that continue, and datastores read in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.errors import CloudError
from tui.cloud.sources import blob_source


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("abfss://c@acc.dfs.core.windows.net/a/b/", ("https://acc.blob.core.windows.net", "c", "a/b")),
        ("https://acc.blob.core.windows.net/c/a%20b", ("https://acc.blob.core.windows.net", "c", "a b")),
        ("https://acc.blob.core.windows.net:443/c/a", ("https://acc.blob.core.windows.net", "c", "a")),
        ("https://acc.dfs.core.windows.net/c/a", ("https://acc.blob.core.windows.net", "c", "a")),
        ("https://127.0.0.1:10000/acc/c/a", ("https://127.0.0.1:10000/acc", "c", "a")),
        ("https://[::1]:10000/acc/c/a", ("https://[::1]:10000/acc", "c", "a")),
        ("https://[::1]/acc/c/a", ("https://[::1]/acc", "c", "a")),
        ("https://localhost/acc/c/a", ("https://localhost/acc", "c", "a")),
        ("abfss://c@127.0.0.1/acc/a", ("https://127.0.0.1/acc", "c", "a")),
        ("abfss://acc.dfs.core.windows.net/a", None),
        ("abfss://c@acc.dfs.core.windows.net", None),
        ("https://acc.blob.core.windows.net/c", None),
        ("https://example.com/c/a", None),
        ("https://127.0.0.1/acc/c", None),
        ("https://127.0.0.1", None),
    ],
)
def test_an_address_in_blob_storage(source: str, place: tuple[str, str, str] | None) -> None:
    if place is None:
        with pytest.raises(CloudError) as caught:
            blob_source.parse(source)
        assert caught.value.code == "SourceNotUnderstood"
    else:
        assert blob_source.parse(source) == blob_source.Place(*place)


def blob(name: str, size: int, folder: bool = False) -> str:
    metadata = "<Metadata><hdi_isfolder>true</hdi_isfolder></Metadata>" if folder else "<Metadata/>"
    return (
        f"<Blob><Name>{name}</Name><Properties><Content-Length>{size}</Content-Length><Etag>0x{size}</Etag>"
        "<Last-Modified>Sun, 22 Nov 2026 22:00:00 GMT</Last-Modified><BlobType>BlockBlob</BlobType></Properties>"
        f"{metadata}</Blob>"
    )


def container(service: Service, *blobs: str) -> str:
    body = f"<?xml version='1.0'?><EnumerationResults><Blobs>{''.join(blobs)}</Blobs><NextMarker/></EnumerationResults>"
    service.on("GET", "/acc/c.*comp=list", Reply(200, body.encode(), {"Content-Type": "application/xml"}))
    return f"{service.url}/acc/c/m"


def test_files_below_an_address_and_no_neighbours(service: Service, cloud: Any) -> None:
    address = container(service, blob("m", 0, True), blob("m/a", 3), blob("m/sub", 0, True), blob("m/sub/", 0),
                        blob("m/b", 2), blob("m2/x", 9))  # fmt: skip
    found = blob_source.listing(cloud, address)
    assert [(item.name, item.size, item.mark) for item in found.items] == [("a", 3, "0x3"), ("b", 2, "0x2")]
    assert (found.leaf, found.in_place) == ("m", None)


def test_an_address_may_name_one_file(service: Service, cloud: Any) -> None:
    found = blob_source.listing(cloud, container(service, blob("m", 4), blob("m/a", 3)))
    assert [(item.name, item.size) for item in found.items] == [("", 4)]


@pytest.mark.parametrize(("part", "offset"), [(b"", None), (b"12", "2"), (b"1234", "none")])
def test_a_download_goes_on_where_it_ended(
    service: Service, cloud: Any, tmp_path: Path, part: bytes, offset: str | None
) -> None:
    found = blob_source.listing(cloud, container(service, blob("m/a", 4)))
    whole = b"1234"
    rest = whole[len(part) :]
    headers = {"Content-Range": f"bytes {len(part)}-3/4", "ETag": '"0x4"',
    "Last-Modified": "Sun, 22 Nov 2026 22:00:00 GMT",
               "x-ms-blob-type": "BlockBlob", "Content-Type": "application/octet-stream"}  # fmt: skip
    service.on("GET", "/acc/c/m/a", Reply(206, rest, headers))
    if part:
        (tmp_path / ".a.0x4.part").write_bytes(part)
    told: list[int] = []
    found.fetch(found.items[0], tmp_path / "a", told.append)
    assert (tmp_path / "a").read_bytes() == whole
    assert told == ([] if offset == "none" else [4])
    assert service.count("GET", "/acc/c/m/a") == (0 if offset == "none" else 1)


@pytest.mark.parametrize(("status", "role"), [(403, True), (404, False)])
def test_a_refused_container_names_the_role(service: Service, cloud: Any, status: int, role: bool) -> None:
    service.on("GET", "/acc/c", Reply(status, b"", {"x-ms-error-code": "X"}))
    with pytest.raises(CloudError) as caught:
        blob_source.listing(cloud, f"{service.url}/acc/c/m")
    assert caught.value.status == status
    assert ("Storage Blob Data Reader" in caught.value.remedy) is role


@pytest.mark.parametrize(
    ("stores", "closed", "name"),
    [
        ([("mine", "acc", "c", False)], False, "mine"),
        ([("mine", "acc", "c", False)], True, None),
        ([("mine", "acc", "c", True)], True, "mine"),
        ([("workspaceblobstore", "acc", "c", False)], True, "workspaceblobstore"),
        ([("mine", "acc", "other", True)], False, None),
        ([("mine", "other", "c", True)], False, None),
        ([], False, None),
    ],
)
def test_a_datastore_that_is_the_container_is_read_in_place(
    service: Service, cloud: Any, stores: Any, closed: bool, name: str | None
) -> None:
    from dataclasses import replace

    rows = [
        {"name": store, "properties": {"accountName": account, "containerName": held, "isDefault": default}}
        for store, account, held, default in stores
    ]
    service.on("GET", f"{WORKSPACE.id}/datastores", Reply(200, {"value": rows}))
    deployment = replace(cloud.plan.deployment, egress_public_network_access="disabled" if closed else None)
    there = cloud.for_plan(replace(cloud.plan, deployment=deployment))
    place = blob_source.Place("https://acc.blob.core.windows.net", "c", "m")
    assert blob_source._in_place(there, place) == (name and f"azureml://datastores/{name}/paths/m")


STORE = {"properties": {"accountName": "acc", "containerName": "c", "datastoreType": "AzureBlob"}}
OTHER = "azureml://subscriptions/s/resourcegroups/g/workspaces/other/"


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("azureml://datastores/mine/paths/a/m/", "a/m"),
        (f"{OTHER}datastores/mine/paths/a/m", "a/m"),
        ("azureml://jobs/j/outputs/artifacts/paths/m", "ExperimentRun/dcid.j/m"),
        ("azureml://jobs/j/outputs/default/m", "ExperimentRun/dcid.j/m"),
        ("azureml://jobs/j/outputs/given/paths/m", "there/m"),
        ("azureml://jobs/j/outputs/other", "azureml/j/other"),
    ],
)
def test_an_address_in_a_workspace_is_a_place_in_its_datastore(
    service: Service, cloud: Any, source: str, path: str
) -> None:
    outputs = {"given": {"uri": "azureml://datastores/mine/paths/there/"}, "other": {"uri": None}}
    service.on("GET", "/jobs/j", Reply(200, {"properties": {"outputs": outputs}}))
    service.on("GET", "/datastores/(mine|workspaceblobstore|workspaceartifactstore)", Reply(200, STORE))
    assert blob_source._of_datastore(cloud, source) == blob_source.Place("https://acc.blob.core.windows.net", "c", path)
    asked = [request[1] for request in service.requests if "/datastores/" in request[1]]
    assert all(("/workspaces/other/" in one) is source.startswith(OTHER) for one in asked) and asked


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("azureml://datastores/gone/paths/m", "no datastore named gone"),
        ("azureml://jobs/gone/outputs/model/paths/m", "no job named gone"),
        ("azureml://datastores/mine/m", "not an address"),
    ],
)
def test_what_the_workspace_does_not_have_is_named(service: Service, cloud: Any, source: str, said: str) -> None:
    service.on("GET", "/gone", Reply(404, {"error": {"code": "NotFound", "message": "none"}}))
    with pytest.raises(CloudError) as caught:
        blob_source._of_datastore(cloud, source)
    assert said in caught.value.title
