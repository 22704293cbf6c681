"""Models, code and environments, driven by both of Microsoft's clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from arm_client import Arm
from operations import GROUP, WORKSPACE, empty

from tests.sdk_code import registered_by_the_sdk

AT = (GROUP, WORKSPACE)


@pytest.fixture
def model_uri(arm: Arm, name: str) -> str:
    return f"azureml://subscriptions/x/resourcegroups/y/workspaces/z/datastores/workspaceblobstore/paths/{name}/model"


def test_models_with_the_management_client(mgmt: Any, name: str, model_uri: str) -> None:
    from azure.mgmt.machinelearningservices import models

    container = models.ModelContainer(
        properties=models.ModelContainerProperties(description="churn", tags={"a": "1"}, properties={"p": "q"})
    )
    made = mgmt.model_containers.create_or_update(*AT, name, container)
    assert empty(made) <= {"properties.latest_version"}
    for version, tags in (("1", {"stage": "old"}), ("2", {"stage": "new"}), ("3", {"stage": "new", "kind": "x"})):
        properties = models.ModelVersionProperties(
            model_uri=model_uri, model_type="custom_model", tags=tags, properties={"p": version}, description=version,
            job_name="job",
        )  # fmt: skip
        made = mgmt.model_versions.create_or_update(*AT, name, version, models.ModelVersion(properties=properties))
    assert empty(made) == set()
    assert mgmt.model_versions.get(*AT, name, "3").properties.model_uri == model_uri

    def listed(**query: Any) -> list[str]:
        return [item.name for item in mgmt.model_versions.list(*AT, name, **query)]

    assert listed() == ["3", "2", "1"]
    assert listed(order_by="createdtime asc") == ["1", "2", "3"]
    assert listed(top=2) == ["3", "2"]
    assert listed(offset=1) == ["2", "1"]
    assert listed(skip="2") == ["1"]
    assert listed(tags="stage=new") == ["3", "2"]
    assert listed(tags="stage=new,kind") == ["3"]
    assert listed(properties="p=1") == ["1"]
    assert listed(version="2") == ["2"]
    assert listed(description="2") == ["2"]
    container = mgmt.model_containers.get(*AT, name)
    assert (container.properties.latest_version, container.properties.next_version) == ("3", "4")

    # Archiving is a change of the version; archived ones are left out unless they are asked for.
    old = mgmt.model_versions.get(*AT, name, "1")
    old.properties.is_archived = True
    mgmt.model_versions.create_or_update(*AT, name, "1", old)
    assert listed() == ["3", "2"]
    assert listed(list_view_type="ArchivedOnly") == ["1"]
    assert listed(list_view_type="All") == ["3", "2", "1"]
    assert _status(mgmt.model_versions.list, *AT, name, list_view_type="ARCHIVED_ONLY") == 400

    container.properties.is_archived = True
    mgmt.model_containers.create_or_update(*AT, name, container)
    assert name not in [item.name for item in mgmt.model_containers.list(*AT)]
    assert name in [item.name for item in mgmt.model_containers.list(*AT, list_view_type="ArchivedOnly", count=2)]
    mgmt.model_versions.delete(*AT, name, "3")
    assert listed() == ["2"]
    mgmt.model_containers.delete(*AT, name)
    assert _status(mgmt.model_versions.list, *AT, name) == 404
    assert _status(mgmt.model_containers.get, *AT, name) == 404


def _status(operation: Any, *where: str, **more: Any) -> int:
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError) as refused:
        answer = operation(*where, **more)
        list(answer)
    assert refused.value.error.code and refused.value.error.message
    return int(refused.value.status_code)


def test_codes_with_the_management_client(mgmt: Any, name: str, arm: Arm) -> None:
    from azure.mgmt.machinelearningservices import models
    from azure.storage.blob import ContainerClient

    wish = models.PendingUploadRequestDto(pending_upload_type="TemporaryBlobReference")
    pending = mgmt.code_versions.create_or_get_start_pending_upload(*AT, name, "1", wish)
    # The storage account is the rehearsal's own and has no id in Azure.
    assert empty(pending) <= {"blob_reference_for_consumption.storage_account_arm_id"}
    place = pending.blob_reference_for_consumption
    with ContainerClient.from_container_url(
        place.credential.sas_uri, connection_verify=arm.env["REQUESTS_CA_BUNDLE"]
    ) as storage:
        storage.upload_blob("code/score.py", b"def init(): ...")
    uri = f"{place.blob_uri}/code"
    properties = models.CodeVersionProperties(code_uri=uri, properties={"hash_sha256": f"h-{name}"}, description="d")
    made = mgmt.code_versions.create_or_update(*AT, name, "1", models.CodeVersion(properties=properties))
    assert empty(made) == set()
    assert mgmt.code_versions.get(*AT, name, "1").properties.code_uri == uri
    # The hash finds the code under whatever name the client has made up.
    found = list(mgmt.code_versions.list(*AT, "another", hash=f"h-{name}", hash_version="1.0"))
    assert [item.id for item in found] == [made.id]
    assert [item.name for item in mgmt.code_versions.list(*AT, name, order_by="createdtime desc", top=1)] == ["1"]
    assert mgmt.code_containers.get(*AT, name).properties.latest_version == "1"
    container = models.CodeContainer(properties=models.CodeContainerProperties(description="scoring"))
    assert mgmt.code_containers.create_or_update(*AT, name, container).properties.description == "scoring"
    assert name in [item.name for item in mgmt.code_containers.list(*AT)]
    mgmt.code_versions.delete(*AT, name, "1")
    assert _status(mgmt.code_versions.get, *AT, name, "1") == 404
    mgmt.code_containers.delete(*AT, name)
    assert _status(mgmt.code_containers.get, *AT, name) == 404


def test_environments_with_the_management_client(mgmt: Any, name: str) -> None:
    from azure.mgmt.machinelearningservices import models

    def put(version: str, conda: str) -> Any:
        properties = models.EnvironmentVersionProperties(
            image="mcr.microsoft.com/x", conda_file=conda, description="d", properties={}, tags={}
        )
        body = models.EnvironmentVersion(properties=properties)
        return mgmt.environment_versions.create_or_update(*AT, name, version, body)

    made = put("1", "dependencies: []")
    # An image with a conda file has no Docker build; a scoring image's routes are not asked for.
    assert empty(made) <= {"properties.build", "properties.inference_config"}
    assert _status(put, "1", "dependencies: [pip]") == 409
    assert put("1", "dependencies: []").id == made.id
    put("7", "dependencies: [pip]")
    assert [item.name for item in mgmt.environment_versions.list(*AT, name)] == ["7", "1"]
    assert [item.name for item in mgmt.environment_versions.list(*AT, name, top=1)] == ["7"]
    assert [item.name for item in mgmt.environment_versions.list(*AT, name, order_by="createdtime asc")] == ["1", "7"]
    assert mgmt.environment_versions.get(*AT, name, "7").properties.conda_file == "dependencies: [pip]"
    container = mgmt.environment_containers.get(*AT, name)
    assert (container.properties.latest_version, container.properties.next_version) == ("7", "8")
    container.properties.description = "scoring"
    assert mgmt.environment_containers.create_or_update(*AT, name, container).properties.description == "scoring"
    assert name in [item.name for item in mgmt.environment_containers.list(*AT)]
    mgmt.environment_versions.delete(*AT, name, "7")
    assert mgmt.environment_containers.get(*AT, name).properties.latest_version == "1"
    mgmt.environment_containers.delete(*AT, name)
    assert _status(mgmt.environment_versions.get, *AT, name, "1") == 404


def test_data_with_the_management_client(mgmt: Any, name: str) -> None:
    """What a data collector writes to is registered as data: no more of data is offered than that needs."""
    from azure.mgmt.machinelearningservices import models

    def put(version: str, uri: str) -> Any:
        properties = models.UriFolderDataVersion(data_uri=uri, description="d", tags={"a": "1"}, properties={})
        body = models.DataVersionBase(properties=properties)
        return mgmt.data_versions.create_or_update(*AT, name, version, body)

    uri = "azureml://datastores/workspaceblobstore/paths/modelDataCollector"
    assert empty(put("1", uri)) == set()
    assert put("1", uri).properties.data_type == "uri_folder"
    assert _status(put, "1", uri + "/other") == 400
    put("2", uri)
    assert [item.name for item in mgmt.data_versions.list(*AT, name, tags="a=1")] == ["2", "1"]
    # A folder ends in a slash, as the SDK's own end-to-end tests expect it.
    assert mgmt.data_versions.get(*AT, name, "1").properties.data_uri == uri + "/"
    container = mgmt.data_containers.get(*AT, name)
    assert (container.properties.data_type, container.properties.next_version) == ("uri_folder", "3")
    container.properties.description = "collected"
    assert mgmt.data_containers.create_or_update(*AT, name, container).properties.description == "collected"
    assert name in [item.name for item in mgmt.data_containers.list(*AT)]
    mgmt.data_versions.delete(*AT, name, "2")
    assert _status(mgmt.data_versions.get, *AT, name, "2") == 404
    mgmt.data_containers.delete(*AT, name)
    assert _status(mgmt.data_containers.get, *AT, name) == 404


def test_data_says_when_it_is_to_be_deleted(ml_client: Any, artifacts: Path, name: str) -> None:
    from azure.ai.ml import load_data

    wish = "auto_delete_setting: {condition: created_greater_than, value: 30d}"
    text = f"name: {name}\nversion: '1'\ntype: uri_folder\npath: {artifacts / 'model'}\n{wish}\n"
    ml_client.data.create_or_update(load_data(source=StringIO(text)))
    kept = ml_client.data.get(name, "1")
    assert (kept.auto_delete_setting.condition, kept.auto_delete_setting.value) == ("createdGreaterThan", "30d")
    assert kept.path.endswith("/model/")


def test_assets_with_the_sdk(ml_client: Any, artifacts: Path, name: str) -> None:
    from azure.ai.ml.entities import Environment, Model

    for _ in range(2):
        ml_client.models.create_or_update(Model(name=name, path=str(artifacts / "model"), type="custom_model"))
    assert ml_client.models.get(name, label="latest").version == "2"
    assert [item.version for item in ml_client.models.list(name)] == ["2", "1"]
    assert name in {item.name for item in ml_client.models.list()}
    ml_client.models.archive(name, version="1")
    assert [item.version for item in ml_client.models.list(name)] == ["2"]
    ml_client.models.restore(name, version="1")
    ml_client.models.archive(name)
    assert name not in {item.name for item in ml_client.models.list()}
    ml_client.models.restore(name)
    ml_client.models.download(name, "2", download_path=str(artifacts / "down"))
    assert list((artifacts / "down").rglob("factor.json"))

    def environment() -> Iterator[Any]:
        for conda in ("dependencies: [python=3.11]", "dependencies: [python=3.12]"):
            (artifacts / "conda.yml").write_text(conda)
            yield ml_client.environments.create_or_update(
                Environment(name=name, conda_file=str(artifacts / "conda.yml"), image="mcr.microsoft.com/x")
            )

    assert [made.version for made in environment()] == ["1", "2"]
    assert ml_client.environments.get(name, label="latest").version == "2"
    assert [item.version for item in ml_client.environments.list(name)] == ["2", "1"]
    assert name in {item.name for item in ml_client.environments.list()}
    ml_client.environments.archive(name, version="2")
    assert [item.version for item in ml_client.environments.list(name)] == ["1"]
    ml_client.environments.restore(name, version="2")
    ml_client.environments.archive(name)
    ml_client.environments.restore(name)


def test_build_contexts_and_routes_with_the_sdk(ml_client: Any, mgmt: Any, artifacts: Path, name: str) -> None:
    """What a container of one's own needs is kept as it was sent; what does not go together is refused."""
    from azure.ai.ml.entities import BuildContext, Environment
    from azure.mgmt.machinelearningservices import models

    folder = artifacts / "docker"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\n")
    route = {"path": "/score", "port": 5001}
    routes = {"liveness_route": route, "readiness_route": route, "scoring_route": route}
    wanted = Environment(name=name, build=BuildContext(path=str(folder)), inference_config=routes)
    ml_client.environments.create_or_update(wanted)
    found = ml_client.environments.get(name, label="latest")
    assert found.build.path.rstrip("/").endswith("/docker") and found.build.dockerfile_path == "Dockerfile"
    assert found.inference_config.scoring_route.port == 5001

    sent = mgmt.environment_versions.get(*AT, name, "1")
    assert mgmt.environment_versions.create_or_update(*AT, name, "1", sent).id == sent.id
    sent.properties.build.dockerfile_path = "Other"
    assert _status(mgmt.environment_versions.create_or_update, *AT, name, "1", sent) == 409
    sent.properties.image = "mcr.microsoft.com/x"
    assert _status(mgmt.environment_versions.create_or_update, *AT, name, "2", sent) == 400
    half = models.InferenceContainerProperties(scoring_route=models.Route(path="/score", port=5001))
    properties = models.EnvironmentVersionProperties(image="mcr.microsoft.com/x", inference_config=half)
    body = models.EnvironmentVersion(properties=properties)
    assert _status(mgmt.environment_versions.create_or_update, *AT, name, "2", body) == 400


