"""Which list a question asks for, of which workspace, and what is said when there is none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tui.cloud.errors import CloudError
from tui.cloud.workspace.listing import Item, Listing
from tui.helper.questions import identity, lists


class Connection:
    """A connection that gives a token or an error, and what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, bool]] = []
        self.wrong: Exception | None = None
        self.metadata = SimpleNamespace(management_scope="https://management/.default")
        self.credential = self

    def cloud_of(self, plan: dict[str, Any], workspace: bool = True) -> Connection:
        self.asked.append((plan, workspace))
        return self

    def get_token(self, scope: str) -> None:
        assert scope == self.metadata.management_scope
        if self.wrong:
            raise self.wrong


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    made = Connection()
    monkeypatch.setattr("tui.helper.sessions.cloud_of", made.cloud_of)
    return made


def told(monkeypatch: pytest.MonkeyPatch, name: str) -> list[tuple[Any, ...]]:
    """What a list of `tui.cloud` is called with."""
    calls: list[tuple[Any, ...]] = []

    def answer(cloud: Any, *arguments: Any) -> Listing:
        calls.append(arguments)
        return Listing([Item(name, name)], f"{name}.")

    monkeypatch.setattr(f"tui.cloud.workspace.listing.{name}", answer)
    return calls


SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
PLAN: dict[str, Any] = {
    "document": {
        "workspace": {"subscription_id": SUBSCRIPTION, "resource_group": "rg", "name": "my-ws"},
        "credential": {"method": "azure_cli"},
        "endpoint": {"name": "churn"},
        "a": 1,
        "z": 2,
    },
    "base": "/",
    "secrets": {"credential.client_secret": "x"},
}


def test_a_list_is_asked_with_the_credential_alone() -> None:
    """One sign-in serves all lists, whatever workspace is chosen meanwhile."""
    alone = lists.without_workspace(PLAN)
    assert alone["document"] == {
        "credential": {"method": "azure_cli"},
        "workspace": {"subscription_id": "", "resource_group": "", "name": ""},
    }
    assert alone["secrets"] == PLAN["secrets"]
    assert set(lists.without_workspace({})["document"]) == {"workspace"}
    assert "credential" in PLAN["document"] and PLAN["document"]["workspace"]["name"] == "my-ws", "a copy was changed"


@pytest.mark.parametrize("name", ["resource_groups", "workspaces", "endpoints", "registered_models"])
def test_a_list_is_of_the_plans_workspace(name: str, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = told(monkeypatch, name)
    found = getattr(lists, name)(PLAN)
    assert [item.value for item in found.items] == [name]
    ((scope,),) = calls
    assert (scope.subscription_id, scope.resource_group, scope.name) == (SUBSCRIPTION, "rg", "my-ws")
    assert connection.asked == [(lists.without_workspace(PLAN), False)], "no workspace is needed to connect"


def test_subscriptions_need_nothing_of_the_plan(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = told(monkeypatch, "subscriptions")
    assert [item.value for item in lists.subscriptions({}).items] == ["subscriptions"]
    assert calls == [()]


@pytest.mark.parametrize(("named", "asked"), [(None, "churn"), ("", "churn"), ("other", "other")])
def test_deployments_are_those_of_the_named_endpoint_or_the_plans(
    named: str | None, asked: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = told(monkeypatch, "deployments")
    lists.deployments(PLAN, named)
    assert [call[1] for call in calls] == [asked]


@pytest.mark.parametrize(
    ("model", "named", "asked"),
    [
        ({"path": "azureml:churn:3"}, None, "churn"),
        ({"path": "azureml:churn@latest"}, None, "churn"),
        ({"path": "azureml:churn"}, None, "churn"),
        ({"path": "azureml:churn:3"}, "other", "other"),
        ({"name": "mine"}, None, "mine"),
        ({"path": "azureml:churn:3", "name": "mine"}, None, "churn"),
        ({}, None, ""),
    ],
)
def test_versions_are_those_of_the_named_model_or_the_one_referred_to_or_the_plans(
    model: dict[str, str], named: str | None, asked: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = told(monkeypatch, "model_versions")
    plan = {"document": {**PLAN["document"], "deployment": {"model": model}}}
    if named:
        lists.versions_of(plan, named)
    lists.model_versions(plan, named)
    assert {call[1] for call in calls} == {asked}


@pytest.mark.parametrize(
    ("reason", "said"), [("", "environments."), ("Not reachable.", "environments. Not reachable.")]
)
def test_environments_are_the_workspaces_own_and_then_the_curated(
    reason: str, said: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(monkeypatch, "environments")
    curated = Listing([Item("curated", "curated")], reason)
    monkeypatch.setattr("tui.cloud.assets.base_images.curated_environments", lambda cloud: curated)
    found = lists.environments(PLAN)
    assert ([item.value for item in found.items], found.reason) == (["environments", "curated"], said)


def test_a_failed_sign_in_is_an_error_with_a_title(connection: Connection) -> None:
    connection.wrong = RuntimeError("AADSTS7000215: Invalid client secret provided.")
    with pytest.raises(CloudError) as caught:
        lists.workspaces(PLAN)
    assert caught.value.title and "AADSTS7000215" in f"{caught.value.code} {caught.value.raw}"


def test_base_images_are_listed_without_a_connection_too(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.cloud.assets.base_images.curated_images", lambda cloud: cloud)
    assert lists.curated_images(PLAN) is connection
    assert connection.asked == [(lists.without_workspace(PLAN), False)]

    def refused(plan: Any, workspace: bool) -> Any:
        raise CloudError("The service principal is incomplete")

    monkeypatch.setattr("tui.helper.sessions.cloud_of", refused)
    assert lists.curated_images(PLAN) is None


def test_signing_in_is_done_anew_and_needs_no_workspace(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[Any] = []
    monkeypatch.setattr("tui.helper.sessions.forget", order.append)
    monkeypatch.setattr("tui.cloud.auth.sign_in.sign_in", lambda cloud: order.append("signed in"))
    identity.sign_in(PLAN)
    alone = lists.without_workspace(PLAN)
    assert order == [alone, "signed in"]
    assert connection.asked == [(alone, False)], "the connection that the lists use"
