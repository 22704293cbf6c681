"""The steps as YAML of `az ml`, with identity, data collection and a custom container."""

from __future__ import annotations

from pathlib import Path

from tests.app.panes import home, wizard
from tui.app.steps import az_files

__all__ = ["home"]
USER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/churn-uai"


async def test_the_files_have_what_the_form_has(home: Path) -> None:
    async with wizard() as walk:
        store = walk.store
        store.set("endpoint.identity.type", "user_assigned")
        store.set("endpoint.identity.user_assigned_identities", USER)
        store.set("deployment.data_collector.collections", "model_inputs, request=false")
        store.set("deployment.data_collector.sampling_rate", "0.1")
        for route in ("scoring", "liveness", "readiness"):
            store.set(f"deployment.environment.inference_config.{route}_route.path", f"/{route}")
            store.set(f"deployment.environment.inference_config.{route}_route.port", "5001")
        assert az_files.endpoint(store)["identity"] == {
            "type": "user_assigned",
            "user_assigned_identities": [{"resource_id": USER}],
        }
        tree = az_files.deployment(store)
        assert tree["data_collector"] == {
            "collections": {"model_inputs": {"enabled": "true"}, "request": {"enabled": "false"}},
            "sampling_rate": 0.1,
            "rolling_rate": "hour",
        }
        assert tree["environment"]["inference_config"]["scoring_route"] == {"path": "/scoring", "port": 5001}
