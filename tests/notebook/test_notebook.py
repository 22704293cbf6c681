"""A plan from the cells of a notebook, in a real IPython."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMPORT = {"code": "from tui.notebook import apply, attach, check"}
KINDS = ("AZURE", "ARM_", "IDENTITY_", "MSI_", "REHEARSAL_", "DATABRICKS")


def run_cells(environ: dict[str, str], *cells: dict[str, str], **more: Any) -> list[dict[str, Any]]:
    """What became of the cells, without the first, which imports."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("cells.py"))],
        input=json.dumps({"cells": [IMPORT, *cells], **more}),
        env={**environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": environ["AML_DEPLOY_HOME"] + "-ipython"},
        capture_output=True,
        text=True,
        timeout=300,
        start_new_session=True,  # its process group is what is cancelled
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, *told = json.loads(done.stdout.splitlines()[-1])
    assert first["error"] is None, first
    return told


@pytest.fixture
def lonely(tmp_path: Path) -> dict[str, str]:
    """An environment with a state folder of its own, in which nothing says where Azure is."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith((*KINDS, "AML_DEPLOY"))}
    return {**kept, "AML_DEPLOY_HOME": str(tmp_path / "state"), "AML_DEPLOY_CACHE": str(tmp_path / "cache")}


@pytest.fixture(scope="module")
def rehearsing(rehearsal_home: dict[str, str], rehearsal: dict[str, Any]) -> dict[str, str]:
    """An environment whose rehearsal runs already, and in which nothing else says where Azure is."""
    assert rehearsal["pid"]
    return {name: value for name, value in rehearsal_home.items() if not name.startswith(KINDS)}


def readable(cell: dict[str, Any]) -> str:
    """The output of a cell that ended without a traceback and without control characters."""
    assert cell["error"] is None and cell["err"] == "", cell
    text: str = cell["out"]
    assert not [mark for mark in text if ord(mark) < 32 and mark != "\n"]
    assert "Traceback" not in text
    return text


@pytest.mark.smoke
def test_what_is_wrong_is_a_sentence_and_never_a_traceback(lonely: dict[str, str]) -> None:
    nothing, wrong, empty, absent, silent = run_cells(
        lonely,
        {"code": "apply('nothing.yml')"},
        {"code": "check('own-score', changes={'endpoint.name': 'x', 'deployment.instance_count': 0})"},
        {"code": "attach()"},
        {"code": "import os; os.environ['AML_DEPLOY_PYTHON'] = '/nowhere/python'; check('own-score').ok"},
        {"code": "os.environ['AML_DEPLOY_PYTHON'] = '/bin/false'; check('own-score').ok"},
    )
    assert "There is no plan file" in readable(nothing)
    assert nothing["result"] == "<invalid>"
    text = readable(wrong)
    assert "A name must have 3 to 32 characters" in text and "deployment.instance_count" in text
    assert "There are no runs on this machine" in readable(empty)
    assert empty["result"] == "<failed>"
    assert "cannot be started with /nowhere/python" in readable(absent)
    assert "ended without a result" in readable(silent)
    assert (absent["result"], silent["result"]) == ("False", "False")


@pytest.mark.smoke
def test_the_module_needs_the_standard_library_only() -> None:
    """It is imported by a notebook whose Python has none of the tool's packages."""
    code = (
        "import runpy, sys; before = set(sys.modules); runpy.run_path(sys.argv[1]); import sysconfig; "
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(sorted(name for name in new if 'site-packages' in str(getattr(sys.modules.get(name), '__file__', ''))))"
    )
    words = [sys.executable, "-I", "-c", code, str(ROOT / "tui" / "notebook.py")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_check_and_apply_end_in_a_prediction(rehearsing: dict[str, str]) -> None:
    check, apply, facts, again = run_cells(
        rehearsing,
        {"code": "check('own-score', rehearse=True)"},
        {"code": "run = apply('own-score', rehearse=True); run"},
        {"code": "run.ok, run.test['status_code'], run.scoring_uri, run.portal_url"},
        {"code": "attach(run.run).ok"},
    )
    assert "Nothing blocks a deployment" in readable(check)
    text = readable(apply)
    assert "Succeeded after" in text and "status 200" in text
    assert len(text.splitlines()) < 70
    assert apply["result"].startswith("<succeeded, run ")
    ok, status, scoring, portal = eval(facts["result"])
    assert (ok, status) == (True, 200)
    (links,) = [shown["text/html"] for shown in apply["displayed"] if "text/html" in shown]
    assert f'<a href="{scoring}"' in links and f'href="{portal}"' in links
    assert again["result"] == "True"


@pytest.mark.slow
def test_a_cancelled_cell_leaves_the_run_going(rehearsing: dict[str, str]) -> None:
    name = "changes={'endpoint.name': 'own-score-endpoint-02'}"
    left, followed = run_cells(
        rehearsing,
        {"code": f"left = apply('own-score', rehearse=True, {name}); left", "cancel_at": "workspace"},
        {"code": "then = attach(left.run); then.ok, then.run == left.run, left.status"},
    )
    text = readable(left)
    assert left["result"].startswith("<detached, run ")
    assert "The run continues in the background. Attach to it with: attach('" in text
    assert "Succeeded" not in text
    assert followed["result"] == "(True, True, 'detached')"
    assert "Succeeded after" in readable(followed)
    assert "is resumed" not in followed["out"]


@pytest.fixture
def no_scenarios(rehearsing: dict[str, str]) -> Iterator[None]:
    yield
    command = [sys.executable, "-m", "tui.rehearsal", "scenario"]
    subprocess.run(command, env=rehearsing, cwd=ROOT, check=True, timeout=60)


@pytest.mark.slow
@pytest.mark.usefixtures("no_scenarios")
def test_a_run_that_is_blocked_says_why_and_what_to_do(rehearsing: dict[str, str]) -> None:
    changed = "changes={'endpoint.name': 'own-score-endpoint-03'}"
    (cell,) = run_cells(
        rehearsing, {"code": f"apply('own-score', rehearse=True, {changed}, scenarios=['quota']).status"}
    )
    text = readable(cell)
    assert cell["result"] == "'blocked'"
    assert "needs" in text and "more quota" in text


@pytest.mark.slow
@pytest.mark.parametrize("given", ["by hand", "by reference"])
def test_a_secret_of_the_notebook_signs_in_and_is_seen_nowhere(
    given: str, rehearsal_env: dict[str, str], rehearsal: dict[str, Any], tmp_path: Path
) -> None:
    """No process shows it in its arguments or environment, and no file has it."""
    environ = {**rehearsal_env, "AML_DEPLOY_HOME": str(tmp_path / "state")}
    secret = environ.pop("REHEARSAL_CLIENT_SECRET")
    client = {name: environ.pop(name) for name in ("REHEARSAL_TENANT_ID", "REHEARSAL_CLIENT_ID")}
    place = rehearsal["workspaces"]["legacy"]
    changes = {
        "credential.method": "service_principal",
        "credential.tenant_id": client["REHEARSAL_TENANT_ID"],
        "credential.client_id": client["REHEARSAL_CLIENT_ID"],
        **{f"workspace.{key}": place[key] for key in ("subscription_id", "resource_group", "name")},
    }
    if given == "by reference":
        changes["credential.client_secret"] = "${databricks:deploy/sp}"
        call = f"check('own-score', changes={changes!r})"
    else:
        call = f"""check('own-score', changes={changes!r}, secrets={{
            'credential.client_secret': __import__('__main__').dbutils.secrets.get('deploy', 'sp')}})"""
    (cell,) = run_cells(environ, {"code": f"result = {call}; result.ok"}, dbutils={"deploy/sp": secret}, watch=secret)
    text = readable(cell)
    assert "Signed in through ClientSecret" in text and "(service principal)" in text, text
    assert cell["result"] == "True"
    assert cell["seen"] == []
    assert secret not in json.dumps(cell)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


@pytest.mark.slow
def test_a_wrong_secret_of_the_notebook_is_refused(
    rehearsal_env: dict[str, str], rehearsal: dict[str, Any], tmp_path: Path
) -> None:
    """The test above can fail: it is this secret that signs in."""
    environ = {**rehearsal_env, "AML_DEPLOY_HOME": str(tmp_path / "state")}
    place = rehearsal["workspaces"]["legacy"]
    changes = {
        "credential.method": "service_principal",
        "credential.tenant_id": environ["REHEARSAL_TENANT_ID"],
        "credential.client_id": environ["REHEARSAL_CLIENT_ID"],
        "credential.client_secret": "${databricks:deploy/sp}",
        **{f"workspace.{key}": place[key] for key in ("subscription_id", "resource_group", "name")},
    }
    call = f"check('own-score', changes={changes!r}).ok"
    (cell,) = run_cells(environ, {"code": call}, dbutils={"deploy/sp": "hunter2"})
    assert cell["result"] == "False"
    assert "hunter2" not in readable(cell)
