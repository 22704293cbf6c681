"""The lists of a form, asked of a real helper that is led to the rehearsal, with full and with narrowed rights."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.conftest import rehearsal_command
from tui.helper.client import HelperClient, HelperError

SERVICE = "Microsoft.MachineLearningServices"


@pytest_asyncio.fixture
async def client(rehearsal_env: dict[str, str]) -> AsyncIterator[HelperClient]:
    made = HelperClient(rehearsal_env)
    yield made
    await made.close()


@pytest.fixture
def give(rehearsal: dict[str, Any], rehearsal_home: dict[str, str]) -> Iterator[Callable[..., None]]:
    """Changes the rights of the practice service principal, and gives them back at the end."""

    def change(*arguments: str) -> None:
        done = rehearsal_command("rights", "--identity", "service-principal", *arguments, env=rehearsal_home)
        assert done.returncode == 0, done.stderr

    yield change
    change("--reset")


def plan(rehearsal: dict[str, Any], principal: bool = False, **more: Any) -> dict[str, Any]:
    """The plan of a question; with `principal`, signed in as the practice service principal."""
    tree: dict[str, Any] = {"workspace": rehearsal["workspaces"]["managed"], **more}
    secrets = {}
    if principal:
        values = rehearsal["set"]
        tree["credential"] = {
            "method": "service_principal",
            "tenant_id": values["REHEARSAL_TENANT_ID"],
            "client_id": values["REHEARSAL_CLIENT_ID"],
        }
        secrets["credential.client_secret"] = values["REHEARSAL_CLIENT_SECRET"]
    return {"document": tree, "base": "/", "secrets": secrets}


@pytest.mark.smoke
async def test_what_is_there_can_be_chosen_from_the_subscription_down(
    client: HelperClient, rehearsal: dict[str, Any]
) -> None:
    known = rehearsal["workspaces"]["managed"]
    asked = plan(rehearsal)
    asked["document"]["workspace"] = {}
    subscriptions = await client.ask("subscriptions", plan=asked)
    assert known["subscription_id"] in [item["value"] for item in subscriptions["items"]]

    asked["document"]["workspace"] = {"subscription_id": known["subscription_id"]}
    groups = await client.ask("resource_groups", plan=asked)
    assert known["resource_group"] in [item["value"] for item in groups["items"]]
    workspaces = await client.ask("workspaces", plan=asked)
    item = next(item for item in workspaces["items"] if item["value"] == known["name"])
    assert item["sets"] == {"workspace.resource_group": known["resource_group"]}
    assert "closed to public networks" in item["detail"]


@pytest.mark.slow
async def test_endpoints_models_and_environments_of_the_workspace(
    client: HelperClient, rehearsal: dict[str, Any], rehearsal_env: dict[str, str]
) -> None:
    from tests.rehearsal.arm_client import Arm

    arm = Arm(rehearsal_env, rehearsal["url"])
    name = f"listed-{uuid.uuid4().hex[:8]}"
    body = {"location": "eastus", "properties": {"authMode": "AMLToken"}}
    assert arm.call("PUT", f"onlineEndpoints/{name}", body).status_code == 201
    environment = {"properties": {"image": "mcr.microsoft.com/azureml/minimal-py312-inference:latest"}}
    for version in ("1", "2", "10"):
        answer = arm.call("PUT", f"environments/{name}/versions/{version}", environment)
        assert answer.status_code < 300, answer.text
        model = {"properties": {"modelType": "custom_model", "modelUri": "azureml://datastores/workspaceblobstore/"
                                "paths/nowhere", "description": "for a list"}}  # fmt: skip
        answer = arm.call("PUT", f"models/{name}/versions/{version}", model)
        assert answer.status_code < 300, answer.text
    asked = plan(rehearsal, endpoint={"name": name}, deployment={"model": {"name": name}})

    found = {item["value"]: item for item in (await client.ask("endpoints", plan=asked))["items"]}
    assert found[name]["sets"] == {"endpoint.auth_mode": "aml_token"}
    assert "no deployment" in found[name]["detail"]
    assert "any name can be used" in (await client.ask("deployments", plan=asked))["reason"]
    environments = [item["value"] for item in (await client.ask("environments", plan=asked))["items"]]
    own = [value for value in environments if name in value]
    assert own == [f"azureml:{name}:{version}" for version in ("10", "2", "1")]
    models = {item["label"]: item["value"] for item in (await client.ask("registered_models", plan=asked))["items"]}
    assert models[name].startswith(f"azureml:{name}:")
    versions = await client.ask("model_versions", plan=asked)
    assert [item["label"] for item in versions["items"]] == [f"{name}:{version}" for version in ("10", "2", "1")]
    assert "for a list" in versions["items"][0]["detail"]
    where = await client.ask("endpoint_name", plan=asked)
    assert (where["state"], where["region"]) == ("yours", "eastus")


async def test_a_name_that_another_workspace_has_is_taken(
    client: HelperClient, rehearsal: dict[str, Any], rehearsal_env: dict[str, str]
) -> None:
    from tests.rehearsal.arm_client import Arm

    legacy = rehearsal["workspaces"]["legacy"]
    arm = Arm({**rehearsal_env, "AZURE_ML_WORKSPACE": legacy["name"]}, rehearsal["url"])
    name = f"taken-{uuid.uuid4().hex[:8]}"
    body = {"location": "eastus", "properties": {"authMode": "Key"}}
    assert arm.call("PUT", f"onlineEndpoints/{name}", body).status_code == 201
    where = await client.ask("endpoint_name", plan=plan(rehearsal, endpoint={"name": name}))
    assert (where["state"], where["workspace"], where["resource_group"]) == (
        "taken", legacy["name"], legacy["resource_group"],
    )  # fmt: skip


async def test_each_list_that_is_refused_says_why(
    client: HelperClient, rehearsal: dict[str, Any], give: Callable[..., None]
) -> None:
    asked = plan(rehearsal, principal=True, endpoint={"name": "some-endpoint"}, deployment={"model": {"name": "m"}})
    give("--deny", "Microsoft.Resources/subscriptions/resourceGroups/read", "--deny", f"{SERVICE}/workspaces/*")
    questions = ("resource_groups", "workspaces", "endpoints", "registered_models", "model_versions", "environments")
    for question in questions:
        found = await client.ask(question, plan=asked)
        assert found["items"] == []
        assert "this identity has no role that allows it" in found["reason"], (question, found)
    give("--role", "none")
    found = await client.ask("subscriptions", plan=asked)
    assert found["items"] == [] and "no role in any subscription" in found["reason"]


async def test_a_sign_in_that_fails_is_an_error_with_a_remedy_and_not_an_empty_list(
    client: HelperClient, rehearsal: dict[str, Any]
) -> None:
    asked = plan(rehearsal, principal=True)
    secret = asked["secrets"]["credential.client_secret"] = str(uuid.uuid4())
    with pytest.raises(HelperError) as caught:
        await client.ask("subscriptions", plan=asked)
    assert caught.value.code == "AADSTS7000215"
    assert caught.value.remedy and secret not in str(vars(caught.value))


@pytest.mark.slow
async def test_base_images_need_no_sign_in(client: HelperClient, rehearsal: dict[str, Any]) -> None:
    asked = plan(rehearsal, principal=True)
    asked["secrets"] = {}
    found = await client.ask("curated_images", plan=asked)
    assert any("openmpi4.1.0-ubuntu22.04" in item["value"] for item in found["items"])
    assert found["reason"]


async def test_the_workspace_tells_its_private_endpoints(client: HelperClient, rehearsal: dict[str, Any]) -> None:
    found = await client.ask("workspace", plan=plan(rehearsal))
    assert [state.lower() for state in found["private_endpoints"].values()] == ["approved"]
    assert found["private_endpoints_reason"] == ""