def test_codes_with_the_sdk(ml_client: Any, artifacts: Path) -> None:
    found = registered_by_the_sdk(ml_client, artifacts / "code").rsplit("/", 3)
    assert ml_client._code.get(found[-3], found[-1]).path
    ml_client._code.download(found[-3], found[-1], str(artifacts / "down"))
    assert list((artifacts / "down").rglob("score.py"))


def test_a_container_that_is_archived_with_the_sdk_is_archived(ml_client: Any, mgmt: Any, name: str) -> None:
    """What one client changes, the other sees."""
    from azure.mgmt.machinelearningservices import models

    body = models.EnvironmentVersion(properties=models.EnvironmentVersionProperties(image="mcr.microsoft.com/x"))
    mgmt.environment_versions.create_or_update(*AT, name, "1", body)
    ml_client.environments.archive(name)
    assert mgmt.environment_containers.get(*AT, name).properties.is_archived is True


def test_added_assets_are_there_for_the_sdk(
    ml_client: Any, rehearse: Callable[..., str], artifacts: Path, name: str
) -> None:
    (artifacts / "model" / "MLmodel").write_text("flavors: {python_function: {loader_module: mlflow.sklearn}}\n")
    rehearse("add", "model", f"{name}:4", str(artifacts / "model"))
    rehearse("add", "model", f"{name}:2", str(artifacts / "model" / "factor.json"))
    rehearse("add", "environment", name, str(artifacts / "conda.yml"))
    found = ml_client.models.get(name, version="4")
    assert (found.type, found.flavors) == ("mlflow_model", {"python_function": {"loader_module": "mlflow.sklearn"}})
    assert found.path.endswith("/model")
    # The latest is the one that was registered last, as on Azure.
    assert ml_client.models.get(name, label="latest").type == "custom_model"
    environment = ml_client.environments.get(name, label="latest")
    assert environment.version == "1" and environment.conda_file["dependencies"][0] == "python=3.11"
    ml_client.models.archive(name, version="4")
    assert {model.version for model in ml_client.models.list(name)} == {"2"}


def test_a_registry_holds_models_and_environments(
    mgmt: Any, rehearse: Callable[..., str], artifacts: Path, name: str
) -> None:
    from azure.core.exceptions import ResourceNotFoundError

    rehearse("add", "environment", f"{name}:7", str(artifacts / "conda.yml"), "--registry", "shared")
    found = mgmt.registry_environment_versions.get(GROUP, "shared", name, "7")
    assert found.id == f"azureml://registries/shared/environments/{name}/versions/7"
    with pytest.raises(ResourceNotFoundError):
        mgmt.registry_environment_versions.get(GROUP, "other", name, "7")
    with pytest.raises(ResourceNotFoundError):
        mgmt.environment_versions.get(*AT, name, "7")
    rehearse("add", "model", name, str(artifacts / "model"), "--registry", "shared")
    assert mgmt.registry_model_containers.get(GROUP, "shared", name).properties.latest_version == "1"
    assert mgmt.registry_model_versions.get(GROUP, "shared", name, "1").properties.model_type == "custom_model"
