"""What install.py reports when it cannot install; it runs standalone, as in the folder of an offline install."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import offline
import pytest

from tui.offline_install import install

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="offline installs are for Linux")


def install_folder(folder: Path, **changed: Any) -> Path:
    """An offline install for this Python and this machine, whose one wheel is not a wheel."""
    (folder / "wheels").mkdir(parents=True)
    (folder / "wheels" / "pip-1-py3-none-any.whl").write_bytes(b"1234")
    about = {
        "version": "0.1.0",
        "machine": platform.machine(),
        "glibc": [2, 17],
        "extras": ["rehearsal"],
        "pythons": {offline.PYTHON: {"pip-1-py3-none-any.whl": 4}},
        "environments": [],
    }
    (folder / "bundle.json").write_text(json.dumps({**about, **changed}), encoding="utf-8")
    shutil.copyfile(str(install.__file__), folder / "install.py")
    return folder


def ran(folder: Path, *words: object, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    command = [python, "-I", str(folder / "install.py"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def refusal(folder: Path, *words: object) -> str:
    done = ran(folder, *words)
    assert (done.returncode, done.stdout) == (1, ""), done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_complete_folder_passes_the_check(tmp_path: Path) -> None:
    done = ran(install_folder(tmp_path / "b"), "--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"The folder is complete for Python {offline.PYTHON} on this machine: 1 wheel.\n"


def test_a_python_without_wheels_is_told_what_there_is(tmp_path: Path) -> None:
    said = refusal(install_folder(tmp_path / "b", pythons={"3.99": {}}), "--check")
    assert f"This is Python {offline.PYTHON}" in said
    assert "The folder holds wheels for Python 3.99." in said
    assert f"aml-deploy offline-install --python {offline.PYTHON}" in said


def test_an_older_python_is_told_so_too(tmp_path: Path) -> None:
    """It gets as far as the message: the script uses no syntax that Python 3.7 does not know."""
    older = [Path.home() / ".pyenv/versions" / name for name in ("3.7.16", "3.8.18")]
    found = next((path / "bin/python" for path in older if (path / "bin/python").exists()), None)
    if found is None:
        pytest.skip("no Python older than 3.9 is on this machine")
    done = ran(install_folder(tmp_path / "b"), "--check", python=str(found))
    assert done.returncode == 1
    assert "aml-deploy itself needs Python 3.9 or newer." in done.stderr


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"machine": "sparc"}, "the wheels are for Linux sparc"),
        ({"glibc": [2, 999]}, "the wheels need 2.999 or newer"),
        ({"pythons": {offline.PYTHON: {"pip-1-py3-none-any.whl": 4, "a-1-py3-none-any.whl": 9}}}, "whl: missing"),
        ({"pythons": {offline.PYTHON: {"pip-1-py3-none-any.whl": 9}}}, "pip-1-py3-none-any.whl: 4 of 9 bytes"),
    ],
)
def test_what_does_not_fit_or_is_missing_is_named(changed: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    assert sentence in refusal(install_folder(tmp_path / "b", **changed), "--check")


def test_a_folder_without_its_description_is_refused(tmp_path: Path) -> None:
    folder = install_folder(tmp_path / "b")
    (folder / "bundle.json").unlink()
    assert "Copy the whole folder" in refusal(folder)


@pytest.mark.parametrize("target", ["/Volumes/main/default/v", "/Workspace/Shared/v", "/dbfs/v"])
def test_a_mount_is_no_place_for_a_virtual_environment(target: str, tmp_path: Path) -> None:
    assert "is not on local disk" in refusal(install_folder(tmp_path / "b"), "--to", target)
    assert not Path(target).exists()


def test_a_home_folder_that_nobody_has_is_refused(tmp_path: Path) -> None:
    assert "no home folder for ~no-such-user/v" in refusal(install_folder(tmp_path / "b"), "--to", "~no-such-user/v")


def test_what_others_made_is_never_replaced(tmp_path: Path) -> None:
    folder = install_folder(tmp_path / "b")
    theirs = tmp_path / "theirs"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", theirs], check=True, timeout=60)
    before = sorted(theirs.rglob("*"))
    assert "was not created by this script" in refusal(folder, "--to", theirs)
    assert sorted(theirs.rglob("*")) == before
    assert "is a file" in refusal(folder, "--to", folder / "bundle.json")
    assert "already exists" in refusal(folder, "--to", sys.prefix)


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path) -> None:
    wheels = {"pip-1-py3-none-any.whl": 10**13}
    folder = install_folder(tmp_path / "b", pythons={offline.PYTHON: wheels})
    with (folder / "wheels" / "pip-1-py3-none-any.whl").open("wb") as file:
        try:
            file.truncate(10**13)
        except OSError:
            pytest.skip("this file system has no files with holes of that size")
    assert "MB are needed" in refusal(folder, "--to", tmp_path / "new")
    assert not (tmp_path / "new").exists()
