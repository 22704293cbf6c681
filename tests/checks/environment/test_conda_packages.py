"""What a conda file and an image's name say: packages, pins, Python, server, and what is out of date."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from plan_files import MakePlan

from tui.checks.environment import base_image, conda_file
from tui.checks.environment.conda_file import CondaFile, Package
from tui.plan.model import Environment


def read(tmp_path: Path, text: str) -> CondaFile:
    path = tmp_path / "read.yml"
    path.write_text(text, encoding="utf-8")
    return conda_file.read(path)


def one(tmp_path: Path, line: str, pip: bool) -> Package | None:
    entry = f"{{pip: ['{line}']}}" if pip else f"'{line}'"
    packages = read(tmp_path, f"dependencies: [{entry}]").packages
    assert len(packages) < 2
    return next(iter(packages.values()), None)


@pytest.mark.parametrize(
    ("line", "pip", "name", "version"),
    [
        ("numpy", False, "numpy", None),
        ("numpy=1.26", False, "numpy", "1.26"),
        ("numpy=1.26.*", False, "numpy", "1.26"),
        ("numpy==1.26.4", False, "numpy", "1.26.4"),
        ("numpy=1.26.4=py310_0", False, "numpy", "1.26.4"),
        ("numpy=1.26.*=py310*", False, "numpy", "1.26"),
        ("numpy>=1.26", False, "numpy", None),
        ("conda-forge::Scikit_Learn = 1.5", False, "scikit-learn", "1.5"),
        ("numpy==1.26.4", True, "numpy", "1.26.4"),
        ("numpy==1.26.*", True, "numpy", "1.26"),
        ("numpy===1.26.4", True, "numpy", "1.26.4"),
        ("numpy=1.26", True, "numpy", None),  # pip does not know this form
        ("numpy<2,>=1.26", True, "numpy", None),
        ('uvicorn[standard]==0.30; python_version > "3.8"', True, "uvicorn", "0.30"),
        ('numpy ; python_version == "3.10"', True, "numpy", None),
        ("a @ https://example.com/b-1.0-py3-none-any.whl", True, "a", None),
        ("git+https://example.com/b#egg=c", True, "c", None),
        ("git+https://example.com/b?x=1#subdirectory=d&egg=c_d", True, "c-d", None),
    ],
)
def test_a_requirement(tmp_path: Path, line: str, pip: bool, name: str, version: str | None) -> None:
    package = one(tmp_path, line, pip)
    assert package is not None and (package.name, package.version) == (name, version)


def test_a_line_without_a_name_is_no_package(tmp_path: Path) -> None:
    assert one(tmp_path, "!!", True) is None
    assert one(tmp_path, "==1.0", False) is None


@pytest.mark.parametrize(
    ("dependency", "python"),
    [
        ("python=3.10", "3.10"),
        ("python>=3.9", ">=3.9"),
        ("python", None),
        ("numpy=1.26", None),
        ("python=3.10.*", "3.10"),
    ],
)
def test_the_python_of_a_file(tmp_path: Path, dependency: str, python: str | None) -> None:
    assert read(tmp_path, f"dependencies: ['{dependency}']").python == python


@pytest.mark.parametrize(
    ("package", "served"),
    [("azureml-inference-server-http", True), ("azureml_defaults==1.58", True), ("azureml-core", False)],
)
def test_a_file_with_a_server(tmp_path: Path, package: str, served: bool) -> None:
    assert read(tmp_path, f"dependencies: [pip, {{pip: ['{package}']}}]").has_server is served


@pytest.mark.parametrize(
    ("text", "line", "sound"),
    [
        ("dependencies: [pip]", None, True),
        ("dependencies: []", None, True),
        ("dependencies: [\n", 2, False),
        ("dependencies: pip", None, False),
        ("[pip]", None, False),
        ("name: a", None, False),
        ("", None, False),
        ("dependencies: [{numpy: 1}]", None, False),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, line: int | None, sound: bool) -> None:
    found = read(tmp_path, text)
    assert found.found and (not found.problem, found.line) == (sound, line)


def test_a_file_that_is_not_there_is_no_problem(tmp_path: Path) -> None:
    missing = conda_file.read(tmp_path / "none.yml")
    assert (missing.found, missing.problem, missing.packages) == (False, "", {})


def test_local_lines_are_kept_apart(tmp_path: Path) -> None:
    found = read(tmp_path, "dependencies: [{pip: [./a.whl, numpy]}]")
    assert found.local == ["./a.whl"] and list(found.packages) == ["numpy"]


@pytest.mark.parametrize(
    ("image", "ids"),
    [
        ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20250101.v1", []),
        ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest", ["image-moves"]),
        ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04", ["image-moves"]),
        ("registry.example:5000/image", ["image-moves"]),  # a port is not a tag
        ("registry.example:5000/image:1", []),
        ("image:1", []),
        ("image@sha256:0123", []),
        ("image:latest@sha256:0123", []),
        ("azureml/openmpi4.1.0-ubuntu20.04:20250101.v1", ["image-old"]),
        ("azureml/openmpi3.1.2-ubuntu18.04", ["image-old", "image-moves"]),
        ("azureml/base-ubuntu16.04:1", ["image-old"]),
        ("azureml/base-ubuntu24.04:1", []),
        ("", []),
        (None, []),
    ],
)
def test_an_image_that_moves_or_is_no_longer_patched(make_plan: MakePlan, image: str | None, ids: list[str]) -> None:
    plan = make_plan()
    environment = Environment(image=image)
    plan = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, environment=environment))
    found = list(base_image.check(plan))
    assert [finding.id for finding in found] == ids
    assert all(finding.severity == "warning" and finding.looked_at == image for finding in found)


def test_an_old_release_is_named(make_plan: MakePlan) -> None:
    plan = make_plan()
    environment = Environment(image="azureml/base-ubuntu18.04:1")
    plan = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, environment=environment))
    (found,) = base_image.check(plan)
    assert "Ubuntu 18.04," in found.message
