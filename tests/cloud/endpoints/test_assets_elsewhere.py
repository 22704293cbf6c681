"""Assets of other workspaces and of registries: what cannot be read or deployed is refused with Azure's codes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import rehearsal_command
from tui.checks.model import registered
from tui.cloud.assets import environments, models
from tui.cloud.endpoints import deployments, endpoints
from tui.cloud.endpoints.deployments import AssetIds
from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud, connect
from tui.common.deadlines import Question
from tui.plan.model import Deployment, Endpoint, Environment, Model, Plan, Workspace

READ = "Microsoft.MachineLearningServices/workspaces/models/versions/read"


@pytest.fixture
def elsewhere(rehearsed: dict[str, Any], tmp_path: Path) -> models.ModelVersion:
    """A model that is registered in another workspace than the plan's."""
    (tmp_path / "word.txt").write_text("hello")
    other = connect(Plan(workspace=Workspace(**rehearsed["workspaces"]["legacy"])))
    wanted = Model(f"m-{uuid.uuid4().hex[:8]}", tmp_path)
    return models.register(other, wanted, tmp_path, models.content_hash(tmp_path))


@pytest.fixture
def cloud(rehearsed: dict[str, Any]) -> Cloud:
    return connect(Plan(workspace=Workspace(**rehearsed["workspaces"]["managed"])))


@pytest.fixture
def rights(rehearsal_home: dict[str, str]) -> Iterator[Callable[..., None]]:
    """Takes an action from the identity; it is given back at the end."""

    def change(*words: str) -> None:
        assert rehearsal_command("rights", *words, env=rehearsal_home).returncode == 0

    yield change
    change("--reset")


def test_a_deployment_of_a_model_elsewhere_is_refused(cloud: Cloud, elsewhere: models.ModelVersion) -> None:
    name = f"t-{uuid.uuid4().hex[:10]}"
    environment = environments.register(cloud, Environment(f"e-{name}", image="mcr.microsoft.com/i:1")).id
    plan = replace(cloud.plan, endpoint=Endpoint(name), deployment=Deployment("blue"))
    endpoints.begin_create_or_update(cloud, plan.endpoint).result()
    for model, told in (
        (elsewhere.id, (400, "BadArgument", "registered in the workspace of the deployment")),
        (elsewhere.id.replace("/versions/1", "/versions/9"), (400, "BadArgument", "was not found in the workspace")),
        (
            "azureml://registries/r/models/m/versions/1",
            (400, "NotInARehearsal", "registries do not hold"),
        ),
    ):
        with pytest.raises(CloudError) as refused:
            deployments.begin_create_or_update(cloud, plan, AssetIds(model, environment, None))
        error = refused.value
        assert (error.status, error.code) == told[:2] and told[2] in f"{error.cause} {error.raw}"
    endpoints.begin_delete(cloud, name).result()


def test_what_does_not_exist_elsewhere_is_named(cloud: Cloud, elsewhere: models.ModelVersion) -> None:
    _, _, subscription, _, group, *_ = elsewhere.id.split("/")
    for before, after, code in (
        (f"/subscriptions/{subscription}/", f"/subscriptions/{uuid.uuid4()}/", "SubscriptionNotFound"),
        (f"/resourceGroups/{group}/", "/resourceGroups/nobodys/", "ResourceGroupNotFound"),
        ("/versions/1", "/versions/9", "ModelNotFound"),
    ):
        with pytest.raises(CloudError) as missing:
            models.resolve(cloud, elsewhere.id.replace(before, after))
        assert (missing.value.status, missing.value.code) == (404, code)


def found(cloud: Cloud, reference: str) -> Any:
    plan = replace(cloud.plan, deployment=Deployment("blue", Model(registered=reference)))
    (finding,) = registered.findings(plan, registered.asked(plan, cloud, lambda ask: Question(ask, 30)))
    return finding


def test_the_check_warns_of_a_model_elsewhere_and_blocks_one_that_may_not_be_read(
    cloud: Cloud, elsewhere: models.ModelVersion, rights: Callable[..., None]
) -> None:
    finding = found(cloud, elsewhere.id)
    assert finding.severity == "warning" and "through a registry" in finding.remedy
    rights("--deny", READ)
    finding = found(cloud, elsewhere.id)
    assert finding.severity == "blocker" and READ in finding.remedy
    workspace = elsewhere.id.partition("/models/")[0]
    assert [command for command in finding.commands if workspace in command], "the role on the other workspace"
