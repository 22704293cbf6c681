"""A hostile working directory: nothing of it is executed by any process of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui.common import child_process

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = (
    "email.py", "yaml.py", "secrets.py", "json.py", "platform.py", "runpy.py", "venv.py", "sitecustomize.py",
    "azure/__init__.py", "requests/__init__.py", "pip/__init__.py",
)  # fmt: skip
PLANTED = "planted~child~0001"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder of modules that leave a mark when they are executed, and then fail."""
    for name in (*HOSTILE, "tui/__init__.py"):
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write({name!r}); raise RuntimeError({name!r})\n")
    return tmp_path / "model"


def test_a_child_imports_nothing_from_the_working_directory(hostile: Path, tmp_path: Path) -> None:
    # A leading empty entry is what `PYTHONPATH=$PYTHONPATH:/folder` makes of an unset variable.
    given = {**os.environ, "PYTHONPATH": f":.:{ROOT}"}
    environ = child_process.environment(given)
    assert environ["PYTHONPATH"] == str(ROOT)
    done = subprocess.run(
        child_process.command("tui.helper"),
        env=environ, cwd=hostile, input=b'{"id": 1, "ask": "no_such_question"}\n', capture_output=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert not (tmp_path / "executed").exists()


def test_commands_and_notebook_execute_nothing_of_the_folder_they_are_used_in(
    hostile: Path, tmp_path: Path, rehearsal_home: dict[str, str]
) -> None:
    program = Path(sys.executable).with_name("aml-deploy")
    notebook = "from tui.notebook import check; print(check('churn-xgboost', rehearse=True))"
    for command in (
        [program, "check", "churn-xgboost", "--rehearse"],
        [program, "requests", "churn-xgboost", "--rehearse", "-o", tmp_path / "pages"],
        [program, "rehearsal", "--env", "--json"],
        [sys.executable, "-I", "-c", notebook],
    ):
        done = subprocess.run(
            [str(word) for word in command],
            env=rehearsal_home, cwd=hostile, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "without a result" not in done.stdout
    assert not (tmp_path / "executed").exists()


def test_a_checkout_that_is_not_installed_finds_itself_and_passes_arguments_on(tmp_path: Path) -> None:
    (tmp_path / "shown.py").write_text("import json, sys; print(json.dumps([__name__, sys.argv[1:], sys.path]))")
    environ = child_process.environment({**os.environ, "PYTHONPATH": str(tmp_path)})
    done = subprocess.run(
        [sys.executable, "-S", *child_process.command("shown", "-x", "a b")[1:]],
        env=environ, cwd=tmp_path, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    name, arguments, path = json.loads(done.stdout)
    assert name == "__main__"
    assert arguments == ["-x", "a b"]
    assert path[0] == str(ROOT)
    assert str(ROOT / "tui" / "common") not in path


def test_the_module_starts_in_a_folder_that_was_deleted(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    start = f"import os, sys; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r}); os.execv(sys.executable, sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", start, sys.executable, "-m", "tui", "--version"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_who_signs_in_nowhere_gets_no_secret_of_the_users() -> None:
    kept = {
        "PATH": "/bin", "HTTPS_PROXY": "proxy", "UV_INDEX_CORP_PASSWORD": "p", "REQUESTS_CA_BUNDLE": "/ca",
        "AML_DEPLOY_HOME": "/home",
    }  # fmt: skip
    names = (
        "AZURE_CLIENT_SECRET AZURE_PASSWORD AZURE_CLIENT_CERTIFICATE_PASSWORD ARM_CLIENT_SECRET MSI_SECRET "
        "AZURE_TENANT_ID IDENTITY_HEADER DATABRICKS_TOKEN"
    )
    identity = dict.fromkeys(names.split(), PLANTED)
    given = {**kept, **identity, "UNTOLD": PLANTED}
    assert child_process.machine_only(given) == kept
    assert child_process.without_identity(given) == {**kept, "UNTOLD": PLANTED}
    assert child_process.environment(given) == given
