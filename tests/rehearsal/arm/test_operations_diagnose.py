"""Azure's own look at a workspace, driven by both clients."""

from __future__ import annotations

from typing import Any, Callable


def test_azures_own_look_with_both_clients(ml_client: Any, mgmt: Any, rehearse: Callable[..., str]) -> None:
    group, name = ml_client.resource_group_name, ml_client.workspace_name
    found = ml_client.workspaces.begin_diagnose(name).result()
    assert not any(getattr(found, part) for part in vars(found) if part.endswith("_results"))
    rehearse("scenario", "key-vault-bypass")
    try:
        poller = mgmt.workspaces.begin_diagnose(group, name, parameters={"value": {}})
        (noticed,) = poller.result().value.key_vault_results
        assert noticed.code == "KeyVaultFirewall"
        assert "trusted Azure services" in noticed.message
    finally:
        rehearse("scenario")
