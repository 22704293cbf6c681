"""Which registered environment is taken for the plan's, and which is created."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.assets import environments
from tui.cloud.assets.environments import EnvironmentVersion
from tui.cloud.errors import CloudError
from tui.cloud.storage.folder_files import content_hash
from tui.plan.model import BuildContext, Environment, InferenceConfig, Route

GONE = Reply(404, {"error": {"code": "NotFound"}})
ENVIRONMENT = f"{WORKSPACE.id}/environments/e"
IMAGE = "mcr.microsoft.com/x:1"


def environment(service: Service, number: str = "2", **properties: Any) -> None:
    service.on("GET", f"/environments/e/versions/{number}",
               Reply(body={"id": f"{ENVIRONMENT}/versions/{number}", "name": number,
               "properties": properties}))  # fmt: skip
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
