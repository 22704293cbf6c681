"""An offline install is made on a machine with a network, and used on one without."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import offline
import pytest
from packaging.requirements import Requirement
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("without_network")]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a machine without a network; its rehearsal is stopped at the end."""
    folder = tmp_path_factory.mktemp("cluster")
    environ = offline.environment(folder)
    yield environ
    if (folder / "venv").is_dir():
        subprocess.run([folder / "venv/bin/aml-deploy", "rehearsal", "--stop"], env=environ, check=True, timeout=60)


@pytest.fixture(scope="module")
def installed(install_folder: Path, cluster: dict[str, str]) -> Path:
    """The virtual environment that install.py creates without a network."""
    target = Path(cluster["HOME"]).parent / "venv"
    # Like a volume: nothing there can be written, executed or linked.
    mounted = 'mount --bind "$1" "$1" && mount -o remount,bind,ro,noexec "$1" && exec "$0" "$1/install.py" --to "$2"'
    done = offline.run(["sh", "-c", mounted, sys.executable, install_folder, target], cluster)
    assert done.returncode == 0, done.stderr + done.stdout
    assert f"{target}/bin/aml-deploy" in done.stdout
    return target


def test_there_is_no_network(cluster: dict[str, str]) -> None:
    code = "import socket; socket.create_connection(('1.1.1.1', 443), 5)"
    done = offline.run([sys.executable, "-c", code], cluster)
    assert "Network is unreachable" in done.stderr


def test_every_wheel_fits_the_python_and_the_platform_that_are_named(install_folder: Path) -> None:
    about = json.loads((install_folder / "bundle.json").read_text(encoding="utf-8"))
    assert list(about["pythons"]) == [offline.PYTHON]
    version = (sys.version_info[0], sys.version_info[1])
    # The named version of glibc and older ones: a wheel must not need a newer one.
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in range(about["glibc"][1], 4, -1)]
    platforms += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]
    fit = {*cpython_tags(version, platforms=platforms), *compatible_tags(version, "cp", platforms=platforms)}
    wheels = [*(install_folder / "wheels").iterdir(), *(install_folder / "environment-wheels").iterdir()]
    assert len(wheels) > 100
    assert [wheel.name for wheel in wheels if not fit & parse_wheel_filename(wheel.name)[3]] == []


def test_the_requirements_name_every_wheel_with_its_hash(install_folder: Path) -> None:
    lines = (install_folder / f"requirements-{offline.PYTHON}.txt").read_text(encoding="utf-8").splitlines()[1:]
    named = {canonicalize_name(Requirement(line.partition(" --hash=")[0]).name) for line in lines}
    assert all(line.count(" --hash=sha256:") == 1 for line in lines)
    assert named == {parse_wheel_filename(path.name)[0] for path in (install_folder / "wheels").iterdir()}
    assert {"aml-deploy", "azure-ai-ml", "textual", "uv", "pip"} <= named


def test_a_plan_comes_to_its_prediction_without_a_network(
    installed: Path, cluster: dict[str, str], conda_file: Path
) -> None:
    changed = ["--set", f"deployment.environment.conda_file={conda_file}"]
    words = ["apply", offline.PRESET.name, "--rehearse", "--yes", "--json", *changed]
    # All steps share one namespace, since the processes that the rehearsal starts must be in the same one.
    script = '"$0" "$@"; code=$?; "$0" rehearsal --stop; exit $code'
    done = offline.run(["sh", "-c", script, installed / "bin/aml-deploy", *words], cluster)
    assert done.returncode == 0, done.stderr + done.stdout[-3000:]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    last = events[-1]
    assert (last["event"], last["status"], last["test"]["status_code"]) == ("run_finished", "succeeded", 200)
    answer = last["test"]["response"]
    assert json.loads(answer) if isinstance(answer, str) else answer
    (marker,) = Path(cluster["AML_DEPLOY_CACHE"]).glob("environments/*/rehearsal-image.json")
    assert json.loads(marker.read_text(encoding="utf-8"))["python"].startswith(f"{offline.PYTHON}.")
    assert any(marker.parent.glob("lib/python*/site-packages/azureml_inference_server_http-*"))


