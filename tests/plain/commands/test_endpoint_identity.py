"""A plan with a user-assigned identity: the check asks for it, and for what it may do, before anything is made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import PRESET, aml_deploy, json_lines

IDENTITY = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/identities/providers"
    "/Microsoft.ManagedIdentity/userAssignedIdentities/churn-uai"
)
ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    path = tmp_path / "identity.yml"
    text = f"endpoint: {{name: churn-uai, identity: {{type: user_assigned, user_assigned_identities: [{IDENTITY}]}}}}"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def restored(rehearsing: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment of a rehearsal that is as it was afterwards."""
    yield rehearsing
    for option in ("--clear-scenarios", "--reset-rights"):
        assert aml_deploy("rehearsal", option, environ=rehearsing).returncode == 0


def identity_findings(overlay: Path, environ: dict[str, str], *more: str) -> tuple[int, dict[str, Any]]:
    done = aml_deploy("check", PRESET, overlay, "--rehearse", "--json", *more, environ=environ)
    found = {item["id"]: item for item in json_lines(done.stdout) if item["id"].startswith("endpoint-identity")}
    return done.returncode, found


def test_an_identity_that_is_there_and_has_its_roles_is_said_to_be(overlay: Path, restored: dict[str, str]) -> None:
    code, found = identity_findings(overlay, restored)
    assert code == 0
    (finding,) = found.values()
    assert finding["severity"] == "ok"
    assert re.search("churn-uai exists, .*can read blobs of .*can pull images", finding["message"])


def test_an_identity_that_is_not_there_blocks(overlay: Path, restored: dict[str, str]) -> None:
    code, found = identity_findings(overlay, restored, "--scenario", "identity-missing")
    assert code == 3
    (finding,) = found.values()
    assert finding["field"] == "endpoint.identity.user_assigned_identities"
    assert finding["command"].startswith("az identity create --name churn-uai --resource-group identities ")


def test_an_identity_without_roles_blocks_and_others_are_asked_for_them(
    overlay: Path, restored: dict[str, str]
) -> None:
    code, found = identity_findings(overlay, restored, "--scenario", "storage-access")
    assert code == 3
    assert set(found) == {"endpoint-identity-storage", "endpoint-identity-registry"}
    assert '--role "Storage Blob Data Reader" --scope ' in found["endpoint-identity-storage"]["command"]
    assert "--role AcrPull --scope " in found["endpoint-identity-registry"]["command"]
    pages = aml_deploy("requests", PRESET, overlay, "--rehearse", environ=restored).stdout
    assert "Allow the endpoint's identity to pull images from the workspace's registry." in pages


def test_who_may_not_give_the_identity_away_is_told_the_role(overlay: Path, restored: dict[str, str]) -> None:
    assert aml_deploy("rehearsal", "--deny", ASSIGN, environ=restored).returncode == 0
    code, found = identity_findings(overlay, restored)
    assert code == 3
    assert '--role "Managed Identity Operator"' in found["endpoint-identity-assign"]["command"]


def test_what_may_not_be_read_is_unknown_and_does_not_block(overlay: Path, restored: dict[str, str]) -> None:
    denied = "Microsoft.ManagedIdentity/userAssignedIdentities/read"
    assert aml_deploy("rehearsal", "--deny", denied, environ=restored).returncode == 0
    code, found = identity_findings(overlay, restored)
    assert code == 0
    assert [finding["severity"] for finding in found.values()] == ["unknown"]


@pytest.mark.parametrize("status", [404, 405])
def test_a_cloud_that_does_not_know_the_question_never_blocks(status: int) -> None:
    from tui.checks.identity import endpoint_identity
    from tui.cloud.errors import CloudError
    from tui.common.deadlines import Question

    def answer() -> Any:
        raise CloudError("Not offered", "It has no such operation", "", code="InvalidResourceType", status=status)

    plan: Any = type("P", (), {})()
    plan.endpoint = type("E", (), {"identity": type("I", (), {"user_assigned_identities": (IDENTITY,)})()})()
    info: Any = None
    (finding,) = endpoint_identity.findings(plan, info, {"identity": Question(answer, 5)}, None, None)
    assert finding.severity == "unknown"
