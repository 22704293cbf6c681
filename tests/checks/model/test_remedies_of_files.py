"""The versions and numbers that findings about files tell, so that they can be copied into the plan's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.checks.environment.conda_file import SERVER, CondaFile
from tui.checks.model import artifact_findings
from tui.checks.model.file_count import Figures
from tui.checks.model.model_folder import ModelFolder
from tui.checks.scoring.sample_request import SampleRequest
from tui.common.conda_file import Lines
from tui.plan import model as m

PLAN = m.Plan(workspace=m.Workspace("s", "rg", "ws"))


def conda(*lines: str) -> CondaFile:
    return CondaFile(Path("conda.yml"), found=True, lines=Lines(conda=list(lines)))


@pytest.mark.parametrize(
    ("python", "server", "newer", "older"),
    [("3.8", "1.4", "3.9", "1.4"), ("3.7", "1.3.2", "3.8", "1.0"), ("3.6", "0.8", "3.7", "0.8")],
)
def test_a_server_that_needs_a_newer_python_names_both_ways_out(
    python: str, server: str, newer: str, older: str
) -> None:
    (found,) = artifact_findings.about_conda(PLAN, conda(f"python={python}", f"{SERVER}={server}"))
    assert f"needs Python {newer} or newer" in found.message and f"requests Python {python}:" in found.message
    assert f"python={newer} or" in found.remedy and f"{SERVER}<{older}." in found.remedy


def test_a_mismatch_names_the_version_to_pin() -> None:
    flavours = {"sklearn": {"sklearn_version": "1.2.2"}, "python_function": {"python_version": "3.10.13"}}
    model = ModelFolder(Path("m"), exists=True, mlmodel={"flavors": flavours}, flavours=tuple(flavours))
    library, python = artifact_findings.about_versions(model, conda("python=3.11", "scikit-learn=1.5.0"))
    assert "Use scikit-learn==1.2.2," in library.remedy and "Use python=3.10," in python.remedy


@pytest.mark.parametrize(("rows", "shown"), [(1, "1 row that"), (2, "2 rows that"), (3, "3 rows that")])
def test_rows_are_counted(rows: int, shown: str) -> None:
    model = ModelFolder(Path("m"), exists=True, signature=[{"name": "a", "type": "long"}])
    sample = SampleRequest(Path("s.json"), {"data": [{"a": 1}] * rows})
    (found,) = artifact_findings.about_sample(PLAN, sample, model)
    assert shown in found.message
    (unsigned,) = artifact_findings.about_sample(PLAN, sample, None)
    assert f"JSON with {shown[:-5]}." in unsigned.message


@pytest.mark.parametrize(
    ("files", "complete", "left_out", "shown"),
    [(1, True, 0, "1 file,"), (2, True, 0, "2 files,"), (2, False, 0, "2 files and more,"), (1, True, 3, "excludes 3")],
)
def test_files_are_counted(files: int, complete: bool, left_out: int, shown: str) -> None:
    figures = Figures(files, 10, complete, ".amlignore", left_out)
    model = ModelFolder(Path("m"), True, files, 10, complete, flavours=("xgboost",), figures=figures)
    (found,) = artifact_findings.about_model(PLAN, model)
    assert shown in found.message and ("excludes" in found.message) is bool(left_out) and "xgboost" in found.message


@pytest.mark.parametrize(("number", "packages"), [(1, "1 packages"), (2, "2 packages")])
def test_packages_are_counted_and_a_local_one_is_named(number: int, packages: str) -> None:
    (found,) = artifact_findings.about_conda(PLAN, conda("python=3.10", *["numpy", "scipy"][:number]))
    assert packages in found.message
    local = CondaFile(Path("c"), found=True, lines=Lines(conda=["python=3.10"], local=["./a.whl", "./b.whl"]))
    (named,) = artifact_findings.about_conda(PLAN, local)
    assert (named.id, named.severity) == ("conda-local", "blocker") and "./a.whl" in named.message
