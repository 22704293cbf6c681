"""Imports an endpoint of Azure as a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.cloud.endpoints import endpoint_as_plan
from tui.helper import sessions
from tui.plan.load_save.az_yaml_import import ImportedDocument


def import_endpoint(plan: dict[str, Any], folder: str) -> ImportedDocument:
    """The plan of the endpoint that a plan names, for `ImportedDocument.of_answer`; its code is copied to a folder."""
    cloud = sessions.cloud_of(plan)
    return endpoint_as_plan.read(cloud, cloud.plan.endpoint.name, Path(folder))
