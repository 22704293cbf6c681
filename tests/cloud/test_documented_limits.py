"""Limits that Microsoft documents, and how long a user waits at most: changing one is a decision, not an accident."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from scripted_service import Reply, Service

from tui.cloud.assets import base_images, code, environments, models
from tui.cloud.endpoints import endpoint_names, traffic
from tui.cloud.errors import CloudError
from tui.cloud.http import connections, connectivity, operation, run_operation
from tui.cloud.sources import mlflow_source, staging
from tui.cloud.storage import blob_container, folder_files, storage_probe, upload_pace, uploader
from tui.cloud.storage.datastore import Datastore
from tui.cloud.workspace import limits, prices
from tui.plan.model import BuildContext, Environment, Model

MIB = 1024 * 1024


def test_limits_of_azure() -> None:
    """Microsoft: how-to-manage-quotas, tag-resources, scalability-targets, the pricing calculator's month."""
    assert (limits.ENDPOINTS, limits.DEPLOYMENTS) == (100, 500)
    assert (limits.DEPLOYMENTS_PER_ENDPOINT, limits.INSTANCES) == (20, 50)
    assert (traffic._LONGEST_TAG, folder_files._MOST_PIECES, prices.HOURS_A_MONTH) == (256, 50_000, 730)
    assert folder_files.PIECE > 4 * MIB, "smaller blocks have a rate limit of their own"


def test_how_long_a_user_waits() -> None:
    assert (connections.CONNECT_SECONDS, connections.READ_SECONDS) == (10, 60)
    assert (connectivity.CONNECT_SECONDS, connectivity.HANDSHAKE_SECONDS) == (3, 4.5)
    assert (operation._PATIENCE, run_operation.BUSY_SECONDS, run_operation.WORKING_SECONDS) == (600, 600, 5)
    assert (blob_container._SILENCE, blob_container._STRANGER, endpoint_names.SECONDS) == (180, 4, 15)
    assert (prices.TIMEOUT_SECONDS, prices.UNREACHABLE_SECONDS, prices.KEPT_SECONDS) == (3, 600, 24 * 3600)
    assert (base_images._TAGS_TIMEOUT, endpoint_names.MOST_WORKSPACES) == ((3, 5), 40)
    waits = (uploader._TICK, folder_files._TICK, staging._TICK, upload_pace._LOOK, run_operation.CHECK_SECONDS)
    assert max(waits) <= 0.2, "a cancel is noticed at once"


def test_how_much_is_read_and_kept() -> None:
    assert (models._LOOK_BACK, models._VERSIONS_TRIED, models._WORTH_OVERLAPPING) == (200, 3, 64 * MIB)
    assert (code._PLACES, mlflow_source._MOST_FOLDERS, staging._SPARE) == (3, 2000, 256 * MIB)
    assert (uploader._AT_ONCE, uploader._LARGE_AT_ONCE, uploader._LARGE) == (32, 8, MIB)
    assert uploader._LARGE_AT_ONCE * folder_files.PIECE <= 64 * MIB, "memory of an upload"


def test_a_page_more_than_three_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    row = {"unitOfMeasure": "1 Hour", "skuName": "D2"}

    def get(session: Any, url: str, params: Any, timeout: float) -> Any:
        asked.append((url, params, timeout))
        page = {"Items": [{**row, "retailPrice": 9 - len(asked)}, "odd"], "NextPageLink": f"https://p/{len(asked)}"}
        return SimpleNamespace(raise_for_status=lambda: None, json=lambda: page)

    monkeypatch.setattr(requests.Session, "get", get)
    assert prices._fetched("D2", "eastus", "https://p") == 6
    assert [url for url, *_ in asked] == ["https://p", "https://p/1", "https://p/2"]
    assert asked[0][1]["currencyCode"] == "'USD'" and asked[1][1] is None
    assert all(0.1 <= timeout <= 3 for *_, timeout in asked)
    asked.clear()
    assert prices._fetched("D2", "eastus", "https://other") == 8 and len(asked) == 1, "a link elsewhere is not followed"
    monkeypatch.setattr(prices, "TIMEOUT_SECONDS", -1.0)
    asked.clear()
    prices._fetched("D2", "eastus", "https://p")
    assert len(asked) == 1 and asked[0][2] == 0.1, "no page is asked for when the time is over"


