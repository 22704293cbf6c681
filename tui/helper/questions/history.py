"""The history of an endpoint, and the kept plan of one of its runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.fleet import history as of_endpoint
from tui.helper import sessions
from tui.plan.load_save.az_yaml_import import ImportedDocument


def history(plan: dict[str, Any]) -> dict[str, Any]:
    """Who changed the plan's endpoint and when: `entries`, newest first, and in `note` what cannot be seen."""
    cloud = sessions.cloud_of(plan)
    return of_endpoint.read(cloud, cloud.plan.endpoint.name)


def kept_plan(plan: dict[str, Any], run: str, folder: str) -> ImportedDocument:
    """The kept plan of a run, for `ImportedDocument.of_answer`; its code is copied to a folder."""
    cloud = sessions.cloud_of(plan)
    return of_endpoint.plan_of_run(cloud, cloud.plan.endpoint.name, run, Path(folder))
