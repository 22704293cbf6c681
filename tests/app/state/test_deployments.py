"""Plans with several deployments: shown one at a time, edited separately, added and removed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.app.panes import home, wizard
from tui.app.state import deployments
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve

__all__ = ["home"]
PLACE = {"subscription_id": "11111111-2222-3333-4444-555555555555", "resource_group": "rg-ml", "name": "ws-churn"}
TWO = {
    "workspace": PLACE,
    "endpoint": {"name": "churn"},
    "deployment": {"model": {"path": "model", "name": "m", "type": "mlflow_model"}, "instance_count": 2},
    "deployments": [{"name": "blue"}, {"name": "green", "instance_count": 3}],
    "traffic": {"blue": 90, "green": 10},
}


@pytest.mark.smoke
def test_a_document_edits_the_deployment_that_is_shown(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    path = tmp_path / "plan.yml"
    path.write_text(yaml.safe_dump(TWO, sort_keys=False))
    document = load(path)
    document.shown = 1
    assert [document.get(f"deployment.{key}") for key in ("name", "instance_count", "model.name")] == ["green", 3, "m"]
    assert document.source("deployment.instance_count") == "plan.yml, line 16"
    assert document.source("deployment.model.name") == "plan.yml, line 10"
    document.set("deployment.instance_count", 4, "you")
    document.set("deployment.tags", {"a": "b"}, "you")
    assert document.source("deployment.instance_count") == "you"
    document.shown = 0
    assert document.get("deployment.instance_count") == 2 and document.get("deployment.tags") is None
    document.set("deployment.instance_type", "Standard_F4s_v2", "you")

    saved = document.save(path)
    plan = resolve(load(saved.path or path), {})
    assert [(one.name, one.instance_count, one.instance_type) for one in plan.deployments] == [
        ("blue", 2, "Standard_F4s_v2"), ("green", 4, "Standard_D4as_v4"),
    ]  # fmt: skip
    asked = document.with_shown_last()
    assert [item["name"] for item in asked.listed()] == ["green", "blue"] and asked.get("deployment.name") == "blue"
    document.shown = None
    document.set("deployment.instance_count", 9, "--set")  # for all that do not say otherwise
    assert document.tree["deployment"]["instance_count"] == 9


async def test_the_steps_show_one_deployment_and_the_menu_the_others(home: Path) -> None:
    async with wizard(size=(120, 40)) as walk:
        store = walk.store
        await walk.to("endpoint")
        labels = [action.label for action in walk.app.screen.pane.actions()]
        assert "Add a deployment to the plan" in labels and not [one for one in labels if one.startswith("Take ")]
        deployments.add(store)
        await walk.sees("In the plan", "blue, green; the steps show green")
        assert deployments.names(store) == ["blue", "green"]
        assert store.document.get("traffic") == {"blue": 100}
        await walk.to("compute")
        store.set("deployment.instance_count", "3")
        deployments.show(store, 0)
        assert store.text("deployment.instance_count") == "1"
        plan = resolve(store.document, store.environ)
        assert [(one.name, one.instance_count) for one in plan.deployments] == [("blue", 1), ("green", 3)]
        store.save()
        assert load(store.file).listed()[1]["instance_count"] == 3

        deployments.take_out(store)
        assert deployments.names(store) == ["green"] and store.document.get("traffic") == {"green": 100}
        assert "deployments" not in store.document.tree
        assert resolve(store.document, store.environ).deployment.instance_count == 3
