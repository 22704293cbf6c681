"""Connections of questions: reused while nothing relevant changes, dropped when asked, eight of them kept."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tui.cloud.errors import CloudError
from tui.helper import sessions
from tui.plan.model import Plan

SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"


def question(name: str = "my-ws", method: str = "azure_cli", endpoint: str = "churn") -> dict[str, Any]:
    tree = {
        "workspace": {"subscription_id": SUBSCRIPTION, "resource_group": "rg", "name": name},
        "credential": {"method": method},
        "endpoint": {"name": endpoint},
    }
    return {"document": tree, "base": "/", "secrets": {}}


def principal(secret: str) -> dict[str, Any]:
    asked = question(method="service_principal")
    asked["document"]["credential"].update(tenant_id=SUBSCRIPTION, client_id=SUBSCRIPTION)
    asked["secrets"] = {"credential.client_secret": secret}
    return asked


identities: list[Any] = []  # of the connections that were made


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Plan]]:
    """The plans that a connection was made for."""
    connected: list[Plan] = []

    def connect(plan: Plan, credential: Any = None) -> Any:
        connected.append(plan)
        number = len(connected)
        identities.append(credential or f"identity {number}")
        return SimpleNamespace(for_plan=lambda plan: (number, plan.endpoint.name), credential=identities[-1])

    monkeypatch.setattr(sessions, "connect", connect)
    sessions._sessions.clear()
    identities.clear()
    yield connected
    sessions._sessions.clear()


@pytest.mark.parametrize(
    ("second", "again"),
    [
        (question(), False),
        (question(endpoint="other"), False),
        (question("other-ws"), True),
        (question(method="default"), True),
        (principal("another"), True),
    ],
)
def test_a_connection_is_reused_unless_workspace_or_credential_change(
    second: dict[str, Any], again: bool, made: list[Plan]
) -> None:
    assert sessions.cloud_of(question()) == (1, "churn")
    number, name = sessions.cloud_of(second)
    assert (number, name) == (2 if again else 1, second["document"]["endpoint"]["name"])


def test_another_secret_is_another_sign_in(made: list[Plan]) -> None:
    for secret in ("one", "two", "one"):
        sessions.cloud_of(principal(secret))
    assert [plan.credential.client_secret for plan in made] == ["one", "two"]


def test_eight_connections_are_kept_those_used_last(made: list[Plan]) -> None:
    for number in range(8):
        sessions.cloud_of(question(f"ws-{number}"))
    sessions.cloud_of(question("ws-0"))
    assert len(made) == 8
    sessions.cloud_of(question("ws-8"))  # the ninth: ws-1 was not used for the longest time
    for number in (0, *range(2, 9)):
        sessions.cloud_of(question(f"ws-{number}"))
    assert len(made) == 9
    sessions.cloud_of(question("ws-1"))
    assert len(made) == 10


def test_a_forgotten_connection_is_made_anew(made: list[Plan]) -> None:
    sessions.cloud_of(question())
    sessions.cloud_of(question("other-ws"))
    reader = sessions._read
    sessions.cloud_of(principal("one"))
    sessions.forget(question())
    assert sessions._read is not reader, "secrets are read again"
    sessions.cloud_of(principal("one"))
    assert len(made) == 3, "another credential is kept"
    sessions.cloud_of(question("other-ws"))
    sessions.cloud_of(question())
    assert len(made) == 5
    sessions.forget(question("never-asked"))


def test_another_workspace_is_no_further_sign_in(made: list[Plan]) -> None:
    for asked in (question(), question("other-ws"), principal("one"), question("third-ws")):
        sessions.cloud_of(asked)
    assert identities == ["identity 1", "identity 1", "identity 3", "identity 1"]
    sessions.forget(question())
    sessions.cloud_of(question("other-ws"))
    assert identities[-1] == "identity 5", "signed in again"


@pytest.mark.parametrize(
    ("missing", "verb"),
    [(["name"], "is"), (["subscription_id", "name"], "are"), (["subscription_id", "resource_group", "name"], "are")],
)
def test_what_is_missing_of_the_workspace_is_named(missing: list[str], verb: str, made: list[Plan]) -> None:
    asked = question()
    for key in missing:
        del asked["document"]["workspace"][key]
    with pytest.raises(CloudError, match=f"{', '.join(missing)} {verb} missing") as caught:
        sessions.cloud_of(asked)
    assert (caught.value.code, made) == ("WorkspaceMissing", [])
    sessions.cloud_of(asked, workspace=False)
    assert len(made) == 1


def test_a_question_without_anything_is_an_empty_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sessions.plan_of({}).endpoint.name == ""
    assert str(sessions.plan_of({}).base) == "."
    assert sessions.plan_of({"document": None, "base": "", "secrets": None}).workspace.name == ""
    found = sessions.plan_of(
        {"document": {"deployment": {"model": {"path": "m"}}, "endpoint": {"name": 7}}, "base": "/b"}
    )
    assert str(found.deployment.model.path) == "/b/m", "what is not valid is left out, the rest is there"
    monkeypatch.setenv("CLIENT", SUBSCRIPTION)
    referred = sessions.plan_of(
        {"document": {"credential": {"method": "managed_identity", "client_id": "${env:CLIENT}"}}}
    )
    assert referred.credential.client_id == SUBSCRIPTION
