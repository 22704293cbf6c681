"""The export dialog: formats, folder, existing files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Select

from tests.app.panes import home, recorded_answers, wizard
from tui.app.widgets.inputs import TextInput
from tui.helper.client import HelperError

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

TARGETS = [{"name": "az-yaml", "about": "endpoint.yml and deployment.yml"}, {"name": "bicep", "about": "prerequisites"}]


async def test_files_are_written_where_the_user_says_and_never_over_others_unasked(home: Path) -> None:
    asked: list[dict[str, Any]] = []

    def export(wanted: dict[str, Any]) -> Any:
        folder = wanted.get("folder", "")
        if not wanted.get("to"):
            return {"targets": TARGETS}
        asked.append({key: wanted[key] for key in ("to", "folder", "replace")})
        if not wanted["replace"]:
            raise HelperError(f"{folder} has endpoint.yml already", "Nothing was written.", "", code="FilesExist")
        return {"files": [f"{folder}/endpoint.yml"], "notes": ["A note about it."], "folder": folder}

    async with wizard(recorded_answers(export=export)) as walk:
        await walk.to("review")
        await walk.tab_to("extra")
        await walk.press("enter")
        await walk.sees("Export", "az-yaml: endpoint.yml")
        folder = walk.app.screen.query_one("#folder", TextInput)
        assert folder.value.endswith("/churn-endpoint-01-az-yaml")
        walk.app.screen.query_one("#format", Select).value = "bicep"
        await walk.until(lambda: folder.value.endswith("/churn-endpoint-01-bicep"))
        folder.focus()
        folder.value = str(home / "it's mine")
        await walk.press("enter")
        await walk.sees("has endpoint.yml already", "Overwrite")
        assert walk.focused == "close", "a second Enter overwrites nothing"
        await walk.tab_to("write")
        await walk.press("enter")
        await walk.sees("Written to", "endpoint.yml", "A note about it.")
    assert asked == [
        {"to": "bicep", "folder": str(home / "it's mine"), "replace": False},
        {"to": "bicep", "folder": str(home / "it's mine"), "replace": True},
    ]


async def test_a_plan_is_corrected_as_the_checks_propose(home: Path) -> None:
    finding = {
        "id": "egress-flag", "severity": "warning", "field": "deployment.egress_public_network_access",
        "message": "The flag has no effect here.", "remedy": "Leave it out.", "docs": "",
        "fix": {"key": "deployment.egress_public_network_access", "value": None},
    }  # fmt: skip
    async with wizard(recorded_answers(check=[finding])) as walk:
        await walk.to("review")
        await walk.sees("has no effect here")
        await walk.press("ctrl+o")
        await walk.sees("Fix the plan")
        await walk.press("enter")
        await walk.until(
            lambda: walk.store.document.get("deployment.egress_public_network_access") is None, "the plan is corrected"
        )
        assert "fix proposed by the preflight" in walk.store.provenance("deployment.egress_public_network_access")
