"""One token for each scope, whoever needs it: each question of the forms would start an `az` process otherwise."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service, token

from tui.cloud.auth.shared_token import SharedToken
from tui.cloud.endpoints import endpoints
from tui.cloud.errors import CloudError
from tui.cloud.session import connect
from tui.plan.model import Credential, Endpoint, Plan

ENDPOINT = f"{WORKSPACE.id}/onlineEndpoints/churn"


class Identity:
    """Counts its tokens, which live this many seconds."""

    def __init__(self, lives: float = 3600) -> None:
        self.asked: list[Any] = []
        self.lives = lives

    def get_token(self, *scopes: str, **options: Any) -> Any:
        self.asked.append((scopes, options))
        return SimpleNamespace(token=f"token-{len(self.asked)}", expires_on=time.time() + self.lives)


def test_a_token_is_requested_once_for_each_scope_by_many_threads() -> None:
    identity = Identity()
    shared = SharedToken(identity)
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda n: shared.get_token("a" if n % 2 else "b").token, range(64)))
    assert len(found) == len(identity.asked) == 2
    assert shared.get_token("a", claims="c", tenant_id="t").token == "token-3"
    assert identity.asked[-1] == (("a",), {"claims": "c", "tenant_id": "t"})
    assert shared.get_token("a").token == "token-3"
    shared.forget()
    assert shared.get_token("a").token == "token-4"


def test_a_token_that_ends_soon_is_not_kept() -> None:
    identity = Identity(lives=-1)
    shared = SharedToken(identity)
    assert shared.get_token("a").token != shared.get_token("a").token


def test_one_process_of_the_azure_cli_serves_a_burst_of_questions(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    az = tmp_path / "az"
    answer = f'{{"accessToken": "{token(upn="me")}", "expiresOn": "2099-01-01 00:00:00.000000"}}'
    az.write_text(f"#!/bin/sh\necho x >> {tmp_path}/started\ncat <<'END'\n{answer}\nEND\n")
    az.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    service.on("GET", "/onlineEndpoints", Reply(body={"value": []}))
    cloud = connect(Plan(workspace=WORKSPACE, credential=Credential("azure_cli")))
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda n: endpoints.list_all(cloud), range(5)))
        list(pool.map(lambda n: cloud.credential.get_token(cloud.metadata.management_scope), range(5)))
    assert (tmp_path / "started").read_text() == "x\n"


def test_a_token_that_was_refused_is_not_used_again(service: Service, cloud: Any) -> None:
    service.on("GET", "/onlineEndpoints", Reply(401, {"error": {"code": "InvalidAuthenticationToken"}}))
    identity = Identity()
    cloud.credential.identity = identity
    for number in range(2):
        with pytest.raises(CloudError):
            endpoints.list_all(cloud)
        assert len(identity.asked) == 2 * (number + 1), "another one is tried once"


@pytest.mark.parametrize("changes", [False, True])
def test_a_token_that_has_expired_on_its_way_is_renewed(service: Service, cloud: Any, changes: bool) -> None:
    expired = Reply(401, {"error": {"code": "ExpiredAuthenticationToken", "message": "The access token has expired."}})
    there = Reply(200, {"id": ENDPOINT, "name": "churn", "properties": {"provisioningState": "Succeeded"}})
    identity = Identity()
    cloud.credential.identity = identity
    if changes:
        service.on("GET", r"onlineEndpoints/churn\?", there)
        service.on("PUT", r"onlineEndpoints/churn\?", expired, there)
        assert endpoints.begin_create_or_update(cloud, Endpoint(name="churn"), {}).result().name == "churn"
        sent = [headers["Authorization"] for method, _, _, headers in service.requests if method == "PUT"]
        assert len(set(sent)) == 2, "the second one has another token"
    else:
        service.on("GET", "/onlineEndpoints", expired, Reply(200, {"value": []}))
        assert endpoints.list_all(cloud) == []
    assert len(identity.asked) == 2
