"""What ends, from names of sizes, images and environments, and conda files."""

from __future__ import annotations

from datetime import date

import pytest

from tui.fleet.ends import soon

TODAY = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("minimal-py39-inference", ["Python 3.9 ends"]),
        ("minimal-ubuntu20.04-py38-cpu-inference", ["Python 3.8 ends", "Ubuntu 20.04 support ends"]),
        ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu2204:latest", ["Ubuntu 22.04 support ends"]),
        ('{"dependencies": ["python=3.10.12", {"pip": ["python-dateutil==2.9"]}]}', ["Python 3.10 ends"]),
        ("python:3.9-slim", ["Python 3.9 ends"]),
        ("minimal-py312-inference", []),
        ("python>=3.9", []),
        ("numpy38", []),
        ("my-image:1", []),
    ],
)
def test_versions_in_names_of_images_and_conda_files(text: str, what: list[str]) -> None:
    assert [one["what"] for one in soon([], [text], TODAY)] == what


def test_the_soonest_is_first_and_each_is_told_once_with_its_source() -> None:
    found = soon(["Standard_NC6s_v3", "Standard_NC6s_v3", "Standard_F4s_v2"], ["py39", "py39"], TODAY)
    assert [(one["what"], one["date"]) for one in found] == [
        ("Standard_NC6s_v3 retires", "2025-09-30"),
        ("Python 3.9 ends", "2025-10-31"),
    ]
    assert all(one["source"].startswith("https://") for one in found)


def test_what_ends_later_than_in_six_months_is_not_told() -> None:
    assert soon([], ["ubuntu22.04"], date(2026, 11, 28)) == []
    assert len(soon([], ["ubuntu22.04"], date(2026, 11, 29))) == 1