@pytest.mark.parametrize("body", [{"Items": None}, {"Items": []}, []])
def test_without_a_price_there_is_none(monkeypatch: pytest.MonkeyPatch, body: Any) -> None:
    monkeypatch.setattr(prices, "_silent", {})
    answer = SimpleNamespace(raise_for_status=lambda: None, json=lambda: body)
    monkeypatch.setattr(requests.Session, "get", lambda *args, **options: answer)
    assert prices._fetched("D2", "eastus", "https://p") is None
    assert ("https://p" in prices._silent) is isinstance(body, list), "an answer without prices is an answer"


def test_content_is_found_by_32_digits_of_its_hash(cloud: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a").write_text("1")
    content = folder_files.content_hash(folder)
    places: list[str] = []
    target = Datastore("s", "https://acc.blob.x", "c", "sig=x")

    def uploaded(target: Any, files: Any, prefix: str, inside: str, *args: Any) -> tuple[str, dict[str, str]]:
        places.append(f"{prefix}/{inside}")
        return prefix, folder_files._hashed(files, lambda: False, lambda done, total: None)

    for module in (models, environments):
        monkeypatch.setattr(module, "default_datastore", lambda cloud: target)
        monkeypatch.setattr(module, "upload_and_hash", uploaded)
    monkeypatch.setattr(models, "_newest", lambda *args: iter(()))
    made: list[Any] = []
    monkeypatch.setattr(models, "create_version", lambda cloud, model, uri, marks: made.append((uri, marks)))
    for path in (folder, folder / "a"):
        digest = folder_files.content_hash(path)
        models.register(cloud, Model("m", path), path, digest)
    assert places[0] == f"aml-deploy/{content[:32]}/model"
    assert places[1] == f"aml-deploy/{folder_files.content_hash(folder / 'a')[:32]}/"
    uri, marks = made[0]
    assert uri == f"azureml://datastores/s/paths/aml-deploy/{content[:32]}/model"
    assert marks == {models.CONTENT_TAG: content, models.FIGURES_TAG: "1 files, 1 bytes"}
    place = f"aml-deploy/{content[:32]}/model"
    assert environments._is_of(folder, f"https://acc.blob.x/c/{place}")
    address = environments._uploaded(cloud, folder, lambda done, total: None, lambda: False)
    assert address == f"https://acc.blob.x/c/{place}/" and places[-1] == place
    assert environments.routes(None) is None and not Environment("e", build=BuildContext(folder)).inference_config


def test_the_storage_is_probed_with_one_list(service: Service, cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Datastore("s", f"{service.url}/acc", "c", "sig=x")
    monkeypatch.setattr(storage_probe, "default_datastore", lambda cloud: target)
    service.on("GET", "/acc/c", Reply(200, b"<EnumerationResults/>"))
    assert storage_probe.list_nothing(cloud) == f"{service.url}/acc/c" and service.count("GET", "/acc/c") == 1
    service.on("GET", "/acc/c", Reply(403, b""))
    with pytest.raises(CloudError) as caught:
        storage_probe.list_nothing(cloud)
    assert caught.value.status == 403


def test_a_body_in_the_place_of_a_workspace_is_kept_in_part(service: Service, cloud: Any) -> None:
    service.on("GET", r"/workspaces/workspace\?", Reply(200, ["x" * 5000]))
    with pytest.raises(CloudError) as caught:
        cloud.read_workspace()
    assert len(caught.value.raw) == 2000
