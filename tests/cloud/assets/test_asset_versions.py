"""Which registered version of a model, environment or code is taken for the plan's, and which is created."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.assets import base_images, code, environments, models
from tui.cloud.assets.environments import EnvironmentVersion
from tui.cloud.assets.models import CONTENT_TAG, FIGURES_TAG, parse_reference
from tui.cloud.errors import Cancelled, CloudError
from tui.cloud.storage.folder_files import content_hash, walk
from tui.plan.model import BuildContext, Environment, InferenceConfig, Model, Route

MODELS = f"{WORKSPACE.id}/models/m/versions"
GONE = Reply(404, {"error": {"code": "NotFound"}})
TAKEN = Reply(409, {"error": {"code": "UserError", "message": "already exists"}})


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("azureml:m:3", ("m", "3")), ("azureml:m@latest", ("m", None)), ("azureml:m", ("m", None)), ("m:3", ("m", "3")),
        ("m@other", ("m", "other")), (f"{MODELS}/3", ("m", "3")), (f"azureml:/x/Models/m/Versions/3", ("m", "3")),
        (f"{MODELS}/3/x", (f"{MODELS}/3/x", None)),
    ],
)  # fmt: skip
def test_a_reference(reference: str, expected: tuple[str, str | None]) -> None:
    assert parse_reference(reference, "models") == expected


def version(number: str, kind: str | None = "custom_model", **tags: str) -> dict[str, Any]:
    return {"id": f"{MODELS}/{number}", "name": number, "properties": {"modelType": kind, "tags": tags, "modelUri": "u"}}


def listed(service: Service, *found: dict[str, Any]) -> None:
    service.on("GET", r"/models/m/versions\?", Reply(body={"value": list(found)}))


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [("a", None, "3"), ("a", "custom_model", "2"), ("a", "mlflow_model", "3"), ("b", None, None), ("a", "other", None)],
)
def test_the_newest_version_with_the_same_content_and_type(
    service: Service, cloud: Any, content: str, kind: str | None, expected: str | None
) -> None:
    tag = {CONTENT_TAG: "a"}
    listed(service, version("4", **{CONTENT_TAG: "x"}), version("3", "mlflow_model", **tag), version("2", None, **tag))
    found = models.find(cloud, "m", content, kind)
    assert (found and found.version) == expected


def test_at_most_two_hundred_versions_are_examined(service: Service, cloud: Any) -> None:
    for place, there in ((199, True), (200, False)):
        rows = [version(str(number)) for number in range(201)]
        rows[place] = version("same", **{CONTENT_TAG: "a"})
        listed(service, *rows)
        assert (models.find(cloud, "m", "a") is not None) is there


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
            models.find(cloud, "m", "a")
    else:
        assert models.find(cloud, "m", "a") is None


def test_a_reference_is_resolved_or_refused(service: Service, cloud: Any) -> None:
    listed(service, version("9"))
    service.on("GET", "/models/m/versions/3", Reply(body=version("3")))
    assert models.resolve(cloud, "azureml:m:3").version == "3"
    assert models.resolve(cloud, "azureml:m@latest").version == "9"
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
        found = models.register(cloud, Model("m", model, version=named), model, digest, creating=lambda: created.append(1))
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


def put_model(service: Service, *replies: Reply) -> None:
    service.on("PUT", "/models/m/versions/", *replies)
    service.on("GET", r"/models/m\?", Reply(body={"properties": {"nextVersion": "5", "latestVersion": "4"}}))


def made(number: str = "5", **tags: str) -> dict[str, Any]:
    return {**version(number, **tags), "properties": {"modelUri": "azureml://x", "modelType": "custom_model", "tags": tags}}


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


# Environments

ENVIRONMENT = f"{WORKSPACE.id}/environments/e"
IMAGE = "mcr.microsoft.com/x:1"


def environment(service: Service, number: str = "2", **properties: Any) -> None:
    service.on("GET", f"/environments/e/versions/{number}",
               Reply(body={"id": f"{ENVIRONMENT}/versions/{number}", "name": number, "properties": properties}))  # fmt: skip
    service.on("GET", r"/environments/e\?", Reply(body={"properties": {"latestVersion": number}}))


@pytest.fixture
def conda(tmp_path: Path) -> Path:
    path = tmp_path / "conda.yml"
    path.write_text("name: x\ndependencies: [python]\n")
    return path


CONDA = "name: x\ndependencies: [python]\n"
ROUTES = {name: {"path": "/p", "port": 80} for name in ("livenessRoute", "readinessRoute", "scoringRoute")}
ROUTE = Route("/p", 80)


@pytest.mark.parametrize(
    ("properties", "same"),
    [
        ({"image": IMAGE, "condaFile": CONDA}, True),
        ({"image": IMAGE, "condaFile": {"name": "x", "dependencies": ["python"]}}, True),
        ({"image": "other", "condaFile": CONDA}, False),
        ({"image": IMAGE, "condaFile": "name: y"}, False),
        ({"image": IMAGE}, False),
        ({"image": IMAGE, "condaFile": CONDA, "inferenceConfig": ROUTES}, False),
        ({"image": IMAGE, "condaFile": CONDA, "inferenceConfig": {}}, True),
        ({"image": IMAGE, "condaFile": CONDA, "inferenceConfig": []}, True),
        ({"image": IMAGE, "condaFile": CONDA, "build": {"contextUri": "https://x"}}, False),
    ],
)
def test_an_environment_with_the_plans_content_is_found(
    service: Service, cloud: Any, conda: Path, properties: dict[str, Any], same: bool
) -> None:
    environment(service, **properties)
    found = environments.find(cloud, Environment("e", conda_file=conda, image=IMAGE))
    assert (found is not None) is same


@pytest.mark.parametrize(
    ("routes", "same"),
    [(ROUTES, True), ({**ROUTES, "scoringRoute": {"path": "/q", "port": 80}}, False), (None, False),
     ({**ROUTES, "livenessRoute": {"path": "/p", "port": 80, "more": 1}, "odd": "text"}, True)],
)  # fmt: skip
def test_the_routes_of_a_container_count(service: Service, cloud: Any, routes: Any, same: bool) -> None:
    environment(service, image=IMAGE, inferenceConfig=routes)
    wanted = Environment("e", image=IMAGE, conda_file=None, inference_config=InferenceConfig(ROUTE, ROUTE, ROUTE))
    assert (environments.find(cloud, wanted) is not None) is same


@pytest.mark.parametrize(
    ("url", "dockerfile", "uri", "there", "same"),
    [
        ("https://g/x", "Dockerfile", "https://g/x/", None, True),
        ("https://g/x/", "Dockerfile", "https://g/x", "Dockerfile", True),
        ("https://g/x", "Dockerfile", "https://g/y", None, False),
        ("https://g/x", "D", "https://g/x", None, False),
        ("https://g/x", "D", "https://g/x", "D", True),
        ("https://g/x", "Dockerfile", None, None, False),
        (None, "Dockerfile", "https://s/aml-deploy/HASH/context/", None, True),
        (None, "Dockerfile", "https://s/aml-deploy/0/context/", None, False),
    ],
)
def test_a_build_context_is_found_by_address_or_content(
    service: Service, cloud: Any, tmp_path: Path, url: str | None, dockerfile: str, uri: str | None, there: str | None,
    same: bool,
) -> None:  # fmt: skip
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM x")
    told = uri and uri.replace("HASH", content_hash(context)[:32])
    environment(service, build={"contextUri": told, "dockerfilePath": there} if told else None)
    wanted = BuildContext(None if url else context, url, dockerfile)
    found = environments.find(cloud, Environment("e", conda_file=None, image=None, build=wanted))
    assert (found is not None) is same


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"latestVersion": "4", "nextVersion": "7"}, ("4", "7")),
        ({"latestVersion": "4"}, ("4", "5")),
        ({"latestVersion": "x"}, ("x", "1")),
        ({}, (None, "1")),
        (None, (None, "1")),
    ],
)
def test_the_latest_and_the_next_version(service: Service, cloud: Any, properties: Any, expected: Any) -> None:
    service.on("GET", r"/environments/e\?", Reply(body={"properties": properties}))
    assert environments._versions(cloud, "e") == expected


def test_references_of_environments(service: Service, cloud: Any, conda: Path) -> None:
    environment(service, image=IMAGE)
    for reference in ("azureml:e:2", "azureml:e@latest", f"{ENVIRONMENT}/versions/2"):
        assert environments.resolve(cloud, reference).version == "2"
        assert environments.find(cloud, Environment("other", registered=reference)) is not None
    registry = "azureml://registries/azureml/environments/sklearn/versions/10"
    assert environments.resolve(cloud, registry) == EnvironmentVersion(registry, "sklearn", "10", None, None)
    service.on("GET", "/environments/none", GONE)
    for reference in ("azureml:e:9", "azureml:none@latest"):
        with pytest.raises(CloudError) as caught:
            environments.resolve(cloud, reference)
        assert (caught.value.code, caught.value.status) == ("EnvironmentNotFound", 404)
    assert environments.find(cloud, Environment("none", image=IMAGE)) is None
    assert environments.find(cloud, Environment("e", version="9", image=IMAGE)) is None
    assert environments.find(cloud, Environment("e", version="2", image=IMAGE)) is not None


@pytest.mark.parametrize(("text", "valid"), [("a: 1", True), ("", True), ("[1]", False), ("text", False), ("{", False)])
def test_a_conda_file_must_be_a_map(tmp_path: Path, text: str, valid: bool) -> None:
    path = tmp_path / "conda.yml"
    path.write_text(text)
    if valid:
        environments._content(path)
        return
    with pytest.raises(CloudError) as caught:
        environments._content(path)
    assert caught.value.code == "CondaFileInvalid"


def test_no_conda_file_has_no_content(tmp_path: Path) -> None:
    assert environments._content(None) is None
    with pytest.raises(CloudError):
        environments._content(tmp_path / "missing.yml")
    with pytest.raises(CloudError):
        (tmp_path / "odd.yml").write_bytes(b"\xff\xfe\xff")
        environments._content(tmp_path / "odd.yml")


@pytest.mark.parametrize(("status", "there", "raised"), [(409, True, False), (400, True, False), (409, False, True),
                                                        (403, True, True)])  # fmt: skip
def test_an_environment_that_was_registered_meanwhile_is_the_plans(
    service: Service, cloud: Any, conda: Path, status: int, there: bool, raised: bool
) -> None:
    properties = {"image": IMAGE if there else "other", "condaFile": CONDA}
    body = Reply(body={"id": f"{ENVIRONMENT}/versions/3", "name": "3", "properties": properties})
    service.on("GET", "/environments/e/versions/3", GONE, body)
    service.on("PUT", "/environments/e/versions/3", Reply(status, {"error": {"code": "X"}}))
    wanted = Environment("e", conda, IMAGE, "3")
    if raised:
        with pytest.raises(CloudError) as caught:
            environments.register(cloud, wanted)
        assert caught.value.status == status
        return
    found = environments.register(cloud, wanted)
    assert found.version == "3" and not found.reused


def test_a_found_environment_is_reused_and_a_new_one_gets_the_next_number(
    service: Service, cloud: Any, conda: Path, tmp_path: Path
) -> None:
    environment(service, image=IMAGE, condaFile=CONDA)
    assert environments.register(cloud, Environment("e", conda_file=conda, image=IMAGE)).reused
    new = Reply(body={"id": f"{ENVIRONMENT}/versions/3", "name": "3", "properties": {"image": "new"}})
    service.on("GET", "/environments/e/versions/3", new)
    service.on("PUT", "/environments/e/versions/3", new)
    found = environments.register(cloud, Environment("e", conda_file=conda, image="new"), tmp_path)
    assert (found.version, found.reused, found.image) == ("3", False, "new")
    (sent,) = [json.loads(body) for verb, _, body, _ in service.requests if verb == "PUT"]
    assert "python" in sent["properties"]["condaFile"]


# Code, and Microsoft's images


@pytest.mark.parametrize(
    ("items", "expected"), [([], None), ([{"id": ""}, {"id": "/c"}], "/c"), ([{"id": "/a"}, {"id": "/b"}], "/a"), (None, None)]
)
def test_code_is_found_by_its_content(service: Service, cloud: Any, model: Path, items: Any, expected: Any) -> None:
    service.on("GET", "/codes/[^/]+/versions", Reply(body={"value": items}))
    found = code.find(cloud, model)
    assert (found and (found.id, found.reused)) == (expected and (expected, True))
    assert f"hash={code.snapshot_hash(walk(model))}" in service.requests[-1][1]


@pytest.mark.parametrize(
    ("sas", "blob", "expected"),
    [
        ("https://h/c?sig=1", None, ("https://h", "c", "https://h/c")),
        ("https://h/acc/c?sig=1", "https://h/other/", ("https://h/acc", "c", "https://h/other")),
        ("https://h/c", None, None),
        ("https://h/?sig=1", None, None),
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
