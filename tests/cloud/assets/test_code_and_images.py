"""Code assets by their content, and Microsoft's images and environments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scripted_service import Reply, Service

from tui.cloud.assets import base_images, code
from tui.cloud.errors import CloudError
from tui.cloud.storage.folder_files import walk


@pytest.mark.parametrize(
    ("items", "expected"),
    [([], None), ([{"id": ""}, {"id": "/c"}], "/c"), ([{"id": "/a"}, {"id": "/b"}], "/a"), (None, None)],
)
def test_code_is_found_by_its_content(service: Service, cloud: Any, tmp_path: Path, items: Any, expected: Any) -> None:
    service.on("GET", "/codes/[^/]+/versions", Reply(body={"value": items}))
    (tmp_path / "score.py").write_text("x")
    found = code.find(cloud, tmp_path)
    assert (found and (found.id, found.reused)) == (expected and (expected, True))
    assert f"hash={code.snapshot_hash(walk(tmp_path))}" in service.requests[-1][1]


@pytest.mark.parametrize(
    ("sas", "blob", "expected"),
    [
        (
            "https://h.blob.core.windows.net/c?sig=1",
            None,
            ("https://h.blob.core.windows.net", "c", "https://h.blob.core.windows.net/c"),
        ),
        (
            "https://h.blob.core.windows.net/acc/c?sig=1",
            "https://h.blob.core.windows.net/other/",
            ("https://h.blob.core.windows.net/acc", "c", "https://h.blob.core.windows.net/other"),
        ),
        ("https://h.blob.core.windows.net/c", None, None),
        ("https://h.blob.core.windows.net/?sig=1", None, None),
        ("", None, None),
    ],
)
def test_the_upload_location_of_code(service: Service, cloud: Any, sas: str, blob: str | None, expected: Any) -> None:
    reference = {"credential": {"sasUri": sas}, "blobUri": blob}
    service.on("POST", "/startPendingUpload", Reply(body={"blobReferenceForConsumption": reference}))
    if expected is None:
        with pytest.raises(CloudError, match="no upload location"):
            code._place(cloud, "/codes/x/versions/1", "registering")
        return
    target, address = code._place(cloud, "/codes/x/versions/1", "registering")
    assert (target.account_url, target.container, address) == expected and target.credential == "sig=1"


def test_dated_tags_are_ordered_by_date_and_number() -> None:
    tags = ["latest", "20260514.v1", "20260514.v10", "20260514.v9", "20260513.v2", "x20260515.v1", "20260515.v1x"]
    assert base_images.newest_tags(tags) == ["20260514.v10", "20260514.v9", "20260514.v1"]
    assert base_images.newest_tags([]) == []


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ({"name": "e", "properties": {"latestVersion": "3"}}, "azureml://registries/azureml/environments/e/versions/3"),
        ({"name": "e", "properties": {}}, None),
        ({"name": "", "properties": {"latestVersion": "3"}}, None),
        ({}, None),
    ],
)
def test_a_curated_environment_has_a_name_and_a_version(body: dict[str, Any], value: str | None) -> None:
    found = base_images._curated(body)
    assert (found and found.value) == value
