"""Blob storage, with the real azure-storage-blob."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from arm_client import Arm

BLOCK = 256 * 1024


@pytest.fixture
def container(sdk_env: None, arm: Arm, name: str) -> Iterator[Any]:
    """A client of a new container's virtual folder, signed as a datastore's secrets allow."""
    from azure.storage.blob import ContainerClient

    store = arm.call("GET", "datastores/workspaceblobstore").json()["properties"]
    secrets = arm.call("POST", "datastores/workspaceblobstore/listSecrets", {"expirableSecret": True}).json()
    with ContainerClient(
        f"https://{store['accountName']}.blob.{store['endpoint']}",
        store["containerName"],
        credential=secrets["sasToken"],
        max_single_put_size=BLOCK,
        max_block_size=BLOCK,
    ) as client:
        yield client


@pytest.mark.parametrize("size", [0, 1, BLOCK, 5 * BLOCK + 17])
def test_what_was_uploaded_comes_back(container: Any, name: str, size: int) -> None:
    content = os.urandom(size)
    seen: list[int] = []
    client = container.upload_blob(
        name, content, progress_hook=lambda done, total: seen.append(done), max_concurrency=4, metadata={"a": "b"}
    )
    assert max(seen, default=0) == size
    assert container.download_blob(name).readall() == content
    properties = client.get_blob_properties()
    assert (properties.size, properties.metadata) == (size, {"a": "b"})
    assert properties.etag


def test_ranges_and_entity_tags(container: Any, name: str) -> None:
    content = bytes(range(256)) * 5000
    client = container.upload_blob(name, content, max_concurrency=2)
    etag = client.get_blob_properties().etag
    # Across the borders of blocks, and past the end.
    for offset, length in ((0, 1), (BLOCK - 3, 7), (len(content) - 5, 100), (BLOCK, 2 * BLOCK)):
        assert client.download_blob(offset=offset, length=length).readall() == content[offset : offset + length]
    client.set_blob_metadata({"changed": "yes"})
    assert client.get_blob_properties().etag != etag


def test_a_blob_is_not_overwritten_unless_told(container: Any, name: str) -> None:
    from azure.core.exceptions import ResourceExistsError

    container.upload_blob(name, b"first")
    with pytest.raises(ResourceExistsError) as caught:
        container.upload_blob(name, b"second")
    assert caught.value.error_code == "BlobAlreadyExists"
    container.upload_blob(name, b"third", overwrite=True)
    assert container.download_blob(name).readall() == b"third"
    container.delete_blob(name)
    assert not container.get_blob_client(name).exists()


def test_blocks_out_of_order_and_an_upload_that_goes_on_later(container: Any, name: str) -> None:
    from azure.storage.blob import BlobBlock

    client = container.get_blob_client(name)
    blocks = {f"{number:05d}": bytes([number]) * 1000 for number in range(6)}
    for block_id in ("00005", "00001", "00003"):
        client.stage_block(block_id, blocks[block_id])
    assert not client.exists()
    _, uncommitted = client.get_block_list("all")
    there = {block.id for block in uncommitted}
    for block_id in blocks:
        if block_id not in there:
            client.stage_block(block_id, blocks[block_id])
    client.commit_block_list([BlobBlock(block_id) for block_id in blocks])
    assert client.download_blob().readall() == b"".join(blocks.values())
    committed, uncommitted = client.get_block_list("all")
    assert ([block.id for block in committed], uncommitted) == (list(blocks), [])
    # A second commit may keep committed blocks.
    client.stage_block("00009", b"end")
    client.commit_block_list([BlobBlock("00001"), BlobBlock("00009")])
    assert client.download_blob().readall() == blocks["00001"] + b"end"


def test_a_damaged_block_is_refused(container: Any, name: str) -> None:
    url = f"{container.get_blob_client(name).url}&comp=block&blockid={base64.b64encode(b'1').decode()}"
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    answer = requests.put(url, data=b"content", headers={"Content-MD5": wrong}, timeout=30)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (400, "Md5Mismatch")


def test_lists_have_prefixes_pages_and_folders(container: Any, name: str) -> None:
    names = [f"{name}/a&b/{number:02d} ü.txt" for number in range(7)] + [f"{name}/top"]
    for item in names:
        container.upload_blob(item, b"x", metadata={"n": "1"})
    pages = list(container.list_blobs(name_starts_with=name, include="metadata", results_per_page=3).by_page())
    found = [[blob.name for blob in page] for page in pages]
    assert found == [names[0:3], names[3:6], names[6:8]]
    walked = [item.name for item in container.walk_blobs(name_starts_with=f"{name}/")]
    assert walked == [f"{name}/a&b/", f"{name}/top"]


def test_a_token_for_storage_works_too(sdk_env: None, container: Any, name: str) -> None:
    from azure.identity import DefaultAzureCredential
    from azure.storage.blob import ContainerClient

    account = container.url.split("?")[0].rsplit("/", 1)
    with ContainerClient(account[0], account[1], credential=DefaultAzureCredential()) as client:
        client.upload_blob(name, b"by token")
        assert client.download_blob(name).readall() == b"by token"


def test_without_a_good_signature_there_is_no_access(arm: Arm, container: Any, name: str) -> None:
    container.upload_blob(name, b"secret")
    url = container.get_blob_client(name).url
    bare = url.split("?")[0]
    assert requests.get(url, timeout=30).status_code == 200
    for query, status, code in (
        ("", 401, "NoAuthenticationInformation"),
        (url.split("?")[1].replace("sp=racwdl", "sp=racwdlx"), 403, "AuthenticationFailed"),
        (url.split("?")[1].replace("se=", "se=9"), 403, "AuthenticationFailed"),
    ):
        answer = requests.get(f"{bare}?{query}", timeout=30)
        assert (answer.status_code, answer.headers["x-ms-error-code"]) == (status, code)
    # The signature of a code's upload is for its own container.
    upload = arm.call("POST", f"codes/{name}/versions/1/startPendingUpload", {}).json()["blobReferenceForConsumption"]
    signature = upload["credential"]["sasUri"].split("?")[1]
    assert requests.get(f"{bare}?{signature}", timeout=30).status_code == 403


def test_what_storage_does_not_offer_is_named(container: Any, name: str) -> None:
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError) as caught:
        container.get_blob_client(name).create_append_blob()
    assert "AppendBlob" in str(caught.value)