def test_the_python_that_installs_stays_as_it_is(installed: Path, cluster: dict[str, str]) -> None:
    code = "import sys, tui; print(sys.prefix, tui.__file__)"
    done = offline.run([installed / "bin/python", "-c", code], cluster, cwd=installed)
    prefix, module = done.stdout.split()
    assert Path(prefix).resolve() == installed.resolve()
    assert Path(module).is_relative_to(installed)
    record = (installed / "pyvenv.cfg").read_text(encoding="utf-8")
    assert "include-system-site-packages = false" in record


def test_the_two_lines_of_its_readme_install_too(
    install_folder: Path, installed: Path, cluster: dict[str, str]
) -> None:
    options = ["--no-index", "--find-links", install_folder / "wheels", "--require-hashes"]
    requirements = install_folder / f"requirements-{offline.PYTHON}.txt"
    words = ["-m", "pip", "install", "--dry-run", "--ignore-installed", *options, "-r", requirements]
    done = offline.run([installed / "bin/python", *words], cluster)
    assert done.returncode == 0, done.stderr
    assert "Would install" in done.stdout and "aml-deploy-" in done.stdout


def test_a_wheel_that_was_changed_is_not_installed(
    install_folder: Path, installed: Path, cluster: dict[str, str], tmp_path: Path
) -> None:
    copy = shutil.copytree(install_folder, tmp_path / "copy")
    wheel = next((copy / "wheels").glob("platformdirs-*.whl"))
    content = bytearray(wheel.read_bytes())
    content[len(content) // 2] ^= 1
    wheel.write_bytes(content)
    line = next(
        line
        for line in (copy / f"requirements-{offline.PYTHON}.txt").read_text(encoding="utf-8").splitlines()
        if line.startswith("platformdirs")
    )
    (tmp_path / "one.txt").write_text(line, encoding="utf-8")
    options = ["--no-index", "--find-links", copy / "wheels", "--require-hashes", "--ignore-installed", "--dry-run"]
    done = offline.run(
        [installed / "bin/python", "-m", "pip", "install", *options, "-r", tmp_path / "one.txt"], cluster
    )
    assert done.returncode != 0
    assert "HASHES" in done.stderr or "hash" in done.stderr


def test_the_wheel_of_the_tool_is_made_again_from_what_is_installed(
    install_folder: Path, installed: Path, cluster: dict[str, str], tmp_path: Path
) -> None:
    """An offline install can be made on a machine where aml-deploy is installed from a wheel, without sources."""
    import zipfile

    code = (
        "import sys; from pathlib import Path; from tui.offline_install import own_wheel; "
        "from tui.offline_install.package_indexes import needs; print(own_wheel.make(Path(sys.argv[1]), needs()))"
    )
    done = offline.run([installed / "bin/python", "-c", code, tmp_path], cluster, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (first,) = (install_folder / "wheels").glob("aml_deploy-*.whl")
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(done.stdout.strip()) as again:
        content = {name: one.read(name) for name in one.namelist() if not name.endswith("/RECORD")}
        assert {name: again.read(name) for name in again.namelist() if not name.endswith("/RECORD")} == content
    assert any(name.endswith(".data/data/notebook/aml_deploy.py") for name in content)


def test_a_notebook_finds_the_tool_beside_its_module(
    installed: Path, cluster: dict[str, str], conda_file: Path
) -> None:
    """From a Python without any of its packages, like a cluster's."""
    code = (
        f"import sys; sys.path.append({str(installed / 'notebook')!r}); from aml_deploy import check; "
        "result = check('churn-xgboost', changes={'endpoint.name': 'x'}); print(result, result.ok)"
    )
    base = Path(sys._base_executable)  # type: ignore[attr-defined]
    done = offline.run([base, "-I", "-c", code], cluster, cwd=installed)
    assert done.returncode == 0, done.stderr
    assert "A name must have 3 to 32 characters" in done.stdout
    assert done.stdout.splitlines()[-1] == "<invalid> False"
