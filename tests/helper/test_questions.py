"""The questions of a form, asked of a real helper that is led to the rehearsal."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tui.helper import dispatch
from tui.helper.client import HelperClient, HelperError


@pytest_asyncio.fixture
async def client(rehearsal_env: dict[str, str]) -> AsyncIterator[HelperClient]:
    made = HelperClient(rehearsal_env)
    yield made
    await made.close()


def plan(rehearsal: dict[str, Any], workspace: str = "managed", **more: Any) -> dict[str, Any]:
    tree: dict[str, Any] = {"workspace": rehearsal["workspaces"][workspace], **more}
    return {"document": tree, "base": "/", "secrets": {}}


async def test_signing_in_tells_who(client: HelperClient, rehearsal: dict[str, Any]) -> None:
    who = await client.ask("sign_in", plan=plan(rehearsal))
    assert who["kind"] == "managed identity"
    assert (who["method"], who["source"]) == ("default", "ManagedIdentity")
    assert who["principal"] and who["tenant"] and who["expires"].endswith("Z")


async def test_a_service_principal_with_a_right_and_a_wrong_secret(
    client: HelperClient, rehearsal: dict[str, Any]
) -> None:
    variables = rehearsal["set"]
    asked = plan(
        rehearsal,
        credential={
            "method": "service_principal",
            "tenant_id": variables["REHEARSAL_TENANT_ID"],
            "client_id": "${env:REHEARSAL_CLIENT_ID}",
        },
    )
    asked["secrets"] = {"credential.client_secret": variables["REHEARSAL_CLIENT_SECRET"]}
    who = await client.ask("sign_in", plan=asked)
    assert (who["kind"], who["client_id"]) == ("service principal", variables["REHEARSAL_CLIENT_ID"])
    asked["secrets"] = {"credential.client_secret": str(uuid.uuid4())}
    with pytest.raises(HelperError) as caught:
        await client.ask("sign_in", plan=asked)
    assert caught.value.code == "AADSTS7000215"
    assert "instead of its value" in caught.value.remedy
    assert asked["secrets"]["credential.client_secret"] not in caught.value.raw


@pytest.mark.parametrize(("which", "isolation"), [("managed", "managed_network"), ("legacy", "legacy")])
async def test_the_workspace_tells_its_network_mode(
    client: HelperClient, rehearsal: dict[str, Any], which: str, isolation: str
) -> None:
    found = await client.ask("workspace", plan=plan(rehearsal, which))
    assert (found["isolation"], found["public_network_access"]) == (isolation, "Disabled")
    assert found["location"] and found["explain"] and found["portal_url"].startswith("https://")


async def test_a_workspace_that_is_not_there(client: HelperClient, rehearsal: dict[str, Any]) -> None:
    asked = plan(rehearsal)
    asked["document"]["workspace"] = {**asked["document"]["workspace"], "name": "no-such-workspace"}
    with pytest.raises(HelperError) as caught:
        await client.ask("workspace", plan=asked)
    assert "not found" in caught.value.title


async def test_an_endpoint_that_is_not_there(client: HelperClient, rehearsal: dict[str, Any]) -> None:
    found = await client.ask("endpoint", plan=plan(rehearsal, endpoint={"name": "nobody-made-this"}))
    assert found == {"exists": False, "name": "nobody-made-this", "deployments": [], "traffic": {}}


async def test_sizes_with_quota(client: HelperClient, rehearsal: dict[str, Any]) -> None:
    found = await client.ask("sizes", plan=plan(rehearsal, deployment={"instance_count": 2}))
    size = next(size for size in found if size["name"] == "Standard_DS3_v2")
    assert (size["cores"], size["quota_needed"], size["fits"]) == (4, 12, size["quota_left"] >= 12)


async def test_changes_of_a_new_plan(client: HelperClient, rehearsal: dict[str, Any]) -> None:
    asked = plan(rehearsal, endpoint={"name": "brand-new-endpoint"}, deployment={"name": "blue"})
    found = {change["resource"]: change["action"] for change in await client.ask("changes", plan=asked)}
    assert (found["endpoint"], found["deployment"], found["traffic"]) == ("create", "create", "create")


async def test_scoring_what_is_not_there(client: HelperClient, rehearsal: dict[str, Any]) -> None:
    with pytest.raises(HelperError) as caught:
        await client.ask(
            "score", plan=plan(rehearsal, endpoint={"name": "nobody-made-this"}), body="{}", deployment=None
        )
    assert caught.value.title == "The endpoint nobody-made-this does not exist"


async def test_removing_what_is_not_there_removes_nothing(client: HelperClient, rehearsal: dict[str, Any]) -> None:
    asked = plan(rehearsal, endpoint={"name": "nobody-made-this"})
    assert await client.ask("remove", plan=asked) == {"removed": [], "left": []}


async def test_the_preflight_answers_with_findings(client: HelperClient, rehearsal: dict[str, Any]) -> None:
    found = await client.ask("check", plan=plan(rehearsal, endpoint={"name": "brand-new-endpoint"}))
    assert {"id", "severity", "field", "message", "remedy", "docs"} <= set(found[0])
    assert any(finding["id"] == "workspace" and finding["severity"] == "ok" for finding in found)


async def test_a_model_is_looked_at_without_signing_in(client: HelperClient, rehearsal: dict[str, Any]) -> None:
    from tui.plan.presets import find

    preset = find("churn-xgboost")
    assert preset is not None
    asked = {"document": {"deployment": {"model": {"path": "churn-xgboost/model"}}}, "base": str(preset.path.parent)}
    found = await client.ask("inspect_model", plan=asked)
    assert found["exists"] is True
    assert found["files"] > 0 and found["bytes"] > 0


def test_every_question_has_a_function_that_answers_it() -> None:
    for name, module in dispatch._QUESTIONS.items():
        assert callable(getattr(importlib.import_module(f"tui.helper.questions.{module}"), name)), name
