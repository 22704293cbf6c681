"""Which registered version of a model is taken for the plan's, and which is created."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.assets import models
from tui.cloud.assets.models import CONTENT_TAG, FIGURES_TAG
from tui.cloud.errors import Cancelled, CloudError
from tui.cloud.storage.folder_files import content_hash
from tui.plan.model import Model

MODELS = f"{WORKSPACE.id}/models/m/versions"
OTHER = "/subscriptions/s2/resourceGroups/g2/providers/Microsoft.MachineLearningServices/workspaces/w2"
TAKEN = Reply(409, {"error": {"code": "UserError", "message": "already exists"}})


def version(number: str, kind: str | None = "custom_model", **tags: str) -> dict[str, Any]:
    return {
        "id": f"{MODELS}/{number}",
        "name": number,
        "properties": {"modelType": kind, "tags": tags, "modelUri": "u"},
    }


def listed(service: Service, *found: dict[str, Any]) -> None:
    service.on("GET", r"/models/m/versions\?", Reply(body={"value": list(found)}))


@pytest.mark.parametrize(
    ("content", "kind", "number", "expected"),
    [("a", None, None, "3"), ("a", "custom_model", None, "2"), ("a", "mlflow_model", None, "3"),
     ("b", None, None, None), ("a", "other", None, None), ("a", None, "2", "2"), ("a", None, "9", None),
     ("a", None, "4", None)],
)  # fmt: skip
def test_the_newest_version_with_the_same_content_type_and_number(
    service: Service, cloud: Any, content: str, kind: str | None, number: str | None, expected: str | None
) -> None:
    tag = {CONTENT_TAG: "a"}
    listed(service, version("4", **{CONTENT_TAG: "x"}), version("3", "mlflow_model", **tag), version("2", None, **tag))
    found = models.find(cloud, Model("m", type=kind, version=number), content)
    assert (found and found.version) == expected


def test_at_most_two_hundred_versions_are_examined(service: Service, cloud: Any) -> None:
    for place, there in ((199, True), (200, False)):
        rows = [version(str(number)) for number in range(201)]
        rows[place] = version("same", **{CONTENT_TAG: "a"})
        listed(service, *rows)
        assert (models.find(cloud, Model("m"), "a") is not None) is there


@pytest.mark.parametrize(
    ("status", "code_", "raised"),
    [(404, "NotFound", False), (404, "ResourceGroupNotFound", True), (404, "SubscriptionNotFound", True),
     (403, "NotFound", True)],
)  # fmt: skip
def test_a_model_that_does_not_exist_has_no_versions(
    service: Service, cloud: Any, status: int, code_: str, raised: bool
) -> None:
    service.on("GET", "/models/m", Reply(status, {"error": {"code": code_}}))
    if raised:
        with pytest.raises(CloudError):
            models.find(cloud, Model("m"), "a")
    else:
        assert models.find(cloud, Model("m"), "a") is None


def test_a_reference_is_resolved_or_refused(service: Service, cloud: Any) -> None:
    listed(service, version("9"))
    service.on("GET", "/models/m/versions/3", Reply(body=version("3")))
    assert models.resolve(cloud, "azureml:m:3").version == "3"
    assert models.resolve(cloud, "azureml:m@latest").version == "9"
    elsewhere = f"{MODELS.replace(WORKSPACE.id, OTHER)}"
    service.on("GET", f"{elsewhere}/3", Reply(body={**version("3"), "id": f"{elsewhere}/3"}))
    assert models.resolve(cloud, f"azureml:{elsewhere}/3").id == f"{elsewhere}/3", "not the version of the same number"
    in_registry = "azureml://registries/r/models/m/versions/3"
    assert models.resolve(cloud, in_registry).id == in_registry
    listed(service)
    for reference in ("azureml:m:4", "azureml:m@latest"):
        with pytest.raises(CloudError) as caught:
            models.resolve(cloud, reference)
        assert (caught.value.code, caught.value.status) == ("ModelNotFound", 404)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"12345")
    return folder


def test_a_version_with_the_content_is_reused_unless_the_plan_names_another(
    service: Service, cloud: Any, model: Path
) -> None:
    digest = content_hash(model)
    listed(service, version("2", **{CONTENT_TAG: digest}))
    created: list[int] = []
    for named in (None, "2"):
        found = models.register(
            cloud, Model("m", model, version=named), model, digest, creating=lambda: created.append(1)
        )
        assert found.reused and found.version == "2" and created == []
        assert models.bring(cloud, Model("m", model, version=named), model).reused
    service.on("GET", "/models/m/versions/3", Reply(body=version("3")))
    with pytest.raises(CloudError) as caught:
        models.register(cloud, Model("m", model, version="3"), model, digest, creating=lambda: created.append(1))
    assert (caught.value.code, caught.value.status, created) == ("ModelVersionExists", 409, [1])


@pytest.mark.parametrize(("worth", "overlapping"), [(6, False), (5, True), (4, True)])  # the model has 5 bytes
@pytest.mark.parametrize(
    ("named", "tags", "alike"),
    [
        (None, {CONTENT_TAG: "x", FIGURES_TAG: "1 files, 5 bytes"}, True),
        (None, {CONTENT_TAG: "x"}, True),
        (None, {CONTENT_TAG: "x", FIGURES_TAG: "2 files, 5 bytes"}, False),
        (None, {}, False),
        ("7", {}, True),
    ],
)
def test_large_data_is_hashed_on_its_way_only_if_no_version_can_be_the_same(
    service: Service, cloud: Any, model: Path, monkeypatch: pytest.MonkeyPatch, worth: int, overlapping: bool,
    named: str | None, tags: dict[str, str], alike: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(models, "_WORTH_OVERLAPPING", worth)
    listed(service, version("1", **tags))
    ways: list[str] = []
    monkeypatch.setattr(models, "register", lambda *args: ways.append("first hashed"))

    def no_upload(cloud: Any) -> None:
        ways.append("on the way")
        raise Cancelled

    monkeypatch.setattr(models, "default_datastore", no_upload)
    with contextlib.suppress(Cancelled):
        models.bring(cloud, Model("m", model, version=named), model)
    assert ways == ["on the way" if overlapping and not alike else "first hashed"]


@pytest.mark.parametrize(("worth", "told"), [(6, []), (5, [(5, 5), "creating"])])  # the model has 5 bytes
def test_large_data_is_hashed_with_progress(
    service: Service, cloud: Any, model: Path, monkeypatch: pytest.MonkeyPatch, worth: int, told: list[Any]
) -> None:
    monkeypatch.setattr(models, "_WORTH_OVERLAPPING", worth)
    listed(service, version("1", **{CONTENT_TAG: "x"}))
    seen: list[Any] = []

    def creating() -> None:
        seen.append("creating")
        raise Cancelled

    with pytest.raises(Cancelled):
        models.bring(cloud, Model("m", model), model, lambda *counts: seen.append(counts), creating=creating)
    assert seen[-2:] == (told or ["creating"])


def put_model(service: Service, *replies: Reply) -> None:
    service.on("PUT", "/models/m/versions/", *replies)
    service.on("GET", r"/models/m\?", Reply(body={"properties": {"nextVersion": "5", "latestVersion": "4"}}))


def made(number: str = "5", **tags: str) -> dict[str, Any]:
    return {
        **version(number, **tags),
        "properties": {"modelUri": "azureml://x", "modelType": "custom_model", "tags": tags},
    }


URI = "azureml://datastores/x/paths/y"


def test_a_version_that_was_created_although_the_response_was_lost_is_found(service: Service, cloud: Any) -> None:
    put_model(service, TAKEN)
    service.on("GET", "/models/m/versions/5", Reply(body=made("5", own="1", a="b")))
    assert models.create_version(cloud, Model("m", version="5", tags={"own": "1"}), URI, {"a": "b"}).version == "5"


@pytest.mark.parametrize(("named", "tries"), [("5", 1)])
def test_a_version_of_somebody_else_is_not_taken(service: Service, cloud: Any, named: str, tries: int) -> None:
    put_model(service, TAKEN)
    service.on("GET", "/models/m/versions/5", Reply(body=made("5", other="1")))
    with pytest.raises(CloudError):
        models.create_version(cloud, Model("m", version=named), URI, {"a": "b"})
    assert service.count("PUT", "/models/m/versions/") == tries


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_of_another_kind_is_raised(service: Service, cloud: Any, status: int) -> None:
    put_model(service, Reply(status, {"error": {"code": "X"}}))
    with pytest.raises(CloudError) as caught:
        models.create_version(cloud, Model("m", version="5"), URI, {})
    assert caught.value.status == status
