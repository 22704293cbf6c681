"""Base images that move, or are no longer patched."""

from __future__ import annotations

import dataclasses

import pytest
from plan_files import MakePlan

from tui.checks.model import artifacts


@pytest.mark.parametrize(
    ("image", "ids"),
    [
        ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20260514.v1", []),
        ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:20230530.v1", ["image-old"]),
        ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:latest", ["image-old", "image-moves"]),
        ("registry.example:5000/own/image", ["image-moves"]),
        ("registry.example:5000/own/image@sha256:0123", []),
    ],
)
def test_base_images_that_move_or_are_not_patched(make_plan: MakePlan, image: str, ids: list[str]) -> None:
    plan = make_plan()
    environment = dataclasses.replace(plan.deployment.environment, image=image)
    plan = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, environment=environment))
    assert [finding.id for finding in artifacts.check(plan) if finding.severity != "ok"] == ids
